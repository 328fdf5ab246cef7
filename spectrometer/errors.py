"""Errors of a spectrometer Bank. A refusal, which the observer can act on, is a `RefusedError`."""

from __future__ import annotations

from collections.abc import Mapping

from zmqjsonproxy.errors import SelfExplanatoryError

__all__ = [
    "UNDER_WAY",
    "BankError",
    "LinkAddressError",
    "ModeChangeError",
    "NoModeError",
    "ParameterError",
    "PositionError",
    "PulsarSetupError",
    "ScanError",
    "StartTimeError",
    "SubbandError",
    "SwitchingError",
]


class BankError(SelfExplanatoryError):
    """Base of all errors of this package's Banks."""


class LinkAddressError(BankError):
    """A host of the data link has no address."""


UNDER_WAY = "is under way"


class NoModeError(BankError):
    """The call needs a mode."""

    def __init__(self, why: str = "") -> None:
        if why.endswith(UNDER_WAY):
            super().__init__(f"no mode is set yet: {why}; mode_state says when it is")
            return
        super().__init__("no mode is set" + (f" ({why})" if why else "") + "; call set_mode first")


class ModeChangeError(BankError):
    """A mode could not be set up; no mode is set then."""


class ParameterError(BankError, ValueError):
    """Parameters that do not exist or cannot have these values; none of the call's was set.

    Attributes:
        problems: Parameter -> what is wrong with it.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{name}: {text}" for name, text in problems.items()))


class PositionError(BankError, ValueError):
    """A source position that cannot be read."""


class SwitchingError(BankError, ValueError):
    """A switching phase or cycle that cannot be."""


class PulsarSetupError(BankError, ValueError):
    """Parameters of a pulsar mode that do not go together."""


class SubbandError(BankError, ValueError):
    """A sub-band whose centre cannot be."""


class StartTimeError(BankError, ValueError):
    """A start time that is none, or too early."""


class ScanError(BankError):
    """A scan could not be started or ended as asked."""
