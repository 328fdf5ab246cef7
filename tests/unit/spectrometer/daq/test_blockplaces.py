"""Places of the blocks of a GUPPI raw file, by PKTIDX in the units of several recorders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectrometer.daq.protocol.blockplaces import block_places, steps_of_a_block
from spectrometer.daq.protocol.guppiraw import BlockHeader, read_header
from spectrometer.status.protocol.cards import Value, write_cards

CHANNELS = 4


def header(samples: int = 2512, overlap: int = 512, **more: Value) -> BlockHeader:
    """Of blocks of int8 of four channels and two polarizations: 16 bytes a sample."""
    cards: dict[str, Value] = {
        "OBSNCHAN": CHANNELS,
        "NPOL": 4,
        "NBITS": 8,
        "TBIN": 1e-4,
        "OBSFREQ": 300.0,
        "OBSBW": 0.04,
        "BLOCSIZE": samples * CHANNELS * 4,
        "OVERLAP": overlap,
        "PKTIDX": 0,
        "PKTSIZE": 8192,
        **more,
    }
    return read_header(write_cards(cards))


@pytest.mark.parametrize(
    ("more", "step"),
    [
        ({"PIPERBLK": 1}, 1),
        ({"PIPERBLK": 2000}, 2000),
        ({"PKTSIZE": 16}, 2000),  # a sample is a packet
        ({"PKTSIZE": 160}, 200),
        ({}, 1),  # one a block: PKTSIZE says otherwise
        ({"PKTSIZE": 0}, 7),
        ({"PIPERBLK": 16}, 2000),
    ],
)
def test_blocks_of_a_whole_recording_follow_each_other_in_whatever_units_it_counts(
    more: dict[str, Value], step: int
) -> None:
    """Of 2512 samples, of which 512 repeat the block before: block k begins at 2000 k."""
    places = block_places(header(**more), [7 + k * step for k in range(6)])
    assert [(place.position, place.skip) for place in places] == [
        (0, 0),
        *((2000 * k + 512, 512) for k in range(1, 6)),
    ]
    assert [place.follows for place in places] == [False] + [True] * 5
    assert sum(place.missing for place in places) == 0


@pytest.mark.parametrize(
    ("more", "step"), [({"PIPERBLK": 1}, 1), ({"PKTSIZE": 16}, 2000), ({}, 1), ({"PKTSIZE": 0}, 3)]
)
def test_lost_blocks_leave_a_gap_of_their_length(more: dict[str, Value], step: int) -> None:
    numbers = [0, 1, 2, 3, 5, 8, 9]
    places = block_places(header(**more), [k * step for k in numbers])
    for number, place, before in zip(numbers[1:], places[1:], numbers, strict=False):
        is_gap = number - before > 1
        assert place.follows != is_gap
        assert place.position == 2000 * number + (0 if is_gap else 512)
        assert place.missing == (
            (number - before - 1) * 2000 - 512 if is_gap else 0
        )  # the overlap is there


def test_lost_packets_that_are_less_than_the_overlap_lose_nothing() -> None:
    places = block_places(header(PKTSIZE=16), [0, 2000, 4300, 6300, 9000])
    assert [(place.position, place.skip, place.missing) for place in places] == [
        (0, 0, 0),
        (2512, 512, 0),
        (4512, 212, 0),
        (6812, 512, 0),
        (9000, 0, 188),
    ]


@pytest.mark.parametrize("indices", [[None] * 4, [0, None, 2000, 4000], [5, 5, 5, 5]])
def test_blocks_without_a_number_follow_each_other_as_they_are(indices: list[int | None]) -> None:
    places = block_places(header(PKTSIZE=16), indices)
    assert [place.position for place in places] == [0, 2512, 4512, 6512]
    assert all(place.follows for place in places[1:])


def test_a_block_whose_number_goes_back_begins_anew_behind_the_one_before() -> None:
    places = block_places(header(PKTSIZE=16), [8000, 10_000, 0, 2000, 4000])
    assert [(place.position, place.follows) for place in places] == [
        (0, False),
        (2512, True),
        (4512, False),
        (7024, True),
        (9024, True),
    ]
    assert not any(place.missing for place in places)


@pytest.mark.parametrize("numbers", [[0, 3, 4], [0, 3, 6, 7, 8], [0, 2, 4, 6, 7], [5, 8, 12, 13]])
@pytest.mark.parametrize(
    ("more", "step"),
    [
        ({}, 1),
        ({"PKTSIZE": 0}, 4),
        ({"PIPERBLK": 3}, 3),
        ({"PKTSIZE": 32}, 1256),
        ({"PIPERBLK": 2512}, 1),
    ],
)
def test_blocks_lost_at_the_beginning_leave_a_gap_of_their_length(
    more: dict[str, Value], step: int, numbers: list[int]
) -> None:
    """No step is less than a block: the larger ones are gaps, even if there are more of them."""
    places = block_places(header(overlap=0, **more), [number * step for number in numbers])
    assert [place.position for place in places] == [
        2512 * (number - numbers[0]) for number in numbers
    ]
    assert sum(place.missing for place in places) == 2512 * (
        numbers[-1] - numbers[0] - len(numbers) + 1
    )


def test_of_two_blocks_the_step_is_a_gap_if_packets_say_so() -> None:
    assert steps_of_a_block(header(PKTSIZE=16), [0, 4000]) == 2000
    assert steps_of_a_block(header(PKTSIZE=16), [0, 1]) == 1
    assert steps_of_a_block(header(PKTSIZE=16), [3]) == 2000


@given(
    st.integers(8, 60),
    st.integers(0, 7),
    st.sampled_from([1, 2, 5]),
    st.lists(st.integers(1, 4), min_size=1, max_size=12),
)
def test_every_sample_is_where_its_number_says(
    samples: int, overlap: int, per_sample: int, jumps: list[int]
) -> None:
    """Against the plain rule: sample i of block k is at PKTIDX times the samples of a packet, plus
    i."""
    new = samples - overlap
    head = header(samples, overlap, PIPERBLK=new * per_sample)
    numbers = [0]
    for jump in [1, 1, *jumps, *[1] * len(jumps)]:  # most blocks follow each other
        numbers.append(numbers[-1] + jump)
    places = block_places(head, [number * new * per_sample for number in numbers])
    seen = -1
    for number, place in zip(numbers, places, strict=True):
        assert place.position == number * new + place.skip  # its first sample that is handed out
        assert place.position > seen
        assert place.missing == place.position - seen - 1
        seen = number * new + samples - 1
