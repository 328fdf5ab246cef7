"""Formats of files of spectra by name: written, read, and told by their first bytes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from histogrammer.errors import SpectrumFileError
from histogrammer.spectrumfiles import hdf5format, rootformat
from histogrammer.spectrumfiles.ascii import read_ascii, write_ascii
from histogrammer.spectrumfiles.csvformat import read_csv, write_csv
from histogrammer.spectrumfiles.jsonformat import read_json, write_json
from histogrammer.spectrumfiles.saved import Saved

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        write: Returns a file; takes the present time in ns since 1970, too.
        read: Returns the spectra of a file. SpectrumFileError: it is none.

    Raises:
        SpectrumFileError: Of both, a package that they need is not installed.
    """

    write: Callable[[Sequence[Saved], int], bytes]
    read: Callable[[bytes], list[Saved]]


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise SpectrumFileError(f"byte {error.start}", "this is no UTF-8") from error


@contextmanager
def _of_extra(extra: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise SpectrumFileError(
            "format", f"{error.name} is not there: pip install 'dealer-player[{extra}]'"
        ) from error


def _needing(
    extra: str, writes: Callable[[Sequence[Saved]], bytes], reads: Callable[[bytes], list[Saved]]
) -> Format:
    def write(spectra: Sequence[Saved], _now_ns: int) -> bytes:
        with _of_extra(extra):
            return writes(spectra)

    def read(content: bytes) -> list[Saved]:
        with _of_extra(extra):
            return reads(content)

    return Format(write, read)


FORMATS: dict[str, Format] = {
    "json": Format(
        lambda spectra, _now: write_json(spectra).encode(),
        lambda content: read_json(_text(content)),
    ),
    "ascii": Format(
        lambda spectra, now: write_ascii(spectra, now).encode(),
        lambda content: read_ascii(_text(content)),
    ),
    "csv": Format(
        lambda spectra, _now: write_csv(spectra).encode(), lambda content: read_csv(_text(content))
    ),
    "root": _needing("root", rootformat.write_root, rootformat.read_root),
    "hdf5": _needing("hdf5", hdf5format.write_hdf5, hdf5format.read_hdf5),
}
"""Name in requests -> format."""
