"""The switching-signal builder against the worked examples of the original."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectrometer.derive.switching import (
    MAX_GRANULES,
    PhaseRequest,
    SsgPhase,
    SwitchingCycle,
    gbt_requests,
    phase_request,
)
from spectrometer.errors import SwitchingError


def cycle(spec_tick: float, *phases: tuple[int, str]) -> SwitchingCycle:
    """Phases as the reference writes them: granules, and the flags adv, sr2, sr1, cal, blank."""
    names = ("adv", "sr2", "sr1", "cal", "blank")
    return SwitchingCycle(
        spec_tick,
        tuple(
            SsgPhase(granules=n, **{k: f == "1" for k, f in zip(names, flags, strict=True)})
            for n, flags in phases
        ),
    )


A = cycle(1e-6, (2000, "00011"), (498000, "00010"), (2000, "00001"), (498000, "00000"))
B = cycle(
    6.826666666666666e-07,
    *((n, s + f) for s in ("0011", "0010", "0001", "0000") for n, f in ((3072, "1"), (36608, "0"))),
)
C = cycle(1.024e-06, (1000, "11000"), (3000, "11001"), (4000, "01010"))
D = cycle(1e-3, (1, "00001"), (2, "00001"), (5, "00000"))
F = cycle(1e-3, (250, "00010"), (10, "00000"))


@pytest.mark.parametrize(
    ("example", "table", "granules", "period"),
    [
        (A, "0000fa0500f32a040000fa0700f32a06", 1000000, 1.0),
        (
            B,
            "000180010011e000000180030011e002000180050011e004000180070011e006",
            158720,
            0.10835285333333333,
        ),
        (C, "00007d1e0001771f0001f40c", 8000, 0.008192000000000001),
        (D, "0000002700000047000000a6", 8, 0.008),
        (cycle(1e-3, (250, "00010")), "00001f44", 250, 1),
        (SwitchingCycle.fresh(1e-3), "00000006", 0, 1),
        (cycle(1e-3, (MAX_GRANULES, "00000")), "ffffffe6", MAX_GRANULES, 1),
        (F, "00001f4400000146", 260, 0.26),
    ],
)
def test_table_and_length_are_the_originals(
    example: SwitchingCycle, table: str, granules: int, period: float
) -> None:
    assert example.table().hex() == table
    assert example.granules == granules
    assert example.period == period


@pytest.mark.parametrize(
    ("example", "starts", "cal", "sig_ref", "blanking"),
    [
        (A, (0.0, 0.5), (1, 0), (0, 0), (0.002, 0.002)),
        (B, (0.0, 0.25, 0.5, 0.75), (1, 0, 1, 0), (1, 1, 0, 0), (0.0020971519999999997,) * 4),
        (C, (0.0, 0.5), (0, 1), (0, 0), (0.0, 0.0)),
        (D, (0.0,), (0,), (0,), (0.001,)),
        (F, (0.0, 0.9615384615384615), (1, 0), (0, 0), (0.0, 0.0)),
        (
            cycle(
                6.826666666666666e-07,
                *zip(
                    (73472, 307608, 380848) * 2,
                    ("00001", "00000", "00010", "00101", "00100", "00110"),
                    strict=True,
                ),
            ),
            (0.0, 0.2500761226782583, 0.5, 0.7500761226782582),
            (0, 1, 0, 1),
            (0, 0, 1, 1),
            (0.05015688533333333, 0.0, 0.05015688533333333, 0.0),
        ),
    ],
)
def test_telescope_sees_neighbours_of_one_state_as_one_phase(
    example: SwitchingCycle,
    starts: tuple[float, ...],
    cal: tuple[int, ...],
    sig_ref: tuple[int, ...],
    blanking: tuple[float, ...],
) -> None:
    gbt = example.gbt()
    assert (gbt.starts, gbt.cal, gbt.sig_ref, gbt.blanking) == (starts, cal, sig_ref, blanking)


def test_phase_beyond_27_bits_is_refused_with_the_limit() -> None:
    with pytest.raises(SwitchingError, match="0 to 134217727"):
        SsgPhase(granules=MAX_GRANULES + 1)


def test_cycle_without_phases_says_how_to_add_one() -> None:
    with pytest.raises(SwitchingError, match="add_switching_state"):
        SwitchingCycle(1e-3, ()).gbt()


def test_telescope_list_becomes_a_blanking_and_an_open_phase_each() -> None:
    requests = gbt_requests(0.1, [(0.0, 0, 1, 0.002), (0.25, 0, 0, 0.0), (0.5, 1, 1, 0.002)])
    assert [(r.blank, r.cal, r.sr1) for r in requests] == [
        (True, True, False),
        (False, True, False),
        (False, False, False),
        (True, True, True),
        (False, True, True),
    ]
    assert [r.duration for r in requests] == pytest.approx([0.002, 0.023, 0.025, 0.002, 0.048])


@pytest.mark.parametrize(
    ("period", "ss_list", "text"),
    [
        (0.1, [0.0, 0, 1, 0.002], "a list of one phase is written"),
        (0.1, [], "there is no phase"),
        (0.1, [(0.1, 0, 1, 0.0)], "expected 0 first"),
        (0.1, [(0.0, 0, 1, 0.0), (0.5, 0, 0, 0.0), (0.4, 0, 1, 0.0)], "ascending"),
        (0.0, [(0.0, 0, 1, 0.0)], "the period is 0 s"),
        (0.1, [(0.0, 0, 1, 0.2)], "phase 1 lasts 0.1 s and blanks 0.2 s of it"),
        (0.1, [(0.0, 0, 1)], "expected \\[\\(start"),
    ],
)
def test_wrong_lists_say_what_is_wrong(period: float, ss_list: list[object], text: str) -> None:
    with pytest.raises(SwitchingError, match=text):
        gbt_requests(period, ss_list)  # type: ignore[arg-type]


def test_phase_of_no_length_is_refused() -> None:
    with pytest.raises(SwitchingError, match="more than 0"):
        PhaseRequest(duration=0.0)


@given(
    st.lists(
        st.builds(
            SsgPhase,
            granules=st.integers(1, MAX_GRANULES),
            blank=st.booleans(),
            cal=st.booleans(),
            sr1=st.booleans(),
            sr2=st.booleans(),
            adv=st.booleans(),
        ),
        min_size=2,
        max_size=40,
    )
)
def test_every_cycle_can_be_read_back_from_its_table(phases: list[SsgPhase]) -> None:
    example = SwitchingCycle(1e-6, tuple(phases))
    table = example.table()
    words = [int.from_bytes(table[i : i + 4], "big") ^ 0x6 for i in range(0, len(table), 4)]
    assert [w >> 5 for w in words] == [p.granules for p in phases]
    assert [bool(w & 1) for w in words] == [p.blank for p in phases]
    gbt = example.gbt()
    assert gbt.starts[0] == 0.0
    assert list(gbt.starts) == sorted(gbt.starts)
    assert all(0 <= start < 1 for start in gbt.starts)


def test_a_phase_from_afar_is_checked_and_all_that_is_wrong_is_named() -> None:
    assert phase_request("0.5", 0, True, False) == PhaseRequest(duration=0.5, cal=True)
    with pytest.raises(
        SwitchingError, match="blank is 'false'; expected true or false; duration is None"
    ):
        phase_request(None, "false", 0, 0)
    for duration in (10**400, 1e308, float("inf"), float("nan"), 0, -1, [1]):
        with pytest.raises(SwitchingError):
            phase_request(duration, False, False, False)
