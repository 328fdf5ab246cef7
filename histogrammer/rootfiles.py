"""Files of ROOT opened with bounds, for they come from anybody: what is unpacked is no larger than
the file says, directories are listed up to an end, and classes that a file describes are its own.

Needs uproot, of the extra `root`. uproot builds classes from a file: their code is made of names that
it quotes, but how long they read, and into how much memory, the file says.
"""

from __future__ import annotations

import itertools
import lzma
import zlib
from functools import cache
from typing import Any

__all__ = ["MAX_KEYS", "classes_in", "open_root"]

MAX_KEYS = 100_000
"""Of a file, in all its directories: these may hold each other many times."""
_LZMA_BYTES = 256 << 20
"""For the dictionary of LZMA; that of its highest level takes 65 MB."""


def open_root(source: Any) -> Any:
    """Open a file.

    Args:
        source: Its path, or a file in memory.

    Raises:
        ImportError: uproot is not there.
        Exception: Whatever a damaged file makes of the library.
    """
    uproot = _bounded()
    return uproot.open(
        source,
        custom_classes=dict(uproot.classes),
        # mapped, a file that becomes shorter would end the process
        handler=uproot.MultithreadedFileSource if isinstance(source, str) else None,
        num_workers=1,
    )


def classes_in(file: Any) -> dict[str, str]:
    """Return key -> name of its class, of all directories.

    Raises:
        ValueError: There are more than MAX_KEYS.
    """
    pairs = file.iterclassnames(recursive=True, cycle=False)
    classes: dict[str, str] = {}
    for number, (key, name) in enumerate(itertools.islice(pairs, MAX_KEYS + 1)):
        if number == MAX_KEYS:
            raise ValueError(f"it has more than {MAX_KEYS} keys")
        classes[key] = name
    return classes


@cache
def _bounded() -> Any:
    """Return the library, of which each block is unpacked to as many bytes as its head says: its own
    unpacking makes gigabytes of some kilobytes, and compares then. LZ4 is bounded there."""
    import uproot  # late: of an extra, and a second
    from uproot import compression

    for name, unpack in (("ZLIB", _unpack_zlib), ("LZMA", _unpack_lzma), ("ZSTD", _unpack_zstd)):
        getattr(compression, f"_decompress_{name}").decompress = unpack
    return uproot


def _unpack_zlib(data: bytes, size: int) -> bytes:
    return zlib.decompressobj().decompress(data, size + 1)  # one more: too long is still seen to be


def _unpack_lzma(data: bytes, size: int) -> bytes:
    return lzma.LZMADecompressor(memlimit=_LZMA_BYTES).decompress(data, size + 1)


def _unpack_zstd(data: bytes, size: int) -> memoryview:
    import cramjam

    unpacked = bytearray(size)
    return memoryview(unpacked)[: cramjam.zstd.decompress_into(data, unpacked)]
