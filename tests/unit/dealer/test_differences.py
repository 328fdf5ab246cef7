"""Differences of two states, and the calls behind them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealer.diffcommand import diff_lines
from dealer.differences import (
    ComparedState,
    DifferenceKind,
    HeldValue,
    StateDifference,
    call_behind,
    differences,
    disagreements,
    last_stretch,
)
from dealer.diffstates import Comparison, StateError, StateWord, read_word

AT = 10_000.0


def state(label: str = "BANKA", *, is_wanted: bool = False, **values: Any) -> ComparedState:
    held = {
        key.replace("__", "."): one
        if isinstance(one, HeldValue)
        else HeldValue(value=one, since=100.0)
        for key, one in values.items()
    }
    bank = label.partition("@")[0]
    return ComparedState(label=label, bank=bank, at=AT, values=held, is_wanted=is_wanted)


def entry(time: float, method: str, took: float | None = 0.1, **more: Any) -> dict[str, Any]:
    told = {"number": 1, "time": time, "method": f"bank.{method}", "client": "observer1", "key": ""}
    given = {"args": [], "kwargs": more.pop("kwargs", {})}
    rest = {"outcome": "done", "error": "", "text": "", "duration_s": took, "arguments": given}
    return {**told, **rest, **more}


def test_only_what_differs_is_told_with_unit_and_the_call_that_changed_it() -> None:
    old = HeldValue(value=0.5, unit="s", since=1000.0)
    new = HeldValue(value=1.0, unit="s", since=2000.05)
    left = state("BANKA@scan11", status__EXPOSURE=old, status__MODE="MODE1")
    right = state("BANKA@scan12", status__EXPOSURE=new, status__MODE="MODE1")
    journal = [entry(1000.0, "prepare"), entry(2000.0, "set_param", kwargs={"exposure": 1.0})]
    (found,) = differences(left, right, {"BANKA": journal})
    assert (found.key, found.kind, found.unit) == ("status.EXPOSURE", DifferenceKind.SET, "s")
    assert (found.left, found.right) == (old, new)
    assert [call and call["method"] for call in found.calls] == ["bank.prepare", "bank.set_param"]
    lines = diff_lines(Comparison(left=left, right=right, found=[found]), is_all=False)
    assert lines[0].split() == ["key", "BANKA@scan11", "BANKA@scan12", "unit", "changed", "(UTC)"]
    assert lines[1].split()[:4] == ["status.EXPOSURE", "0.5", "1.0", "s"]
    assert lines[2] == "1 difference in 2 keys"
    assert (
        "EXPOSURE: 1970-01-01 00:33:20.000 observer1 (no key) set_param(exposure=1.0)" in lines[3]
    )


def test_what_is_each_sides_own_and_what_moves_is_kept_apart() -> None:
    young = HeldValue(value=7, since=AT - 1.0)
    left = state(status__SCANNUM=11, status__NPOL=2, status__ADCRMS=young, host_load__load=1.0)
    right = state(status__SCANNUM=12, status__NPOL=4, status__ADCRMS=8, host_load__load=2.0)
    found = {each.key: each.kind for each in differences(left, right, {})}
    assert found == {
        "status.SCANNUM": DifferenceKind.OWN,
        "status.NPOL": DifferenceKind.SET,
        "status.ADCRMS": DifferenceKind.MOVING,
        "host_load.load": DifferenceKind.MOVING,
    }
    comparison = Comparison(left=left, right=right, found=differences(left, right, {}))
    assert "not shown: 1 of each side's own" in diff_lines(comparison, is_all=False)[-1]
    assert len(diff_lines(comparison, is_all=True)) == 6


def test_of_what_was_wanted_only_its_keys_are_compared() -> None:
    wanted = state("BANKA@wanted", is_wanted=True, status__EXPOSURE=0.5, status__NCHAN=1024)
    actual = state(status__EXPOSURE=0.501219328, status__NCHAN=1024, status__OTHER=1)
    assert [each.key for each in differences(wanted, actual, {})] == ["status.EXPOSURE"]
    assert [each.key for each in differences(actual, wanted, {})] == ["status.EXPOSURE"]


@pytest.mark.parametrize(
    ("since", "method"),
    [
        (99.0, None),  # before all calls
        (100.05, "prepare"),  # while it was carried out
        (101.5, "prepare"),  # soon after its end
        (150.0, None),  # nothing was done near, and nothing names it
        (250.0, "set_mode"),  # it still runs
    ],
)
def test_the_call_behind_a_value_is_the_one_that_was_under_way(
    since: float, method: str | None
) -> None:
    refused = entry(100.04, "set_param", outcome="refused", kwargs={"nchan": 5})
    journal = [entry(100.0, "prepare"), refused, entry(200.0, "set_mode", None, outcome="running")]
    found = call_behind("status.NCHAN", HeldValue(value=1, since=since), journal)
    assert (None if found is None else found["method"].removeprefix("bank.")) == method


@pytest.mark.parametrize(
    ("since", "method"), [(140.0, "set_param"), (190.0, "arm"), (1000.0, "set_param")]
)
def test_a_call_that_names_the_key_is_behind_it_unless_that_was_long_ago(
    since: float, method: str
) -> None:
    named = entry(100.0, "set_param", kwargs={"scan_length": 60})
    others = [entry(since - 1.0, "arm"), entry(since - 0.5, "confirm_start")]
    journal = [named, *(others if since < 1000.0 else []), entry(130.0, "stop", outcome="refused")]
    found = call_behind("status.SCANLEN", HeldValue(value=60, since=since), journal)
    assert found is not None
    assert found["method"] == f"bank.{method}"
    assert call_behind("status.SCANLEN", HeldValue(value=60), journal) is None
    assert call_behind("status.SCANLEN", None, journal) is None


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], None),
        ([(1.0, 11), (5.0, 12), (9.0, 13)], (5.0, 9.0)),
        ([(1.0, 12), (5.0, 13), (7.0, 12)], (7.0, None)),
        ([(1.0, 12), (2.0, 12), (3.0, 13)], (1.0, 3.0)),
        ([(1.0, True)], None),
    ],
)
def test_the_last_stretch_of_a_value_is_found(
    points: list[tuple[float, object]], expected: tuple[float, float | None] | None
) -> None:
    assert last_stretch(points, 1 if points == [(1.0, True)] else 12) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BANKA", StateWord(label="BANKA", bank="BANKA")),
        ("BANKA@actual", StateWord(label="BANKA", bank="BANKA")),
        ("BANKA@wanted", StateWord(label="BANKA@wanted", bank="BANKA", is_wanted=True)),
        ("BANKA@scan12", StateWord(label="BANKA@scan12", bank="BANKA", scan=12)),
        ("BANKA@1h", StateWord(label="BANKA@1h", bank="BANKA", at=6400.0)),
        (
            "BANKA@1970-01-01T00:00:10",
            StateWord(label="BANKA@1970-01-01T00:00:10", bank="BANKA", at=10.0),
        ),
    ],
)
def test_a_word_means_a_state(text: str, expected: StateWord) -> None:
    assert read_word(text, str, AT) == expected


def test_a_word_that_means_none_says_what_may_be_written() -> None:
    with pytest.raises(StateError, match=r"'BANKA@yesterday' means no state; write BANK, BANK@MOM"):
        read_word("BANKA@yesterday", str, AT)
    with pytest.raises(StateError, match=r"BANKA@1970-01-02 is a time to come"):
        read_word("BANKA@1970-01-02", str, AT)


def test_banks_that_disagree_are_told_but_not_of_what_is_their_own_or_moves() -> None:
    def bank(**more: Any) -> dict[str, HeldValue]:
        return dict(state(status__EXPOSURE=0.5, status__PID=7, **more).values)

    young = HeldValue(value=3, since=AT - 1.0)
    values = {
        "BANKA": bank(status__SCANNUM=1, status__LEVEL=2, status___AECL_01=0, status__X=1),
        "BANKB": bank(status__SCANNUM=2, status__LEVEL=young, status___AECL_01=1),
        "BANKC": bank(status__SCANNUM=3, status__LEVEL=2, status___AECL_01=1)
        | {"status.EXPOSURE": HeldValue(value=1.0, since=5.0)},
    }
    assert disagreements(values, AT) == {
        "status.EXPOSURE": {"0.5": ["BANKA", "BANKB"], "1.0": ["BANKC"]}
    }
    assert disagreements({}, AT) == disagreements({"BANKA": values["BANKA"]}, AT) == {}


VALUES = st.dictionaries(
    st.sampled_from(["status.A", "status.B", "scan.file", "mode.mode"]),
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
)


@given(VALUES, VALUES)
def test_a_state_does_not_differ_from_itself_and_sides_may_be_exchanged(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    def held(values: dict[str, Any]) -> ComparedState:
        told = {key: HeldValue(value=value) for key, value in values.items()}
        return ComparedState(label="X", bank="X", at=AT, values=told)

    assert differences(held(one), held(one), {}) == []

    def keys(found: list[StateDifference]) -> list[str]:
        return [each.key for each in found]

    left, right = held(one), held(other)
    assert keys(differences(left, right, {})) == keys(differences(right, left, {}))
