"""Parameters and axes of `spectrum/create`, and the words with which they are refused."""

from __future__ import annotations

import pytest

from histogrammer.axes import Axis
from histogrammer.errors import RequestFailedError
from histogrammer.rest.protocol.bookings import read_booking

ALL = ("1", "2", "g1", "g2", "gd", "s", "m2", "gs", "b", "S")
X, Y = Axis(0, 4096, 512), Axis(-5.5, 1024, 256)
ONE, TWO = "{0 4096 512}", "{0 4096 512} {-5.5 1024.0 256}"

BOOKED = [
    ("1", "e", ONE, (("e",),), (X,)),
    ("1", "e", "0 4096 512", (("e",),), (X,)),
    ("1", "e", " {0.000000\t4096.000000  512} ", (("e",),), (X,)),
    ("1", "{my e}", '"0 4096 512"', (("my e",),), (X,)),
    ("2", "e de", TWO, (("e",), ("de",)), (X, Y)),
    ("2", "{e de}", TWO, (("e",), ("de",)), (X, Y)),
    ("g1", "a b c", ONE, (("a", "b", "c"),), (X,)),
    ("g2", r"a b\ c {d e}", TWO, (("a", "b c", "d e"),), (X, Y)),
    ("gd", "{a b} {c d}", TWO, (("a", "b"), ("c", "d")), (X, Y)),
    ("gd", "{a b} c", TWO, (("a", "b"), ("c",)), (X, Y)),
    ("s", "a  b c", ONE, (("a", "b", "c"),), (X,)),
    ("m2", "x1 y1 x2 y2", TWO, (("x1", "x2"), ("y1", "y2")), (X, Y)),
    ("gs", "{p1 p2} {p3} ", ONE, (("p1", "p2"), ("p3",)), (X,)),
    ("b", "flags", "{0 32 32}", (("flags",),), (Axis(0, 32, 32),)),
    ("S", "t v", ONE, (("t",), ("v",)), (X,)),
]


@pytest.mark.parametrize(("kind", "parameters", "axes", "groups", "wanted"), BOOKED)
def test_a_spectrum_is_booked_with_tcl_lists(
    kind: str,
    parameters: str,
    axes: str,
    groups: tuple[tuple[str, ...], ...],
    wanted: tuple[Axis, ...],
) -> None:
    booking = read_booking(kind, parameters, axes, ALL)
    assert (booking.groups, booking.axes) == (groups, wanted)


REFUSED = [
    ("1", "a b", ONE, "Error processing 1d spectrum parameters", "Only allowed one parameter"),
    ("1", "a", "{0 4096}", "Invalid axis specification", None),
    ("1", "a", "{0 nan 5}", "Invalid axis specification", None),
    ("1", "a", TWO, "Invalid axis specification", None),
    ("1", "a", "{0 1 2", "Invalid axis specification", None),
    ("1", "a", "{3 3 5}", "Invalid Axis specification", None),
    ("1", "a", "{0 3 0}", "Invalid Axis specification", None),
    (
        "2",
        "a b c",
        TWO,
        "Failed to process parameter list",
        "There must be exactly two parameters for a 2d spectrum",
    ),
    ("2", "a b", ONE, "Failed to parse axes definitions", None),
    ("2", "a b", "{1 1 5} {0 1 5}", "Invalid X axis specification", None),
    ("2", "a b", "{0 1 5} {0 1 0}", "Invalid Y axis specification", None),
    ("g1", "a b", "{0 1 2.5}", "Failed to process axis definition", None),
    ("g1", "a b", "{0 1 0}", "Invalid axis specification", None),
    ("g1", "{a", ONE, "Failed to make multi1d spectrum", None),
    ("g2", "a b", "x", "Failed to parse axes definitions", None),
    ("g2", "a b", "{0 0 5} {0 1 5}", "Invalid x axis specification", None),
    ("g2", "", TWO, "Failed to create multi2d spectrum", None),
    ("gd", "{a b} {c} {d}", TWO, "Failed to parse parameter list", None),
    ("gd", "{a b}x {c}", TWO, "Failed to parse parameter list", None),
    ("gd", "{a} {b}", "{0 1 5} {2 2 5}", "Invalid Y axis specification", None),
    ("s", "a b", TWO, "Failed to process axis definition", None),
    ("s", "a b", "{1 1 1}", "Invalid axis specification", None),
    ("s", "", ONE, "Failed to create spectrum", None),
    (
        "m2",
        "a b c",
        TWO,
        "Failed to create 2d sum spectrum",
        "Must have an even number of parameters",
    ),
    ("m2", "a b", "{0 0 5} {0 1 5}", "Invalid x axis specification", None),
    ("q", "a", ONE, "Unsupported spectrum type", "Bad type was 'q'"),
]


@pytest.mark.parametrize(("kind", "parameters", "axes", "status", "detail"), REFUSED)
def test_a_spectrum_is_refused_in_the_words_of_the_reference(
    kind: str, parameters: str, axes: str, status: str, detail: str | None
) -> None:
    with pytest.raises(RequestFailedError) as caught:
        read_booking(kind, parameters, axes, ALL)
    assert caught.value.status == status
    assert caught.value.detail
    assert detail is None or caught.value.detail == detail


FAILED = {
    "1": "Failed to create 1d spectrum",
    "2": "Failed to create 2d spectrum",
    "g1": "Failed to make multi1d spectrum",
    "g2": "Failed to create multi2d spectrum",
    "gd": "Failed to create pgamma spectrum",
    "s": "Failed to create spectrum",
    "m2": "Failed to create 2d sum spectrum",
}


@pytest.mark.parametrize(("kind", "status"), FAILED.items())
def test_each_kind_has_a_status_for_what_the_histogrammer_refuses(kind: str, status: str) -> None:
    parameters = "a" if kind == "1" else "a b"
    axes = ONE if kind in ("1", "g1", "s") else TWO
    assert read_booking(kind, parameters, axes, ALL).failed == status


def test_kinds_that_are_not_offered_are_unsupported() -> None:
    with pytest.raises(RequestFailedError, match="Bad type was 'gs'"):
        read_booking("gs", "{a b} {c}", ONE, ("1", "2"))
