"""The wish that a wait ends."""

from __future__ import annotations

import os

from histogrammer.events.stopsign import StopSign


def test_sign_ends_waits_until_it_is_cleared() -> None:
    sign = StopSign()
    sign.set()
    sign.set()
    sign.wait(None)
    assert sign.is_set()
    sign.clear()
    assert not sign.is_set()
    sign.wait(0)
    sign.set()
    sign.wait(None)
    sign.close()


def test_wait_ends_when_a_descriptor_has_something() -> None:
    sign, (reading, writing) = StopSign(), os.pipe()
    os.write(writing, b"x")
    sign.wait(None, reading)
    assert not sign.is_set()
    for descriptor in (reading, writing):
        os.close(descriptor)
    sign.close()


def test_closed_sign_stays_set_and_keeps_no_descriptor() -> None:
    sign = StopSign()
    sign.close()
    sign.close()
    sign.clear()
    sign.set()
    assert sign.is_set()
