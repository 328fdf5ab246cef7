"""Refused calls that are kept: few of each key, and none of others are lost for them."""

from __future__ import annotations

from player.refusals import A_MINUTE, AT_ONCE, MAX_KEYS, Refusals


def test_who_is_refused_for_a_day_fills_a_day_with_a_few_entries() -> None:
    refusals, kept, told, counted = Refusals(), 0, 0, 0
    for second in range(86_400):
        left_out = refusals.take_left_out(float(second))
        told, counted = told + bool(left_out), counted + left_out
        kept += sum(refusals.takes("cleo", float(second)) for _ in range(3))
    assert AT_ONCE <= kept <= AT_ONCE + 24 * 60 * A_MINUTE
    assert told <= 24 * 60
    assert 0 <= 3 * 86_400 - kept - counted <= 3 * 61


def test_a_key_has_room_beside_others_that_have_none() -> None:
    refusals = Refusals()
    assert sum(refusals.takes("cleo", 1.0) for _ in range(100)) == AT_ONCE
    assert refusals.takes("ben", 1.0)


def test_keys_without_end_take_no_memory() -> None:
    refusals = Refusals()
    assert all(refusals.takes(f"key{number}", 1.0) for number in range(10 * MAX_KEYS))
    assert len(refusals._rooms) == MAX_KEYS
