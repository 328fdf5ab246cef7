"""Source positions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectrometer.derive.position import read_position
from spectrometer.errors import PositionError


@pytest.mark.parametrize(
    ("text", "ra", "dec", "ra_text", "dec_text"),
    [
        ("03:14:15.9 +26:37:10.11", 48.56625, 26.619475, "03:14:15.900", "26:37:10.11000"),
        ("12:00:05.25 -45:10:59.9", 180.021875, -45.1833055556, "12:00:05.250", "-45:10:59.90000"),
        (
            "05:34:5.9 -00:30:10.5",
            83.5245833333,
            -0.502916666667,
            "05:34:05.900",
            "-00:30:10.50000",
        ),
        ("J141213.23+161252.12", 213.055125, 16.2144777778, "14:12:13.230", "16:12:52.12000"),
        ("141213.23 +161252.12", 213.055125, 16.2144777778, "14:12:13.230", "16:12:52.12000"),
        ("14h12m13.23s +16d12m52.12s", 213.055125, 16.2144777778, "14:12:13.230", "16:12:52.12000"),
        ("03 14 15.9 26 37 10.11", 48.56625, 26.619475, "03:14:15.900", "26:37:10.11000"),
        ("23:59:59.9999 +00:00:00", 359.999999583, 0.0, "00:00:00.000", "00:00:00.00000"),
    ],
)
def test_position_is_read_and_written(
    text: str, ra: float, dec: float, ra_text: str, dec_text: str
) -> None:
    place = read_position(text)
    assert (place.ra, place.dec) == (pytest.approx(ra, abs=1e-9), pytest.approx(dec, abs=1e-9))
    assert (place.ra_text, place.dec_text) == (ra_text, dec_text)


NO_POSITIONS = {
    "": "is no position",
    "Jupiter": "is no position",
    "03:14:15.9": "is no position",
    "03:61:15.9 +26:37:10": "minutes and seconds of the right ascension",
    "03:14:15.9 +26:37:71": "minutes and seconds of the declination",
    "24:00:00.0 +26:37:10": "below 24 hours",
    "03:14:15.9 -90:00:01": "at most 90 degrees",
}


@pytest.mark.parametrize(
    ("text", "part"),
    NO_POSITIONS.items(),
)
def test_what_is_no_position_says_which_part(text: str, part: str) -> None:
    with pytest.raises(PositionError, match=part):
        read_position(text)


@given(
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59_999),
    st.sampled_from("+-"),
    st.integers(0, 89),
    st.integers(0, 59),
    st.integers(0, 5_999_999),
)
def test_its_own_text_is_read_back(
    h: int, m: int, ms: int, sign: str, d: int, dm: int, ds: int
) -> None:
    ra = f"{h:02d}:{m:02d}:{ms // 1000:02d}.{ms % 1000:03d}"
    dec = f"{d:02d}:{dm:02d}:{ds // 100000:02d}.{ds % 100000:05d}"
    place = read_position(f"{ra} {sign}{dec}")
    assert place.ra_text == ra
    assert place.dec_text.lstrip("-") == dec
    assert place.dec_text.startswith("-") == (sign == "-")
