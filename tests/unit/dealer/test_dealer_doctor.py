"""Findings of `dealer doctor` on files, versions and clocks, without Players."""

from __future__ import annotations

from pathlib import Path

import pytest

from dealer.clocks import clock_finding
from dealer.doctor import NEEDED, examine, interface_findings
from dealer.start import ClockOffset
from zmqjsonproxy.rpc.protocol.description import InterfaceDescription, MethodDescription


def interface(fingerprint: str, lacking: str = "", *, native: bool = True) -> InterfaceDescription:
    methods = {name: MethodDescription(name) for name in NEEDED["spectrometer"] if name != lacking}
    return InterfaceDescription(native, methods, fingerprint=fingerprint)


def test_without_a_file_it_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIBAS_DIR", raising=False)
    monkeypatch.delenv("DIBAS_CONFIG", raising=False)
    (finding,) = examine().findings
    assert str(finding) == (
        "no configuration file is named; give --config FILE, or set DIBAS_CONFIG or DIBAS_DIR"
    )


def test_a_file_that_is_not_there_and_one_with_faults(tmp_path: Path) -> None:
    (finding,) = examine(tmp_path / "none.toml").findings
    assert (
        finding.check,
        "none.toml cannot be read" in finding.text,
        "--config" in finding.remedy,
    ) == ("file", True, True)
    path = tmp_path / "faulty.toml"
    path.write_text("[banks.A]\nplayer_port = 1\n[banks.B]\nhpc_host = 'b'\nplayer_port = 0\n")
    report = examine(path)
    assert [
        "banks.A.hpc_host" in report.findings[0].text,
        "banks.B.player_port" in report.findings[1].text,
    ] == [True, True]
    assert report.lines() == [str(finding) for finding in report.findings]
    assert report.describe()["file"] == str(path)


def test_players_of_one_version_are_fine() -> None:
    assert interface_findings({"A": interface("x"), "B": interface("x")}, {}) == ([], [])
    assert interface_findings({}, {}) == ([], [])


def test_another_kind_has_another_interface_and_is_no_other_version() -> None:
    fan = InterfaceDescription(
        True, {name: MethodDescription(name) for name in ("start", "stop")}, fingerprint="z"
    )
    found = {
        "A": interface("x"),
        "B": interface("x"),
        "FAN": fan,
        "TAKER": interface("y", lacking="get_mode"),
    }
    kinds = {"A": "spectrometer", "B": "spectrometer", "FAN": "fan:Fan", "TAKER": "recorder"}
    assert interface_findings(found, kinds) == ([], [])
    (finding,), _ = interface_findings(found, {**kinds, "TAKER": "spectrometer"})
    assert (finding.bank, "it lacks get_mode" in finding.text) == ("TAKER", True)
    (finding,), _ = interface_findings({"TAKER": interface("y", lacking="commit")}, kinds)
    assert "it lacks commit" in finding.text


def test_players_of_other_versions_are_told_apart() -> None:
    found = {
        "A": interface("x"),
        "B": interface("x"),
        "C": interface("y"),
        "D": interface("z", lacking="commit"),
        "E": interface("", native=False),
    }
    (finding,), notes = interface_findings(found, {})
    assert (finding.bank, finding.check) == ("D", "version")
    assert "it lacks commit" in finding.text
    assert "install the release of this Dealer" in finding.remedy
    assert notes[0].startswith("E: of the original's generation")
    assert notes[1].startswith("C: another interface than A, B")


@pytest.mark.parametrize(
    ("offset", "uncertainty", "said"),
    [
        (0.05, 0.001, ""),
        (3.0, 3.0, ""),
        (0.5, 0.001, "0.500 s ahead of ours"),
        (-2.0, 0.001, "2.000 s behind ours"),
    ],
)
def test_clocks_are_judged_by_what_is_certain(offset: float, uncertainty: float, said: str) -> None:
    finding = clock_finding("BANKA", ClockOffset(offset, uncertainty))
    assert said in ("" if finding is None else finding.text)
    assert (finding is None) == (said == "")
