"""Numbers that callers give, in every mode family: each is taken, or refused in a sentence with
what is possible."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from support.backends import SHIPPED

from spectrometer.errors import BankError
from spectrometer.rehearsal import RehearsedBank, rehearse
from zmqjsonproxy.errors import RefusedError

ODD = (
    1e300,
    -1e300,
    math.inf,
    -math.inf,
    math.nan,
    1e-300,
    5e-324,
    0,
    -1,
    2**31,
    2**63,
    10**400,
    1e18,
    1e-9,
    True,
)
MODES = ("MODE1", "MODE4", "MODE20", "INCO_MODE_64", "CODD_MODE_64")
SAYS_WHAT_IS_POSSIBLE = re.compile(
    r"more than|at least| to \d| is no |is not one of|expected|there is no switching"
)


@pytest.fixture(scope="module")
def bank() -> RehearsedBank:
    return rehearse(SHIPPED, ["BANKA"])["BANKA"]


def outcome(call: Any, *args: Any, **kwargs: Any) -> str:
    """Return what is refused, "" if nothing; whatever else is raised is a fault."""
    try:
        call(*args, **kwargs)
    except (BankError, RefusedError) as error:
        text = str(error)
    else:
        return ""
    assert SAYS_WHAT_IS_POSSIBLE.search(text), text
    assert len(text) < 400
    return text


@pytest.mark.parametrize("mode", MODES)
def test_every_parameter_takes_odd_numbers_or_refuses_them_with_what_is_possible(
    bank: RehearsedBank, mode: str
) -> None:
    bank.set_mode(mode, None, True)
    refused = 0
    for name in list(bank.get_param()):
        for value in (*ODD, *([each] * 8 for each in ODD[:6])):
            if outcome(bank.set_param, **{name: value}):
                refused += 1
                continue
            outcome(bank.prepare)
            bank.set_mode(mode, None, True)
    assert refused > 100


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("exposure", 1e300, "exposure: 1e+300 s is out of range: more than 0 and up to 86400"),
        ("exposure", math.inf, "exposure: inf s is out of range: more than 0 and up to 86400"),
        ("scan_length", -1, "scan_length: -1 s is out of range: more than 0 and up to 1e+07"),
        ("cal_freq", 1e300, "cal_freq: 1e+300 Hz is out of range: more than 0 and up to 1e+09"),
        ("nchan", 10**400, "is not within 8 to 1048576"),
    ],
)
def test_the_range_is_in_the_refusal(bank: RehearsedBank, name: str, value: Any, text: str) -> None:
    bank.set_mode("MODE1", None, True)
    assert text in outcome(bank.set_param, **{name: value})


@pytest.mark.parametrize("mode", MODES[:3])
def test_switching_phases_of_odd_lengths_are_refused_or_can_be_prepared(
    bank: RehearsedBank, mode: str
) -> None:
    for value in ODD:
        for calls in (
            [(bank.add_switching_state, value, False, cal) for cal in (True, False, True)],
            [(bank.set_gbt_ss, value, [(0.0, 0, 1, 0.001), (0.5, 0, 0, 0.0)])],
            [(bank.set_gbt_ss, 1.0, [(0.0, 0, 1, value), (0.5, 0, 0, 0.0)])],
            [(bank.set_gbt_ss, 1.0, [(0.0, 0, 1, 0.001), (value, 0, 0, 0.0)])],
        ):
            bank.clear_switching_states() if bank.get_mode() == mode else bank.set_mode(
                mode, None, True
            )
            for call, *args in calls:
                outcome(call, *args)
            outcome(bank.prepare)
            outcome(bank.show_switching_setup)


def test_the_shortest_and_longest_phase_of_a_mode_are_in_the_refusal(bank: RehearsedBank) -> None:
    bank.set_mode("MODE1", None, True)
    limits = r"expected 6\.83e-07 to 91\.63 s in this mode"
    for seconds in (1e-300, 86400.0):
        with pytest.raises(BankError, match=rf"a switching phase of {seconds:g} s; {limits}"):
            bank.add_switching_state(seconds)
    with pytest.raises(BankError, match="duration is True; expected a number of s"):
        bank.add_switching_state(True)
