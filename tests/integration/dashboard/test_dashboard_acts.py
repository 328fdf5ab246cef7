"""Two Banks run from a dashboard by people of each role, by hand-made requests."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from support.dashboards import make_page, serving
from support.keyed_dashboard import BANKS, KeyedDashboard
from support.player_run import poll
from support.scan_bank import ScanBank

from dashboard.config import Array
from player.testing import HostedBank
from zmqjsonproxy.errors import NotInControlError

ALL = list(BANKS)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedDashboard]:
    with ExitStack() as stack:
        yield KeyedDashboard(tmp_path_factory.mktemp("acts"), stack)


def outcomes(act: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {bank: (each["state"], each["text"]) for bank, each in act["outcomes"].items()}


def test_a_command_goes_to_all_banks_by_the_key_of_the_person(site: KeyedDashboard) -> None:
    act = site.act("ann", "/api/call", banks=ALL, method="prepare")
    assert (act["state"], act["by"], act["text"]) == ("done", "ann", "prepare()")
    assert outcomes(act) == {"BANKA": ("done", ""), "BANKB": ("done", "")}
    for bank in ALL:
        entry = site.journal(bank, "prepare")[-1]
        assert (entry["key"], entry["through"], entry["outcome"]) == ("ann", "dash", "done")


def test_queries_need_observe_only_and_all_else_what_the_player_says(site: KeyedDashboard) -> None:
    act = site.act("olga", "/api/call", banks=ALL, method="get_param", args=["exposure"])
    assert set(act["values"]) == set(ALL)
    assert outcomes(act)["BANKA"] == ("done", "")  # of queries only their askers read the answer
    answer = site.post("olga", "/api/call", banks=ALL, method="prepare")
    assert answer.status == 403
    assert "the role operate is needed, and key 'olga' has observe" in answer.json["detail"]
    act = site.act("ann", "/api/call", banks=["BANKA"], method="set_log_level", args=["info"])
    state, text = outcomes(act)["BANKA"]
    assert state in ("done", "refused"), text


def test_parameters_are_set_and_read_back_with_what_they_were(site: KeyedDashboard) -> None:
    site.act("ann", "/api/parameters", banks=ALL, values={"exposure": 1.0})
    act = site.act("ann", "/api/parameters", banks=ALL, values={"exposure": 2.5})
    assert act["state"] == "done"
    assert act["before"] == {bank: {"exposure": 1.0} for bank in ALL}
    assert act["values"] == {bank: {"exposure": 2.5} for bank in ALL}
    assert site.get("olga", "/api/parameters")["values"]["BANKB"]["exposure"] == 2.5
    act = site.act("ann", "/api/parameters", banks=ALL, values={"exposure": 11})
    assert act["state"] == "failed"
    assert outcomes(act)["BANKA"][0] == "refused"
    assert "out of range" in outcomes(act)["BANKA"][1]
    assert act["values"] == {bank: {"exposure": 2.5} for bank in ALL}


def test_parameters_that_one_bank_refuses_are_set_at_the_other(site: KeyedDashboard) -> None:
    site.banks["BANKB"].faults.fail("set_param", ValueError("broken"))
    try:
        act = site.act("ann", "/api/parameters", banks=ALL, values={"exposure": 3.0})
    finally:
        site.banks["BANKB"].faults.clear()
    assert act["state"] == "partly"
    assert outcomes(act)["BANKA"] == ("done", "")
    assert outcomes(act)["BANKB"] == ("failed", "ValueError: broken")


def test_a_scan_is_started_on_all_banks_at_one_second_and_stopped(site: KeyedDashboard) -> None:
    at = int(time.time()) + 60
    act = site.act("ann", "/api/scan/start", banks=ALL, parameters={"source": "3C48"}, at=at)
    assert act["state"] == "done", act
    assert act["values"] == {bank: {"source": "3C48"} for bank in ALL}
    second = time.gmtime(at).tm_sec
    for bank in ALL:
        assert outcomes(act)[bank] == ("done", f"starts at {second} s")
        assert site.banks[bank].proxy.started()[5] == second
        assert site.banks[bank].proxy.prepared()["source"] == "3C48"
    act = site.act("ben", "/api/scan/stop", banks=ALL)
    assert outcomes(act) == dict.fromkeys(ALL, ("done", "stopped"))


def test_a_start_that_one_bank_refuses_starts_none(site: KeyedDashboard) -> None:
    site.banks["BANKB"].proxy.start([2030, 1, 1, 0, 0, 0, 0])
    try:
        act = site.act("ann", "/api/scan/start", banks=ALL)
    finally:
        site.banks["BANKB"].proxy.stop()
    assert act["state"] == "failed"
    assert "a scan runs" in outcomes(act)["BANKB"][1]
    assert outcomes(act)["BANKA"] == ("failed", "not done, for BANKB failed")
    assert site.banks["BANKA"].proxy.started() == []
    early = site.act("ann", "/api/scan/start", banks=ALL, at=1e9)
    assert "too early" in outcomes(early)["BANKA"][1]


def test_an_operation_that_ends_tells_its_value(site: KeyedDashboard) -> None:
    act = site.act("ann", "/api/call", banks=ALL, method="slew", kwargs={"seconds": 0.0})
    assert outcomes(act) == dict.fromkeys(ALL, ("done", "there"))
    assert act["values"] == dict.fromkeys(ALL, "there")
    assert all(each["operation"] for each in act["outcomes"].values())


def test_an_operation_is_followed_found_again_and_aborted(site: KeyedDashboard) -> None:
    answer = site.post("ann", "/api/call", banks=["BANKA"], method="slew", args=[300.0], wait=0)
    assert answer.status == 202
    id = answer.json["act"]["id"]

    def outcome() -> dict[str, Any]:
        (found,) = site.get("ann", f"/api/acts/{id}")["act"]["outcomes"].values()
        return dict(found)

    poll(lambda: outcome()["operation"], "the operation")
    with closing(site.peer.events("operations", "acts", **site.bearer("olga"))) as events:
        shown = events.next("changes", topic="operations")["values"]
        acts = events.next("changes", topic="acts")["values"]
    assert shown[f"BANKA {outcome()['operation']}"]["state"] in ("queued", "running")
    assert (acts[id]["state"], "values" in acts[id]) == ("running", False)
    refused = site.post("olga", "/api/operations/abort", bank="BANKA", id=outcome()["operation"])
    assert refused.status == 403
    site.act("ben", "/api/operations/abort", bank="BANKA", id=outcome()["operation"])
    poll(lambda: outcome()["state"] == "aborted", "the end")
    assert "ben" in outcome()["text"]
    missing = site.post("ann", "/api/operations/abort", bank="BANKA", id="nosuch")
    assert missing.status == 404


def test_what_became_of_a_call_that_was_not_answered_can_be_asked(site: KeyedDashboard) -> None:
    site.banks["BANKA"].faults.hang("prepare")
    try:
        act = site.act("ann", "/api/call", banks=ALL, method="prepare", timeout=1.0)
        assert act["state"] == "partly"
        assert act["outcomes"]["BANKA"]["state"] == "unknown"
        assert act["outcomes"]["BANKA"]["call_id"]
        asked = site.post("ann", "/api/acts/ask", id=act["id"]).json["act"]
        assert outcomes(asked)["BANKA"] == ("unknown", "running")
    finally:
        site.banks["BANKA"].faults.clear()

    def is_done() -> bool:
        told = site.post("ann", "/api/acts/ask", id=act["id"]).json["act"]
        return bool(told["state"] == "done")

    poll(is_done, "the outcome")
    assert site.post("ben", "/api/acts/ask", id=act["id"]).status == 404


def test_whoever_had_control_until_it_ended_goes_on_as_others_do(site: KeyedDashboard) -> None:
    took = {"reason": "short", "minutes": 0.02, "stays": True}
    assert site.act("ann", "/api/control/take", banks=["BANKA"], **took)["state"] == "done"

    def has_ended() -> bool:
        row = site.get("olga", "/api/overview")["rows"]["BANKA"]
        return "its time was over" in str((row["control"] or {}).get("ended"))

    poll(has_ended, "the end of control")
    assert site.act("ann", "/api/call", banks=["BANKA"], method="prepare")["state"] == "done"
    assert site.get("ann", "/api/session")["holds"] == {}


def test_control_is_taken_refused_with_its_reason_and_broken(site: KeyedDashboard) -> None:
    act = site.act("ann", "/api/control/take", banks=ALL, reason="pointing run", minutes=5)
    assert act["state"] == "done", act
    assert "ann" in outcomes(act)["BANKA"][1]
    holds = site.get("ann", "/api/session")["holds"]
    assert set(holds) == set(ALL)
    assert site.get("ben", "/api/session")["holds"] == {}

    def control() -> dict[str, Any]:
        return dict(site.get("olga", "/api/overview")["rows"]["BANKA"]["control"] or {})

    poll(lambda: control().get("number") == holds["BANKA"], "the row")
    assert (control()["key"], control()["reason"]) == ("ann", "pointing run")
    assert site.act("ann", "/api/call", banks=ALL, method="prepare")["state"] == "done"
    refused = site.act("ben", "/api/call", banks=ALL, method="prepare")
    assert refused["state"] == "failed"
    assert "NotInControlError" in outcomes(refused)["BANKA"][1]
    assert "pointing run" in outcomes(refused)["BANKA"][1]
    both = site.act("ben", "/api/control/take", banks=ALL, reason="mine")
    assert both["state"] == "failed"
    assert "control was taken of none" in both["note"]
    too_low = site.post("ben", "/api/control/break", banks=ALL, reason="urgent")
    assert (too_low.status, "the role admin" in too_low.json["detail"]) == (403, True)
    broken = site.act("root", "/api/control/break", banks=ALL, reason="urgent")
    assert broken["state"] == "done"
    poll(lambda: control().get("owner", 1) is None, "the end of control")
    assert "root" in control()["ended"]
    assert site.act("ben", "/api/call", banks=ALL, method="prepare")["state"] == "done"
    site.act("ann", "/api/control/release", banks=ALL)
    assert site.get("ann", "/api/session")["holds"] == {}


def test_whoever_lost_control_may_stop_while_an_operation_goes_on(site: KeyedDashboard) -> None:
    site.act("ann", "/api/control/take", banks=["BANKA"], reason="pointing")
    begun = site.post("ann", "/api/call", banks=["BANKA"], method="slew", args=[300.0], wait=0)
    id = begun.json["act"]["id"]

    def operation() -> str:
        told: str = site.get("ann", f"/api/acts/{id}")["act"]["outcomes"]["BANKA"]["operation"]
        return told

    poll(operation, "the operation")
    site.act("root", "/api/control/break", banks=["BANKA"], reason="fire")

    def ended() -> str:
        row = site.get("olga", "/api/overview")["rows"]["BANKA"]
        return str((row["control"] or {}).get("ended"))

    poll(lambda: "fire" in ended(), "the end of control")
    assert site.get("ann", "/api/session")["holds"] == {}
    assert site.act("ann", "/api/scan/stop", banks=["BANKA"])["state"] == "done"
    site.act("ann", "/api/operations/abort", bank="BANKA", id=operation())


def test_what_cannot_be_at_all_banks_is_sent_to_none(site: KeyedDashboard) -> None:
    for body, status, why in (
        ({"banks": ["BANKA", "NOBANK"], "method": "prepare"}, 404, "no Bank NOBANK"),
        ({"banks": [], "method": "prepare"}, 400, "banks"),
        ({"banks": ["BANKA", "BANKA"], "method": "prepare"}, 400, "twice"),
        ({"banks": ALL, "method": "nosuch"}, 409, "BANKB has no such method"),
        ({"banks": ALL, "method": "take", "object": "control"}, 409, "addresses"),
        ({"banks": ALL, "method": "abort", "object": "rpc"}, 409, "address"),
        ({"banks": ALL, "method": "__init__"}, 400, "method"),
        ({"banks": ALL, "method": "prepare", "kwargs": {"a b": 1}}, 400, "argument"),
        ({"banks": ALL, "method": "prepare", "more": 1}, 400, "more"),
    ):
        answer = site.post("root", "/api/call", **body)
        assert (answer.status, why in answer.json["detail"]) == (status, True), answer.body


def test_secrets_are_in_no_text_and_acts_of_others_are_not_told(site: KeyedDashboard) -> None:
    for given in ({"args": ["hunter2"]}, {"kwargs": {"password": "hunter2"}}):
        act = site.act("ann", "/api/call", banks=["BANKA"], method="change_secret", **given)
        assert outcomes(act)["BANKA"] == ("done", "7 characters")
        assert "hunter2" not in json.dumps(act)
    mine = site.get("ann", "/api/acts")["acts"]
    assert mine
    assert {act["by"] for act in mine} == {"ann"}
    id = mine[-1]["id"]
    assert site.peer.ask(f"/api/acts/{id}", **site.bearer("root")).status == 404
    site.post("root", "/api/acts/dismiss", ids=[id])
    assert site.get("ann", f"/api/acts/{id}")["act"]["id"] == id
    left = site.post("ann", "/api/acts/dismiss", ids=[act["id"] for act in mine]).json["acts"]
    assert id not in {act["id"] for act in left}


def test_where_nobody_logs_in_all_who_look_are_one_admin(tmp_path: Path) -> None:
    with HostedBank(ScanBank) as bank:
        array = Array(urls={"BANKA": bank.url})
        with serving(array, make_page(tmp_path / "page"), control=True) as peer:
            poll(lambda: peer.get("/api/overview")["rows"]["BANKA"]["interface"], "the Bank")
            told = peer.get("/api/session")
            assert (told["key"], told["role"], told["control"]) == ("", "admin", True)
            body = {"banks": ["BANKA"], "reason": "mine", "wait": 30}
            with closing(peer.events("overview")):
                answer = peer.post("/api/control/take", body)
                assert answer.json["act"]["state"] == "done"
                assert set(answer.json["holds"]) == {"BANKA"}
                body = {"banks": ["BANKA"], "method": "prepare", "wait": 30}
                assert peer.post("/api/call", body).json["act"]["state"] == "done"
                with pytest.raises(NotInControlError):
                    bank.proxy.prepare()
        bank.proxy.prepare()  # the dashboard gave control back at its end


def test_outcomes_are_told_as_they_come_whatever_one_bank_takes(site: KeyedDashboard) -> None:
    site.act("ann", "/api/scan/start", banks=ALL)
    site.banks["BANKB"].faults.hang("stop")
    try:
        act = site.act("ann", "/api/scan/stop", banks=ALL, wait=0)

        def is_told() -> bool:
            (told,) = (
                each for each in site.get("ann", "/api/acts")["acts"] if each["id"] == act["id"]
            )
            assert outcomes(told)["BANKB"] == ("waiting", "")
            return outcomes(told)["BANKA"] == ("done", "stopped")

        poll(is_told, "the outcome of the one that has answered")
    finally:
        site.banks["BANKB"].faults.clear()

    def has_ended() -> bool:
        told = site.get("ann", f"/api/acts/{act['id']}")["act"]
        return told["state"] == "done"

    poll(has_ended, "the outcome of the other")
