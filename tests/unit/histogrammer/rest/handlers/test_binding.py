"""Requests of the display memory and of mirrors."""

from __future__ import annotations

from pathlib import Path

from support.rest_client import FOLDER, RestClient, rest_client


def test_spectra_are_bound_listed_and_unbound(rest: RestClient) -> None:
    for name in ("h", "g", "f"):
        rest.book(name, "1", "a", "0 8 8")
    assert rest.ok("sbind/sbind", spectrum=["g", "h", "g"]) == ""
    g, h = (
        {"spectrumid": 1, "name": "g", "binding": 0},
        {"spectrumid": 0, "name": "h", "binding": 1},
    )
    assert rest.ok("sbind/list") == [g, h]
    assert rest.ok("sbind/list", pattern="h") == [h]
    assert rest.ok("sbind/all") == ""
    assert rest.ok("unbind/byname", name=["g", "f"]) == ""
    assert rest.ok("sbind/list") == [h]
    assert rest.ok("unbind/all") == ""
    assert rest.ok("sbind/list") == []


def test_what_cannot_be_bound_is_named_and_those_before_it_are_bound(rest: RestClient) -> None:
    rest.book("h", "1", "a", "0 8 8")
    status, detail = rest("sbind/sbind", spectrum=["h", "x", "y"])
    assert (status, bool(detail)) == ("Unable to bind spectrum x", True)
    assert list(rest.engine.bindings) == ["h"]
    rest.book("large", "1", "a", "0 8 300000")
    assert rest("sbind/all")[0] == "Unable to bind spectrum large"
    assert rest("unbind/byname", name="large") == (
        "Failed to unbind large",
        "Spectrum large could not be unbound: Spectrum is not bound",
    )


def test_the_memory_is_told(rest: RestClient, tmp_path: Path) -> None:
    kind, _, path = rest.ok("shmem/key").partition(":")
    assert (kind, Path(path).parent, Path(path).exists()) == ("file", tmp_path, True)
    assert rest.ok("shmem/size") == str(1 << 20)
    assert rest.ok("sbind/get_update") == 2
    assert rest.ok("sbind/set_update", seconds=5) == ""
    assert rest.ok("sbind/get_update") == 5
    assert rest.ok("shmem/variables") == {
        "DisplayMegabytes": 1,
        "OnlineState": False,
        "EventListSize": 100,
        "ParameterCount": "-undefined-",
        "LastSequence": "-undefined-",
        "RunNumber": "-undefined-",
        "BuffersAnalyzed": "-undefined-",
        "RunTitle": "-undefined-",
        "SpecTclHome": FOLDER,
        "RunState": "Inactive",
        "DisplayType": "None",
        "AnalysisError": "",
    }


def test_mirrors_are_selected_by_host(rest: RestClient) -> None:
    hpc1, h = rest.ok("mirror")
    assert hpc1 == {"host": "hpc1", "shmkey": "file:/x"}
    assert rest.ok("mirror", pattern="h") == [h]
    assert rest("mirror", pattern="[")[1] == []


def test_without_a_display_memory_all_but_it_works(tmp_path: Path) -> None:
    with rest_client(tmp_path, megabytes=None) as rest:
        rest.book("h", "1", "a", "0 8 8")
        assert "no display memory" in rest("shmem/key")[1]
        assert rest("sbind/all") == ("Unable to bind spectrum h", "There is no display memory")
        assert rest.ok("sbind/list") == []
        assert rest.ok("shmem/variables")["DisplayMegabytes"] == 0
