"""Files of spectra for other programs: CSV, HDF5, ROOT; read again, and by second readers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.savedspectra import counts_of, saved_spectra

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumFileError
from histogrammer.parsers import sort_parser
from histogrammer.spectra import kind_of
from histogrammer.spectrumfiles.csvformat import read_csv, write_csv
from histogrammer.spectrumfiles.formats import FORMATS
from histogrammer.spectrumfiles.hdf5format import read_hdf5, write_hdf5
from histogrammer.spectrumfiles.rootformat import read_root, write_root
from histogrammer.spectrumfiles.saved import Saved, begins_spectra

EXACT = ["csv", "hdf5", "root"]


def flat(name: str = "h", *, low: float = 10.0) -> Saved:
    definition = kind_of("1").define(name, [["e"]], [Axis(low, low + 8, 4)])
    return Saved(definition, np.array([5.0, 1.0, 2.0, 0.0, 4.0, 7.0]))


def plane(name: str = "h2") -> Saved:
    axes = [Axis(-1.0, 1.0, 2), Axis(0.0, 30.0, 3)]
    definition = kind_of("2").define(name, [["e"], ["de"]], axes)
    return Saved(definition, np.arange(20.0).reshape(5, 4))


@pytest.mark.parametrize("name", EXACT)
@given(spectra=st.lists(saved_spectra(), max_size=3))
@settings(max_examples=12)
def test_any_spectra_come_back_as_they_were(name: str, spectra: list[Saved]) -> None:
    if name == "root" and not spectra:
        return
    found = FORMATS[name].read(FORMATS[name].write(spectra, 0))
    assert [one.definition for one in found] == [one.definition for one in spectra]
    assert [counts_of(one) for one in found] == [counts_of(one) for one in spectra]


@pytest.mark.parametrize("name", EXACT)
def test_fractions_and_negative_counts_are_kept(name: str) -> None:
    saved = Saved(flat().definition, np.array([0.5, -1.25, 2.0**53 + 2, 1e-300, 1e300, 0.0]))
    (found,) = FORMATS[name].read(FORMATS[name].write([saved], 0))
    assert found.cells.tolist() == saved.cells.tolist()


def test_csv_is_what_the_documentation_shows() -> None:
    lines = [
        "#spectrum,h,1",
        "#parameters,e",
        "#axis,10.0,18.0,4",
        "x_bin,x,counts",
        "-1,10.0,5",
        "0,10.0,1",
        "1,12.0,2",
        "3,16.0,4",
        "4,18.0,7",
    ]
    assert write_csv([flat()]).splitlines() == lines
    rows = list(csv.reader(io.StringIO(write_csv([plane()]))))
    assert rows[5] == ["x_bin", "y_bin", "x", "y", "counts"]
    assert rows[-1] == ["2", "3", "1.0", "30.0", "19"]


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("x_bin,x,counts\n", "line 1", "has to begin with #spectrum"),
        ("#spectrum,h,1\n#parameters,a\n1,2,3\n", "line 3", "is missing"),
        ("#spectrum,h,1\n#parameters,a\n#axis,0,8,8\n", "line 3", "within a head"),
        ("#spectrum,h\n#axis,0,8,8\nx_bin,x,counts\n", "line 3", "a name and a type"),
        ("#spectrum,h,1\n#parameters,a\n#axis,0,8\nx_bin,x,counts\n", "line 4", "low, high and"),
        ("#spectrum,h,1\n#parameters,a\n#axis,0,8,x\nx_bin,x,counts\n", "line 4", "low, high and"),
        ("#spectrum,h,zz\n#parameters,a\n#axis,0,8,8\nx_bin,x,counts\n", "line 4", "Bad type"),
    ],
)
def test_a_head_of_csv_that_is_none_is_told_with_its_line(text: str, where: str, says: str) -> None:
    with pytest.raises(SpectrumFileError) as caught:
        read_csv(text)
    assert caught.value.where == where
    assert says in caught.value.reason


@pytest.mark.parametrize("row", ["9,0,1", "x,0,1", "1,1", "1,1,nan", "1,1,1,1,1", '1,"'])
def test_a_cell_of_csv_that_is_none_is_told_with_its_line(row: str) -> None:
    with pytest.raises(SpectrumFileError, match="line 6"):
        read_csv(f"{write_csv([flat()]).split('-1,')[0]}0,10,1\n{row}\n")


def test_a_file_is_cut_anywhere_with_an_error_or_fewer_counts() -> None:
    text = write_csv([flat(), plane()])
    lines = text.splitlines(keepends=True)
    for cut in range(len(lines)):
        try:
            found = read_csv("".join(lines[:cut]))
        except SpectrumFileError:
            continue
        assert len(found) <= 2
    for name in ("hdf5", "root"):
        content = FORMATS[name].write([flat()], 0)
        for cut in range(0, len(content) - 1, len(content) // 12):
            with pytest.raises(SpectrumFileError):
                FORMATS[name].read(content[:cut])


def test_hdf5_is_read_by_a_second_reader() -> None:
    pyfive = pytest.importorskip("pyfive")
    large = Saved(kind_of("1").define("l", [["e"]], [Axis(0, 1, 5000)]), np.arange(5002.0))
    saved = [flat("a/b"), plane("é"), large]
    with pyfive.File(io.BytesIO(write_hdf5(saved))) as file:
        for number, one in enumerate(saved):
            dataset = file[f"spectra/{number}"]
            assert (dataset[...] == one.cells).all()
            name = dataset.attrs["name"]
            assert (name.decode() if isinstance(name, bytes) else name) == one.definition.name
            assert dataset.attrs["x_axis"].tolist() == [
                one.definition.x_axis.low,
                one.definition.x_axis.high,
            ]


def test_hdf5_of_others_is_refused_with_a_place() -> None:
    h5py = pytest.importorskip("h5py")
    for build, says in [
        (lambda file: None, "/: there is no group spectra"),
        (lambda file: file.create_dataset("spectra/0", data=[1.0]), "/spectra/0: it has no defin"),
        (lambda file: _with_definition(file, "[]"), "is no object"),
        (lambda file: _with_definition(file, "{}"), "the key name is missing"),
    ]:
        out = io.BytesIO()
        with h5py.File(out, "w") as file:
            build(file)
        with pytest.raises(SpectrumFileError, match=says):
            read_hdf5(out.getvalue())


def _with_definition(file: object, text: str) -> None:
    dataset = file.create_dataset("spectra/0", data=[1.0])  # type: ignore[attr-defined]
    dataset.attrs["definition"] = text


def test_root_has_titles_axes_statistics_and_flow() -> None:
    uproot = pytest.importorskip("uproot")
    with uproot.open(io.BytesIO(write_root([flat(), plane()]))) as file:
        assert file.classnames() == {
            "h;1": "TH1D",
            "h2;1": "TH2D",
            "definitions;1": "TObjString",
        }
        one, two = file["h"], file["h2"]
        assert one.values(flow=True).tolist() == [5, 1, 2, 0, 4, 7]
        assert one.axis().edges().tolist() == [10, 12, 14, 16, 18]
        assert (one.title, one.member("fXaxis").member("fTitle")) == ("h", "e")
        sums = {name: one.member(name) for name in ("fEntries", "fTsumw", "fTsumwx", "fTsumwx2")}
        assert sums == {
            "fEntries": 19,
            "fTsumw": 7,
            "fTsumwx": 11 + 2 * 13 + 4 * 17,
            "fTsumwx2": 11**2 + 2 * 13**2 + 4 * 17**2,
        }
        assert two.values(flow=True).tolist() == plane().cells.T.tolist()
        assert two.member("fYaxis").member("fTitle") == "de"
        x, y = np.array([-0.5, 0.5]), np.array([5.0, 15.0, 25.0])
        inside = plane().cells[1:-1, 1:-1]
        assert two.member("fTsumwxy") == (inside * x[None, :] * y[:, None]).sum()
        assert two.member("fTsumwy2") == (inside * y[:, None] ** 2).sum()


def test_histograms_of_others_are_spectra_of_type_1_and_2() -> None:
    uproot = pytest.importorskip("uproot")

    class Sink(io.BytesIO):
        content = b""

        def close(self) -> None:
            if not self.closed:
                self.content = self.getvalue()
            super().close()

    sink = Sink()
    with uproot.recreate(sink) as file:
        file["folder/h"] = np.histogram([1.0, 2.5, 2.6], bins=4, range=(0, 4))
        file["h2"] = np.histogram2d([1.0, 2.5], [0.5, 0.5], bins=(2, 3), range=((0, 4), (0, 1)))
        file["tree"] = {"a": np.arange(3.0)}
    flat_, plane_ = sorted(read_root(sink.content), key=lambda one: one.definition.kind)
    assert flat_.definition.name == "folder/h"
    assert (flat_.definition.kind, flat_.definition.x_axis) == ("1", Axis(0, 4, 4))
    assert flat_.cells.tolist() == [0, 0, 1, 2, 0, 0]
    assert (plane_.definition.kind, plane_.definition.y_axis) == ("2", Axis(0, 1, 3))
    assert plane_.definition.groups == (("h2.x",), ("h2.y",))
    assert plane_.cells[1:-1, 1:-1].tolist() == [[0, 0], [1, 1], [0, 0]]
    sink = Sink()
    with uproot.recreate(sink) as file:
        file["h"] = (np.array([1.0, 2.0]), np.array([0.0, 1.0, 3.0]))
    with pytest.raises(SpectrumFileError, match="h: its bins have unequal widths"):
        read_root(sink.content)
    sink = Sink()
    with uproot.recreate(sink) as file:
        file["tree"] = {"a": np.arange(3.0)}
    with pytest.raises(SpectrumFileError, match="no histogram"):
        read_root(sink.content)


def test_names_that_root_has_no_keys_for_are_kept() -> None:
    names = ["a/b", "a;1", "", "a_b", "definitions", "x" * 300, "é { "]
    found = read_root(write_root([flat(name) for name in names]))
    assert sorted(one.definition.name for one in found) == sorted(names)


def _files(spectra: Sequence[Saved]) -> dict[str, bytes]:
    return {name: one.write(spectra, 0) for name, one in FORMATS.items()}


def test_a_sort_offers_all_formats() -> None:
    (choices,) = (one.choices for one in sort_parser()._actions if one.dest == "format")
    assert choices is not None
    assert list(choices) == list(FORMATS)


def test_only_texts_are_told_as_spectra_by_their_first_bytes() -> None:
    heads = {name: begins_spectra(content[:64]) for name, content in _files([flat()]).items()}
    assert heads == {"json": True, "ascii": True, "csv": True, "root": False, "hdf5": False}
    assert json.loads(_files([flat()])["json"])[0]["definition"]["name"] == "h"
