"""Histogrammers as Banks of a Dealer: booked, filled, read, added up, followed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.ringfiles import definitions, event

from dealer.errors import PlayersError, SpectraDifferError
from player.errors import BankStartError, ConfigError
from player.testing import HostedBank
from zmqjsonproxy import RefusedError, RemoteError

HEAD = definitions([(1, "a"), (2, "b")])
TO_BOOK = '[spectra.first]\ntype = "1"\nparameters = ["a"]\naxes = [[0, 4, 4]]\n'
ENDLESS = "import sys, time; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1])); sys.stdout.flush(); time.sleep(60)"


def events(*values: tuple[float, float]) -> bytes:
    """Return events of a and b."""
    return b"".join(event(k, [(1, a), (2, b)]) for k, (a, b) in enumerate(values))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[HostedBank]]:
    """Two histogrammers, with a spectrum from the start."""
    with ExitStack() as stack:
        made = []
        for _ in range(2):
            folder = tmp_path_factory.mktemp("bank")
            (folder / "book.toml").write_text(TO_BOOK)
            endless = [sys.executable, "-c", ENDLESS, (HEAD + events((1, 2))).hex()]
            settings = {
                "home": str(folder),
                "shm_mbytes": 1,
                "threads": 1,
                "spectra_mbytes": 8,
                "definitions": "book.toml",
                "programs": {"endless": endless},
                "publish_hz": 50.0,
            }
            made.append(stack.enter_context(HostedBank("histogrammer", settings, folder=folder)))
        yield made


@pytest.fixture
def hosted(both: list[HostedBank]) -> list[HostedBank]:
    """Both, with their first spectrum, empty, and no other."""
    for one in both:
        one.proxy.stop()
        for spectrum in one.proxy.list_spectra():
            if spectrum["name"] != "first":
                one.proxy.delete_spectrum(spectrum["name"])
        one.proxy.clear_spectra()
    return both


@pytest.fixture
def d(hosted: list[HostedBank], make_dealer: Callable[..., Any]) -> Any:
    """A Dealer of either kind, with both as active Banks."""
    return make_dealer(*(one.url for one in hosted))


def write(one: HostedBank, data: bytes, name: str = "run.evt") -> str:
    """Write a file of events where a Bank may read."""
    path = one.bank.context.data_root / name
    path.write_bytes(data)
    return str(path)


def test_spectra_of_all_banks_are_read_and_added_up(d: Any, hosted: list[HostedBank]) -> None:
    files = [
        write(hosted[0], HEAD + events((0, 1), (1, 1), (9, 9))),
        write(hosted[1], HEAD + events((1, 2))),
    ]
    for one, path in zip(hosted, files, strict=True):
        assert one.proxy.analyze(path)["events"] == len(Path(path).read_bytes()[len(HEAD) :]) // 48
    both = d.spectrum("first")
    assert [each["data"].tolist() for each in both.values()] == [[1, 1, 0, 0], [0, 1, 0, 0]]
    whole = d.spectrum("first", combine="sum", flow=True)
    assert whole["data"].tolist() == [0, 1, 2, 0, 0, 1]
    assert (whole["axes"], whole["banks"]) == ([[0.0, 4.0, 4]], ["BANKA", "BANKB"])
    with pytest.raises(ValueError, match="expected 'sum' or None"):
        d.spectrum("first", combine="mean")


def test_what_cannot_be_added_names_the_banks(d: Any, hosted: list[HostedBank]) -> None:
    for one, bins in zip(hosted, (4, 5), strict=True):
        one.proxy.create_spectrum("other", "1", ["a"], [[0, 4, bins]])
    with pytest.raises(SpectraDifferError, match=r"BANKB: type 1, 0\.\.4 in 5"):
        d.spectrum("other", combine="sum")
    with pytest.raises(PlayersError, match=r"BANKA: .*Spectrum none does not exist"):
        d.spectrum("none", combine="sum")


def test_a_dealer_starts_all_and_waits_for_their_ends(d: Any, hosted: list[HostedBank]) -> None:
    for one in hosted:
        one.proxy.attach(write(one, HEAD + events((2, 0), (3, 0))))
    assert all(answer[0] for answer in d.start().values())
    d.wait_for_scan(every=0.05)
    assert d.spectrum("first", combine="sum")["data"].tolist() == [0, 0, 2, 2]
    states = d.outcomes("get_overview")
    assert [states[bank].value["STATE"] for bank in ("BANKA", "BANKB")] == ["idle", "idle"]


def test_gates_folds_projections_and_integrals(hosted: list[HostedBank]) -> None:
    one, p = hosted[0], hosted[0].proxy
    p.create_spectrum("ab", "2", ["a", "b"], [(0, 4, 4), (0, 4, 4)])
    p.create_spectrum("gated", "1", ["a"], [[0, 4, 4]])
    p.create_spectrum("folded", "g1", ["a", "b"], [[0, 4, 4]])
    assert p.create_gate("low", "s", ["a"], low=0, high=1.5) == "Created"
    assert p.create_gate("both", "gs", ["a", "b"], low=2.5, high=3.5) == "Created"
    assert p.create_gate("box", "c", ["a", "b"], points=[(0, 0), (2, 0), (2, 4), (0, 4)])
    p.apply_gate("low", "gated")
    p.fold("both", "folded")
    p.analyze([write(one, HEAD + events((1, 3), (1, 2), (3, 3)))])
    assert p.get_spectrum("gated")["data"].tolist() == [0, 2, 0, 0]
    # of (1, 3) what came with the 3; of (1, 2), without a 3, all; of (3, 3) nothing
    assert p.get_spectrum("folded")["data"].tolist() == [0, 2, 1, 0]
    wanted = np.histogram2d([3, 2, 3], [1, 1, 3], bins=4, range=[(0, 4), (0, 4)])[0]
    assert np.array_equal(p.get_spectrum("ab")["data"], wanted)
    p.project("ab", "on b", "y")
    p.project("ab", "inside", "y", True, "box")
    assert p.get_spectrum("on b")["data"].tolist() == [0, 0, 1, 2]
    assert p.get_spectrum("inside")["data"].tolist() == [0, 0, 1, 1]
    assert p.integrate("on b") == {
        "counts": 3,
        "centroid": [8 / 3, 0.0],
        "fwhm": pytest.approx([1.110, 0.0], abs=1e-3),
    }
    assert p.integrate("on b", 0, 2)["counts"] == 1
    assert p.integrate("ab", gate="box")["counts"] == 2
    assert p.integrate("gated", gate="low")["centroid"] == [1.0, 0.0]
    for name, area, why in [
        ("gated", {"gate": "box"}, "box is not a Cut"),
        ("gated", {"gate": "low", "low": 0.0, "high": 1.0}, "either a gate name or limits"),
        ("gated", {"low": 1.0}, "both low and high"),
        ("ab", {"gate": "low"}, "low is not a contour"),
        ("ab", {"low": 0.0, "high": 1.0}, "two dimensions, and no limits"),
    ]:
        with pytest.raises(Exception, match=why):
            p.integrate(name, **area)
    assert {gate["name"] for gate in p.list_gates()} >= {"low", "both", "box"}
    assert [s["gate"] for s in p.list_spectra("gated")] == ["low"]
    p.ungate("gated")
    p.unfold("folded")
    for gate in ("low", "both", "box"):
        p.delete_gate(gate)
    assert not p.list_gates("[lb]o*")
    assert {q["name"] for q in p.list_parameters()} >= {"a", "b"}


def test_requests_that_cannot_be_carried_out_say_why(hosted: list[HostedBank]) -> None:
    p = hosted[0].proxy
    with pytest.raises(RefusedError, match=r"axes\.0: List should have at least 3 items"):
        p.create_spectrum("s", "1", ["a"], [[0, 4]])
    with pytest.raises(RemoteError, match="Spectrum first already exists"):
        p.create_spectrum("first", "1", ["a"], [[0, 4, 4]])
    with pytest.raises(RemoteError, match="Attach failed: No such file or directory"):
        p.attach("/none")
    with pytest.raises(RemoteError, match="is not below the folders that files are read from"):
        p.attach("/etc/passwd")
    with pytest.raises(RefusedError, match="is not below the folders"):
        p.read_definitions("/etc/passwd")
    with pytest.raises(RefusedError, match="expected x or y"):
        p.project("first", "p", "z")
    p.create_parameter("c", low=0.0, high=4.0, units="keV")
    (found,) = p.list_parameters("c")
    assert (found["low"], found["hi"], found["units"]) == (0.0, 4.0, "keV")


def test_operation_tells_of_files_that_are_cut(hosted: list[HostedBank]) -> None:
    one = hosted[0]
    paths = [
        write(one, HEAD + events((0, 0)), "one"),
        write(one, HEAD + events((1, 0)) + b"\x01", "two"),
        write(one, HEAD + events((2, 0)), "three"),
    ]
    at = len(HEAD + events((1, 0)))
    with pytest.raises(RefusedError, match=rf"two: byte {at}: .*; 3 events were read"):
        one.proxy.analyze(paths)
    assert one.proxy.get_spectrum("first")["data"].tolist() == [1, 1, 1, 0]
    assert [line.split(":")[0] for line in one.proxy.get_accounts() if line[0] == "/"] == paths
    (finding,) = one.proxy.get_findings()
    assert "two: byte" in finding["text"]


def test_operation_that_is_stopped_tells_that_it_is_not_all(hosted: list[HostedBank]) -> None:
    one = hosted[0]
    path = write(one, HEAD + events((0, 0), (1, 0)))
    analyzer = one.bank.histogrammer.analyzer
    hold = threading.Event()
    one.bank.histogrammer.worker.post(lambda _engine: hold.wait())  # nothing is filled till then
    with ThreadPoolExecutor(1) as pool:
        try:
            analysis = pool.submit(one.proxy.analyze, [path])
            while not analyzer.state().is_active:
                assert not analysis.done()
            analyzer.halt()
        finally:
            hold.set()
        with pytest.raises(RefusedError, match=r"it was stopped after \d+ events"):
            analysis.result()
    one.proxy.start()
    assert analyzer.wait(30.0)
    assert one.proxy.get_spectrum("first")["data"].tolist() == [1, 1, 0, 0]


def test_program_is_stopped_and_forgotten(hosted: list[HostedBank]) -> None:
    p = hosted[1].proxy
    p.attach("endless", "pipe")
    p.start()
    while not p.get_analysis()["events"]:
        pass
    assert p.get_analysis()["attached"] == "pipe:endless"
    assert p.get_overview()["STATE"] == "active"
    assert p.stop() == [True, "Analysis stopped after 1 events"]
    assert p.stop() == [True, "Analysis stopped after 1 events"]
    assert p.get_spectrum("first")["data"].tolist() == [0, 1, 0, 0]
    p.detach()


def test_spectra_and_state_are_published(hosted: list[HostedBank]) -> None:
    one = hosted[0]
    one.proxy.create_spectrum("shown", "2", ["a", "b"], [[0, 4, 2], [0, 4, 4]])
    path = write(one, HEAD + events((1, 2)))
    with (
        one.proxy.subscribe("spectrum.shown") as spectra,
        one.proxy.subscribe("analysis") as states,
    ):
        one.proxy.analyze(path)
        done = {"attached": f"file:{path}", "active": False, "events": 1}
        states.wait_for(lambda update: done.items() <= update.value.items(), 30)
        frame = spectra.wait_for(lambda update: update.value["data"].any(), 30).value
    assert frame["data"].tolist() == [[0, 0], [0, 0], [1, 0], [0, 0]]
    assert (frame["x_start"], frame["x_delta"], frame["y_delta"]) == (0.0, 2.0, 1.0)


def test_home_without_room_is_a_sentence(tmp_path: Path) -> None:
    settings = {"home": str(tmp_path / "none")}
    with pytest.raises(
        BankStartError, match=r"BANKA cannot be opened: display memory of 32 MiB in"
    ):
        HostedBank("histogrammer", settings, folder=tmp_path).__enter__()


def test_definitions_with_a_fault_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "book.toml").write_text(TO_BOOK + 'gate = "none"\n')
    settings = {"home": str(tmp_path), "shm_mbytes": 1, "definitions": "book.toml"}
    with pytest.raises(ConfigError, match=r"book\.toml:1: spectra\.first: No such gate none"):
        HostedBank("histogrammer", settings, folder=tmp_path).__enter__()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.toml", "dibas.toml"]
