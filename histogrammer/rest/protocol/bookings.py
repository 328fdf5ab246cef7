"""Parameters and axes of `spectrum/create`: Tcl lists, in the form that each kind of spectra takes,
and the words with which they are refused. Pure.

Source of the words: Rustogramer 1.2.4. Their spelling is what its clients know.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from histogrammer.axes import Axis
from histogrammer.errors import AxisError, RequestFailedError
from histogrammer.rest.protocol.query import read_integer, read_number
from portmanager.errors import NotAListError
from portmanager.protocol.tcllist import split_list

__all__ = ["Booking", "read_booking"]


class _Form(Enum):
    """Form of a list of parameters."""

    ONE = "one name"
    TWO = "two names, each a group"
    FLAT = "names, one group"
    PAIRS = "x and y names in turn"
    GROUPS = "two lists of names"
    STRIPS = "any number of lists of names"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Form and failures of one kind.

    Attributes:
        form: Of its list of parameters.
        failed: Status when it cannot be created.
        parameters: Status of a bad list of parameters; empty: `failed`.
        reason: Detail of one of a wrong length.
        text: Status of a text of axes that cannot be read.
        axes: Statuses of an axis that cannot be, for each axis.
    """

    form: _Form
    failed: str
    parameters: str = ""
    reason: str = ""
    text: str
    axes: tuple[str, ...]


_DEFINITIONS = "Failed to parse axes definitions"
_DEFINITION = "Failed to process axis definition"
_INVALID = ("Invalid axis specification",)
_INVALID_XY = ("Invalid x axis specification", "Invalid Y axis specification")

_KINDS: dict[str, _Words] = {
    "1": _Words(
        form=_Form.ONE,
        failed="Failed to create 1d spectrum",
        parameters="Error processing 1d spectrum parameters",
        reason="Only allowed one parameter",
        text="Invalid axis specification",
        axes=("Invalid Axis specification",),
    ),
    "2": _Words(
        form=_Form.TWO,
        failed="Failed to create 2d spectrum",
        parameters="Failed to process parameter list",
        reason="There must be exactly two parameters for a 2d spectrum",
        text=_DEFINITIONS,
        axes=("Invalid X axis specification", "Invalid Y axis specification"),
    ),
    "g1": _Words(
        form=_Form.FLAT, failed="Failed to make multi1d spectrum", text=_DEFINITION, axes=_INVALID
    ),
    "g2": _Words(
        form=_Form.FLAT,
        failed="Failed to create multi2d spectrum",
        text=_DEFINITIONS,
        axes=_INVALID_XY,
    ),
    "gd": _Words(
        form=_Form.GROUPS,
        failed="Failed to create pgamma spectrum",
        parameters="Failed to parse parameter list",
        reason="There must be two lists of parameters, of x and of y",
        text=_DEFINITIONS,
        axes=_INVALID_XY,
    ),
    "s": _Words(
        form=_Form.FLAT, failed="Failed to create spectrum", text=_DEFINITION, axes=_INVALID
    ),
    "m2": _Words(
        form=_Form.PAIRS,
        failed="Failed to create 2d sum spectrum",
        reason="Must have an even number of parameters",
        text=_DEFINITIONS,
        axes=_INVALID_XY,
    ),
    # SpecTcl's, which Rustogramer has no words for:
    "gs": _Words(
        form=_Form.STRIPS, failed="Failed to create spectrum", text=_DEFINITION, axes=_INVALID
    ),
    "b": _Words(
        form=_Form.ONE,
        failed="Failed to create spectrum",
        reason="Only allowed one parameter",
        text=_DEFINITION,
        axes=_INVALID,
    ),
    "S": _Words(
        form=_Form.TWO,
        failed="Failed to create spectrum",
        reason="There must be exactly two parameters for a strip chart: time and value",
        text=_DEFINITION,
        axes=_INVALID,
    ),
}
"""Letters of a kind -> its form and words; `failed` is the status of an unknown parameter and of a
name in use."""


@dataclass(frozen=True, slots=True)
class Booking:
    """Parameters and axes as a kind of spectra takes them.

    Attributes:
        groups: As `SpectrumKind.define` takes them.
        axes: The same.
        failed: Status of the answer when the spectrum cannot be created of them.
    """

    groups: tuple[tuple[str, ...], ...]
    axes: tuple[Axis, ...]
    failed: str


def read_booking(letters: str, parameters: str, axes: str, offered: Collection[str]) -> Booking:
    """Read the parameters and axes of a request.

    Args:
        letters: Kind of the spectrum.
        parameters: Tcl list of names, or of lists of names.
        axes: Tcl list of axes, each a list of low, high and bins; one axis may stand alone.
        offered: Kinds that there are.

    Raises:
        RequestFailedError: With the words of the reference.
    """
    words = _KINDS.get(letters)
    if words is None or letters not in offered:
        raise RequestFailedError("Unsupported spectrum type", f"Bad type was '{letters}'")
    groups = _read_groups(words, parameters)
    return Booking(groups, _read_axes(words, axes), words.failed)


def _read_groups(words: _Words, text: str) -> tuple[tuple[str, ...], ...]:
    try:
        names = split_list(text)
        if len(names) == 1 and words.form in (_Form.TWO, _Form.PAIRS, _Form.GROUPS):
            names = split_list(names[0])  # Rustogramer takes off one pair of braces
        if words.form in (_Form.GROUPS, _Form.STRIPS):
            groups = tuple(tuple(split_list(name)) for name in names)
        else:
            groups = _group(words.form, tuple(names))
    except NotAListError as error:
        reason = f"{text[:80]}: not a Tcl list: {error}"
        raise RequestFailedError(words.parameters or words.failed, reason) from error
    if not groups or (words.form is _Form.GROUPS and len(groups) != 2):
        raise RequestFailedError(
            words.parameters or words.failed, words.reason or "There must be parameters"
        )
    return groups


def _group(form: _Form, names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of names; none, if there are too many or too few."""
    match form:
        case _Form.ONE if len(names) == 1:
            return (names,)
        case _Form.TWO if len(names) == 2:
            return (names[:1], names[1:])
        case _Form.FLAT if names:
            return (names,)
        case _Form.PAIRS if names and len(names) % 2 == 0:
            return (names[::2], names[1::2])
    return ()


def _read_axes(words: _Words, text: str) -> tuple[Axis, ...]:
    wanted = len(words.axes)
    try:
        found = [split_list(one) for one in split_list(text)]
    except NotAListError as error:
        raise RequestFailedError(words.text, f"{text[:80]}: not a Tcl list: {error}") from error
    if wanted == 1 and len(found) == 3 and all(len(one) == 1 for one in found):
        found = [[one for (one,) in found]]  # SpecTcl takes it without braces, too
    if len(found) != wanted:
        number = "one axis is" if wanted == 1 else "two axes are"
        raise RequestFailedError(words.text, f"{text[:80]}: {number} needed, not {len(found)}")
    read = [_read_axis(words.text, one) for one in found]
    axes = []
    for status, (low, high, bins) in zip(words.axes, read, strict=True):
        try:
            axes.append(Axis(low, high, bins))
        except AxisError as error:
            raise RequestFailedError(status, str(error)) from error
    return tuple(axes)


def _read_axis(status: str, words: list[str]) -> tuple[float, float, int]:
    match words:
        case [low_text, high_text, bins_text]:
            low, high, bins = read_number(low_text), read_number(high_text), read_integer(bins_text)
            if low is not None and high is not None and bins is not None:
                return low, high, bins
    said = " ".join(words)[:80]
    raise RequestFailedError(
        status, f"{{{said}}}: an axis is two numbers and an integer: {{low high bins}}"
    )
