"""A host of the file that is nobody's home: what `dealer hosts status` says of it."""

from __future__ import annotations

import pytest

from arrayconfig.hosts import SupervisorAddress
from dealer.hostcommands import _lines
from dealer.hosts import BankOnHost, Installation
from dealer.supervision import HostsReport, ProgramRow, Supervision
from zmqjsonproxy.rpc.hub import ThreadHub

INSTALLATION = Installation(
    {"hpc9": SupervisorAddress("hpc9", "unix:///nowhere/supervisor.sock")}, {}
)


@pytest.mark.parametrize("names", [(), ("hpc9",)])
def test_it_is_asked_also_by_its_name_and_said_to_have_no_bank(names: tuple[str, ...]) -> None:
    with ThreadHub() as hub:
        report = Supervision(INSTALLATION, hub, 2.0).status(names)
    assert (list(report.rows), list(report.without_banks), report.is_well) == ([], ["hpc9"], False)
    why, sentence = _lines(report)
    assert why.startswith("no answer: hpc9: ")
    assert "No such file or directory" in why
    assert sentence == "hpc9: no Bank of the file is on it; its supervisord does not answer"


@pytest.mark.parametrize(
    ("programs", "said"), [(0, "has no programs"), (1, "has 1 program"), (2, "has 2 programs")]
)
def test_what_its_supervisord_has_is_counted(programs: int, said: str) -> None:
    row = ProgramRow("hpc9", "cron", "", "RUNNING", None, 1, 1.0, None, "running", "")
    report = HostsReport([row] * programs, {}, (), ["hpc9"])
    assert (
        _lines(report)[-1]
        == f"hpc9: no Bank of the file is on it; its supervisord answers, and {said}"
    )


def test_a_host_with_a_bank_is_not_among_them() -> None:
    bank = BankOnHost("BANKA", "hpc9", "tcp://127.0.0.1:1")
    with ThreadHub() as hub:
        report = Supervision(
            Installation(INSTALLATION.supervisors, {"BANKA": bank}), hub, 2.0
        ).status()
    assert list(report.without_banks) == []
