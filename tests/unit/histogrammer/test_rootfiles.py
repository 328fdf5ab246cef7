"""Bounds of files of ROOT that mean harm."""

from __future__ import annotations

import lzma
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from histogrammer import rootfiles
from histogrammer.errors import SpectrumFileError
from histogrammer.rootfiles import classes_in, open_root
from histogrammer.spectrumfiles.rootformat import read_root

uproot = pytest.importorskip("uproot")
LARGE = 1 << 26


def packed(kind: bytes) -> bytes:
    """So many zeros, which become a few kilobytes."""
    if kind == b"ZL\x08":
        return zlib.compress(bytes(LARGE))
    if kind == b"XZ\x00":
        return lzma.compress(bytes(LARGE), preset=0)
    import cramjam

    return bytes(cramjam.zstd.compress(bytes(LARGE)))


@pytest.mark.parametrize("kind", [b"ZL\x08", b"XZ\x00", b"ZS\x01"], ids=["zlib", "lzma", "zstd"])
def test_what_unpacks_to_more_than_it_says_is_damaged_and_takes_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: bytes
) -> None:
    bomb = packed(kind)

    def compress(data: bytes, _compression: object) -> bytes:
        if len(data) < 3000:  # of the file itself
            return data
        size, said = (len(each).to_bytes(3, "little") for each in (bomb, data))
        return kind + size + said + bomb

    with monkeypatch.context() as patch:
        patch.setattr(uproot.compression, "compress", compress)
        with uproot.recreate(tmp_path / "f.root") as file:
            file["h"] = np.histogram([1.0], bins=1000)
    content = (tmp_path / "f.root").read_bytes()
    with pytest.raises(SpectrumFileError, match="damaged"):
        read_root(content)  # what it loads the first time is not counted
    tracemalloc.start()
    try:
        with pytest.raises(SpectrumFileError, match="damaged"):
            read_root(content)
        assert tracemalloc.get_traced_memory()[1] < LARGE // 8
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("level", [uproot.ZLIB(1), uproot.LZMA(9), uproot.LZ4(1), uproot.ZSTD(1)])
def test_what_others_compress_is_read_as_before(tmp_path: Path, level: object) -> None:
    counts = np.arange(5000.0)
    with uproot.recreate(tmp_path / "f.root", compression=level) as file:
        file["h"] = counts, np.arange(5001.0)
    (saved,) = read_root((tmp_path / "f.root").read_bytes())
    np.testing.assert_array_equal(saved.cells[1:-1], counts)


def test_directories_that_hold_each_other_are_listed_up_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, depth = tmp_path / "f.root", 8
    with uproot.recreate(path) as file:
        for at in range(depth):
            for name in "xy":
                file.mkdir("x/" * at + name)
    content = path.read_bytes()
    with uproot.open(path) as file:
        folder = file
        for _ in range(depth):
            x, y = (next(key for key in folder._keys if key.fName == name) for name in "xy")
            old, new = (struct.pack(">ii", key.fSeekKey, key.fSeekPdir) for key in (y, x))
            content = content.replace(old, new)  # y is x, too: at each level twice as many
            folder = folder["x"]
    path.write_bytes(content)
    with open_root(str(path)) as file:
        assert len(classes_in(file)) == 2 ** (depth + 1) - 2
        monkeypatch.setattr(rootfiles, "MAX_KEYS", 100)
        with pytest.raises(ValueError, match="more than 100 keys"):
            classes_in(file)


def test_classes_of_a_file_are_not_those_of_the_next(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "f.root") as file:
        file["h"] = np.histogram([1.0], bins=10)
    before = dict(uproot.classes)
    with open_root(str(tmp_path / "f.root")) as file:
        file.file.custom_classes["THostile"] = object
    assert uproot.classes == before
    with open_root(str(tmp_path / "f.root")) as file:
        assert "THostile" not in file.file.custom_classes
