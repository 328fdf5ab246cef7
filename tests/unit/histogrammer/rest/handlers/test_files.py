"""Requests of files of spectra."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.rest_client import RestClient


@pytest.mark.parametrize("form", ["ascii", "json"])
def test_spectra_are_read_as_they_were_written(rest: RestClient, tmp_path: Path, form: str) -> None:
    rest.book("h", "1", "a", "-8 8 8")
    rest.book("p", "2", "a b", "0 8 8", "0 4 4")
    rest.ok("channel/set", spectrum="h", xchannel=2, value=7)
    rest.ok("channel/set", spectrum="p", xchannel=2, ychannel=3, value=4)
    before = [rest.ok("spectrum/contents", name=name) for name in ("h", "p")]
    file = str(tmp_path / "f")
    assert rest.ok("swrite", file=file, format=form, spectrum=["h", "p"]) == ""
    rest.ok("spectrum/zero")
    assert rest.ok("sread", filename=file, format=form) == ""
    assert [rest.ok("spectrum/contents", name=name) for name in ("h_0", "p_0")] == before
    assert list(rest.engine.bindings) == ["h_0", "p_0"]
    assert rest.ok("apply/list", pattern="h_0")[0]["gate"] is not None
    rest.ok("sread", filename=file, format=form, replace="True", bind="off", snapshot=0)
    assert [rest.ok("spectrum/contents", name=name) for name in ("h", "p")] == before
    assert rest.ok("apply/list", pattern="h")[0]["gate"] is None


def test_failures_have_the_texts_of_the_reference(rest: RestClient, tmp_path: Path) -> None:
    rest.book("h", "1", "a", "0 8 8")
    file = str(tmp_path / "f")
    write = {"file": file, "format": "ascii", "spectrum": "h"}
    assert rest("swrite", **{**write, "spectrum": ["h", "x"]}) == (
        "Spectrum could not be found: x",
        "Spectrum does not exist",
    )
    assert rest("swrite", **{**write, "format": "xml"}) == (
        "Invalid format type specification:",
        "xml",
    )
    assert not Path(file).exists()
    status, detail = rest("swrite", **{**write, "file": "/f"})
    assert (status, str(tmp_path) in detail) == ("Unable to create file: /f", True)
    read = {"filename": file, "format": "json"}
    status, detail = rest("sread", **read)
    assert (status, bool(detail)) == (f"Failed to open input file: {file}", True)
    assert rest("sread", **{**read, "format": "xml"}) == ("Unsupported format", "xml")
    for content in (b"\xff", b"{", b'[{"definition":'):
        Path(file).write_bytes(content)
        status, detail = rest("sread", **read)
        assert (status, bool(detail)) == ("Unable to deserialize from file", True)
    rest.book("large", "1", "a", "0 8 300000")
    rest.ok("swrite", file=file, format="json", spectrum="large")
    status, detail = rest("sread", **read)
    assert (status, "storage" in detail) == (
        "Unable to enter spectra in histogram thread: ",
        True,
    )


def test_nothing_but_spectra_is_replaced(rest: RestClient, tmp_path: Path) -> None:
    rest.book("h", "1", "a", "0 8 8")
    write = {"format": "json", "spectrum": "h"}
    for name, content in [
        ("spectra", b'[{"definition":'),
        ("lines", b'\n"h" (8)\n'),
        ("events", b'"\0\0\0\x1e\0\0\0'),  # an item of 34 bytes
        ("script", b"#!/bin/sh\n"),
    ]:
        file = tmp_path / name
        file.write_bytes(content)
        status, detail = rest("swrite", file=str(file), **write)
        if name in ("spectra", "lines"):
            assert (status, detail) == ("OK", "")
            assert file.read_bytes().startswith(b'[{"definition":{')
        else:
            assert status == f"Unable to create file: {file}"
            assert "something else" in detail
            assert file.read_bytes() == content
    key = rest.ok("shmem/key").removeprefix("file:")
    assert "hidden" in rest("swrite", file=key, **write)[1]
    assert "hidden" in rest("sread", filename=key, format="json")[1]
    assert "hidden" in rest("attach/attach", type="file", source=key)[1]
