"""Numbers as `printf` writes them with `%14.6e`: a whole array at once, to the last digit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["WIDTH", "decimal14_array"]

FloatArray = npt.NDArray[np.float64]

WIDTH = 14
"""Characters of a number."""
_FORMAT = b"%14.6e"
_LARGEST_EXPONENT = 99
"""Beyond it an exponent has three digits; such numbers are left to `printf`."""
_DOUBT = 1e-6
"""Of the last digit. Doubles scale with an error below a hundredth of it; what is so near to the middle
between two numbers that it might be rounded to the wrong one is left to `printf`."""
_THREE_DIGITS = np.frombuffer(b"".join(b"%03d" % n for n in range(1000)), np.uint8).reshape(1000, 3)
_EXPONENTS = np.frombuffer(
    b"".join(b"e%+03d" % n for n in range(-_LARGEST_EXPONENT, _LARGEST_EXPONENT + 1)), np.uint8
).reshape(2 * _LARGEST_EXPONENT + 1, 4)
_SCALES = np.array([float(f"1e{6 - n}") for n in range(-_LARGEST_EXPONENT, _LARGEST_EXPONENT + 1)])
_BLANK, _MINUS, _POINT, _ZERO = b" -.0"


def decimal14_array(values: npt.ArrayLike) -> bytes:
    """Return numbers as 14 characters each, one behind the other; those that are not finite as 0.

    Args:
        values: Shape (n,).
    """
    given = np.array(values, dtype=np.float64)
    given[~np.isfinite(given)] = 0.0
    sizes = np.abs(given)
    exponents, scaled = _scaled(sizes)
    digits = np.rint(scaled)
    doubtful = np.abs(scaled - np.floor(scaled) - 0.5) < _DOUBT
    carried = digits >= 1e7
    digits[carried] = 1e6
    exponents[carried] += 1
    doubtful |= (np.abs(exponents) > _LARGEST_EXPONENT) | (
        (sizes > 0) & ((sizes < 1e-98) | (sizes > 1e98))
    )
    text = _laid_out(np.signbit(given), digits, exponents)
    for place in np.flatnonzero(doubtful):
        text[place] = np.frombuffer(_FORMAT % float(given[place]), np.uint8)
    return text.tobytes()


def _scaled(sizes: FloatArray) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return decimal exponents, and the numbers as 1e6 up to 1e7; zeros stay."""
    safe = np.clip(sizes, 1e-98, 1e98)
    exponents = np.floor(np.log10(safe)).astype(np.int64)
    scaled = safe * _SCALES[exponents + _LARGEST_EXPONENT]
    for wrong, step in ((scaled < 1e6, -1), (scaled >= 1e7, 1)):  # logarithms beside a power of ten
        exponents[wrong] += step
        scaled[wrong] = safe[wrong] * _SCALES[exponents[wrong] + _LARGEST_EXPONENT]
    zeros = sizes == 0
    exponents[zeros], scaled[zeros] = 0, 0.0
    return exponents, scaled


def _laid_out(
    is_negative: npt.NDArray[np.bool_], digits: FloatArray, exponents: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    whole = digits.astype(np.int64)
    first, rest = np.divmod(whole, 1_000_000)
    upper, lower = np.divmod(rest, 1000)
    text = np.empty((len(whole), WIDTH), np.uint8)
    text[:, 0] = _BLANK
    text[:, 1] = np.where(is_negative, _MINUS, _BLANK)
    text[:, 2] = first + _ZERO
    text[:, 3] = _POINT
    text[:, 4:7] = _THREE_DIGITS[upper]
    text[:, 7:10] = _THREE_DIGITS[lower]
    text[:, 10:] = _EXPONENTS[np.clip(exponents, -99, 99) + _LARGEST_EXPONENT]
    return text
