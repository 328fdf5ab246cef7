"""Known nights: what Players and supervisords tell, and the chain that follows."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealer.absence import absence_finding
from dealer.clocks import clock_finding
from dealer.hosts import BankOnHost
from dealer.start import ClockOffset
from dealer.supervision import ProgramRow
from dealer.whychain import Cause, Trouble, Why, chain_of, end_reason, thing_of_reason
from dealer.whycommand import why_lines
from dealer.whytroubles import (
    absence_trouble,
    control_troubles,
    finding_trouble,
    hindrance_troubles,
    host_trouble,
    log_troubles,
    name_troubles,
    program_troubles,
    record_troubles,
    supervisor_trouble,
)
from player.errors import ConfigError, DataRootError, Fault, KeysMissingError, PortTakenError
from player.readiness import Hindrance, readiness
from spectrometer.bankstate import DEPENDS, DataTakingState, bank_findings, bank_hindrances
from spectrometer.status.errors import StatusOwnedError
from spectrometer.status.owner import Owner
from zmqjsonproxy.errors import PeerLostError, UnknownKeyError

AT = 1_796_000_000.0
BANKC = BankOnHost("BANKC", "hpc2", "tcp://127.0.0.1:1")
ABSENT = absence_trouble(
    absence_finding("BANKC", BANKC.url, PeerLostError(BANKC.url, "rpc.ping", "connection refused")),
    AT,
    AT - 83.0,
)
LOOP = ProgramRow(
    *("hpc2", "player-BANKC", "BANKC", "BACKOFF", False, 0, 0.0, 4, "crash loop"),
    "Exited too quickly (process log may have details)",
    AT - 120.0,
)


def told_by_spectrometer(**state: Any) -> dict[str, object]:
    """Return the answer of a spectrometer Bank to `get_readiness`."""
    mode = state.get("mode", {"state": "set", "mode": "MODE1", "cause": ""})
    why = mode["cause"]
    findings = bank_findings("BANKC", state.get("damage", []), why, state.get("values", {}))
    data = state.get("data", DataTakingState())
    scan = state.get("scan", {"state": "idle"})
    return readiness(DEPENDS, findings, bank_hindrances("BANKC", mode, scan, data))


def why_of(told: dict[str, Any], *more: Trouble) -> Why:
    troubles = [*hindrance_troubles("BANKC", told, AT), *more]
    return chain_of("BANKC", AT, troubles, told["depends"], "spectrometer")


def things(link: Cause) -> list[str]:
    return [trouble.thing for trouble in link.path()]


def after_a_start(error: Exception, *before: str) -> Cause:
    """The chain of a Player that is started again and again, and ends with an error each time."""
    lines = [*before, f"player: {error}", ""]
    (link,) = chain_of(
        "BANKC", AT, [ABSENT, *program_troubles(LOOP), *log_troubles(BANKC, lines)]
    ).causes
    return link


def test_a_crash_loop_by_a_port_that_another_process_has() -> None:
    holder = "process 991 (python -m http.server 6667)"
    link = after_a_start(PortTakenError("tcp://0.0.0.0:6667", 6667, holder))
    assert things(link) == ["Player", "program", "port"]
    _, loop, port = link.path()
    assert "crash loop of player-BANKC on hpc2" in loop.text
    assert loop.since == AT - 120.0
    assert "process 991" in port.text
    assert port.remedy == "end that process, or give banks.BANKC.player_port another port"
    assert port.evidence == loop.remedy.partition(" shows")[0] == "dealer hosts log BANKC"


def test_a_crash_loop_by_a_fault_of_the_file_sends_to_the_file() -> None:
    text = "modes.X.nchan: input should be a valid integer; found 'many'"
    link = after_a_start(ConfigError([Fault("", text, "dibas.toml", 3)]))
    fault = link.path()[-1]
    assert "found 'many'" in fault.text
    assert fault.remedy == "correct the file: player check on hpc2 names each fault"


def test_a_crash_loop_by_a_status_memory_that_another_process_has() -> None:
    owner = Owner("Bank BANKC", 991, "observer", "2026-11-29 03:00:00")
    link = after_a_start(StatusOwnedError("key 0x01001840", owner))
    assert things(link) == ["Player", "program", "status memory"]
    assert "process 991, user observer" in link.path()[-1].text
    assert link.path()[-1].remedy.startswith("end it first, or give this program")


def test_daq_is_not_running() -> None:
    ended = "spectrometer-daq has ended, exit status -9"
    told = told_by_spectrometer(data=DataTakingState(ended=ended))
    (link,) = why_of(told).causes
    assert things(link) == ["data taking"]
    assert "dealer call BANKC set_mode MODE1 force=true" in link.trouble.remedy


def test_daq_ended_for_the_disk_is_full_and_the_mode_could_not_be_set_for_that() -> None:
    mode = {"state": "none", "mode": None, "cause": "spectrometer-daq ended at once"}
    data = DataTakingState(ended="spectrometer-daq has ended", free_bytes=0, data_root="/lustre")
    (link,) = why_of(told_by_spectrometer(mode=mode, data=data)).causes
    assert things(link) == ["mode", "data taking", "disk"]
    assert "0.00 GiB are free below the data root /lustre" in link.path()[-1].text


def test_a_board_is_lost() -> None:
    told = told_by_spectrometer(values={"BOARDST": "does not answer"})
    (link,) = why_of(told).causes
    assert things(link) == ["board"]
    mode = {"state": "none", "mode": None, "cause": "set_mode(MODE1): no board"}
    told = told_by_spectrometer(mode=mode, values={"BOARDST": "does not answer"})
    (link,) = why_of(told).causes
    assert things(link) == ["mode", "board"]
    assert "look after its power and network" in link.path()[-1].remedy


@pytest.mark.parametrize(("offset_s", "is_told"), [(0.8119, True), (0.05, False)])
def test_a_clock_is_off(offset_s: float, is_told: bool) -> None:
    finding = clock_finding("BANKC", ClockOffset(offset_s, 0.001))
    assert (finding is not None) is is_told
    if finding is not None:
        why = why_of(told_by_spectrometer(), finding_trouble(finding, "rpc.ping"))
        assert [things(link) for link in why.causes] == [["clock"]]
        assert "0.812 s ahead of ours" in why.sentence()
        assert "chronyc tracking" in why.causes[0].trouble.remedy


def test_a_full_disk_is_the_cause_of_a_journal_that_is_not_written() -> None:
    state = {"trouble": "database or disk is full", "folder": "/var/lib/player"}
    data = DataTakingState(free_bytes=1 << 20, data_root="/lustre")
    told = told_by_spectrometer(data=data)
    (link,) = why_of(told, *record_troubles("journal", state, AT)).causes
    assert things(link) == ["journal", "disk"]
    assert record_troubles("journal", {"trouble": ""}, AT) == []


def test_a_key_is_refused() -> None:
    finding = absence_finding("BANKC", BANKC.url, UnknownKeyError("unknown"))
    why = chain_of("BANKC", AT, [absence_trouble(finding, AT, None)])
    assert [things(link) for link in why.causes] == [["keys"]]
    assert "does not know the key of this client" in why.sentence()
    assert "dealer keys import" in why.causes[0].trouble.remedy


def test_somebody_else_has_control() -> None:
    state = {
        "owner": "observer1",
        "since": AT - 600.0,
        "until": AT + 720.0,
        "reason": "pointing",
        "required": False,
    }
    why = why_of(told_by_spectrometer(), *control_troubles("BANKC", state, AT, is_ours=False))
    (link,) = why.causes
    assert link.trouble.text.startswith("observer1 has control until ")
    assert link.trouble.text.endswith("(pointing)")
    assert (link.trouble.since, why.has_fault) == (AT - 600.0, False)
    assert control_troubles("BANKC", state, AT, is_ours=True) == []
    nobody = {"owner": None, "required": True}
    (trouble,) = control_troubles("BANKC", nobody, AT, is_ours=False)
    assert "commands need it" in trouble.text
    assert control_troubles("BANKC", nobody | {"required": False}, AT, is_ours=False) == []


@pytest.mark.parametrize(
    ("state", "condition", "text", "is_fault"),
    [
        ("STOPPED", "stopped", "player-BANKC on hpc2 is stopped", False),
        ("", "missing", "supervisord of hpc2 has no program player-BANKC", True),
        ("EXITED", "ended", "player-BANKC on hpc2 has ended", True),
        ("STARTING", "starting", "player-BANKC on hpc2 is being started", False),
    ],
)
def test_a_player_was_not_started(state: str, condition: str, text: str, is_fault: bool) -> None:
    row = ProgramRow("hpc2", "player-BANKC", "BANKC", state, False, 0, 0.0, 0, condition)
    (link,) = chain_of("BANKC", AT, [*program_troubles(row), ABSENT]).causes
    assert things(link) == ["Player", "program"]
    program = link.path()[-1]
    assert (program.text, program.is_fault) == (text, is_fault)
    assert "player" in program.remedy or "start" in program.remedy or program.remedy == "wait"


def test_a_host_is_not_reached() -> None:
    troubles = [
        ABSENT,
        supervisor_trouble("hpc2", "hpc2: no answer", AT),
        host_trouble(BANKC, "No route to host", AT),
    ]
    (link,) = chain_of("BANKC", AT, troubles).causes
    assert things(link) == ["Player", "supervisor", "host"]
    assert link.path()[-1].text == "host hpc2 is not reached from here (No route to host)"


def test_a_player_that_runs_well_and_a_bank_with_a_mode_is_ready() -> None:
    why = why_of(told_by_spectrometer())
    assert (why.is_ready, why.has_fault, why.causes) == (True, False, ())
    assert why_lines(why) == ["BANKC: ready"]
    assert why.sentence() == "BANKC is ready"
    row = dataclasses.replace(LOOP, condition="ready", ready=True)
    assert program_troubles(row) == []
    assert name_troubles("BANKC", "u", "BANKC", AT) == name_troubles("BANKC", "u", 7, AT) == []


def test_the_sentence_and_the_lines_name_each_link_with_evidence_age_and_remedy() -> None:
    link = after_a_start(PortTakenError("tcp://0.0.0.0:6667", 6667, "process 991 (x)"))
    why = Why(bank="BANKC", asked=AT, causes=(link,))
    assert why.sentence() == (
        "BANKC not ready <- no Player answers at tcp://127.0.0.1:1 (connection refused) "
        "<- crash loop of player-BANKC on hpc2: Exited too quickly (process log may have details) "
        "<- port 6667 is taken: process 991 (x) already serves on tcp://0.0.0.0:6667"
    )
    lines = why_lines(why)
    assert [line.strip() for line in lines if "<-" in line] == [
        f"<- {trouble.text}" for trouble in link.path()
    ]
    assert sum("(83 s)" in line for line in lines) == 1
    assert sum("remedy: " in line for line in lines) == 3


@pytest.mark.parametrize(
    ("error", "thing"),
    [
        (PortTakenError("tcp://0.0.0.0:6667", 6667), "port"),
        (PortTakenError("tcp://0.0.0.0:6668", range(6667, 6669)), "port"),
        (StatusOwnedError("semaphore /s", "Bank BANKA"), "status memory"),
        (DataRootError("/lustre", "is on a disk that is not mounted", "mount it"), "data root"),
        (KeysMissingError("tcp://*:1", "there is no key folder", "make keys"), "key folder"),
        (ConfigError([Fault("modes.X", "no such key", "dibas.toml", 3)]), "configuration"),
        (OSError(28, "No space left on device"), "disk"),
        (ValueError("anything else"), "start"),
    ],
)
def test_the_last_sentence_of_a_player_says_which_thing_it_is_about(
    error: Exception, thing: str
) -> None:
    assert thing_of_reason(end_reason([f"player: {error}"])) == thing


def test_the_reason_is_found_in_a_log_and_in_a_traceback() -> None:
    logged = "2026-11-29T03:12:44.000001Z ERROR    player/BANKC player.host: it cannot be opened"
    info = "2026-11-29T03:12:45.000001Z INFO     player/BANKC player.host: error: none"
    assert end_reason([logged, info]) == "it cannot be opened"
    assert end_reason(["Traceback (most recent call last):", "ValueError: no"]) == "ValueError: no"
    assert end_reason([info, ""]) == ""
    assert log_troubles(BANKC, [info]) == []


def test_what_a_foreign_kind_says_is_taken_whatever_it_is() -> None:
    assert hindrance_troubles("X", None, AT) == hindrance_troubles("X", {"hindrances": 3}, AT) == []
    (found,) = hindrance_troubles("X", {"hindrances": [7, {"thing": "a", "since": "x"}]}, AT)
    assert (found.thing, found.text, found.since, found.is_fault) == ("a", "", None, True)


def test_hindrances_are_json_as_a_player_tells_them() -> None:
    each = Hindrance(thing="scan", text="t", remedy="r", since=1.0, is_fault=False)
    (found,) = hindrance_troubles("X", readiness({"ready": ("scan",)}, [], [each]), AT)
    assert (found.thing, found.since, found.is_fault) == ("scan", 1.0, False)


THINGS = st.sampled_from(["ready", "a", "b", "c", "d", "Player", "program"])


@given(
    depends=st.dictionaries(THINGS, st.lists(THINGS, max_size=4), max_size=6),
    wrong=st.lists(THINGS.filter(lambda each: each != "ready"), max_size=6),
)
def test_each_trouble_stands_somewhere_whatever_is_declared(
    depends: dict[str, list[str]], wrong: list[str]
) -> None:
    troubles = [Trouble(thing=each, text=f"{each} is bad", evidence="") for each in wrong]
    why = chain_of("X", AT, troubles, depends)
    assert {each.thing for each in why.troubles()} == set(wrong)
    assert why.is_ready is (not wrong)
    assert why_lines(why)
    assert all(end.causes == () for link in why.causes for end in link.first_causes())
