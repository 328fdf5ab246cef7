"""Errors that a Dealer raises.

    DealerError
    +-- PlayersError            one or more Banks failed; names them all, carries every Bank's outcome
    |   +-- StartError          no common start: nothing runs, what was armed has been disarmed
    +-- NoSuchPlayerError       a name that is not among the available Players (KeyError too)
    +-- NotExportedError        a method that some active Banks do not have (AttributeError too); nothing was sent
    +-- ScanFailedError         in the outcome of a Bank: its scan ended with an error
    |   +-- ScanStoppedError    in the outcome of a Bank: somebody else stopped its scan, or took it back
    +-- SpectraDifferError      spectra of one name that cannot be added: their kinds or axes differ
    +-- ClosedError             the Dealer was closed
    +-- NoActivePlayersError    there is nobody to ask
    +-- ConfigurationError      the TOML file, or the dictionary of Players; lists every fault

One call to one Bank raises what the proxy raises: RefusedError, RemoteError, PeerLostError,
CallTimeoutError.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dealer.outcome import Outcome
from groundwork.errors import Portable
from zmqjsonproxy.errors import RemoteError

__all__ = [
    "ClosedError",
    "ConfigurationError",
    "DealerError",
    "NoActivePlayersError",
    "NoSuchPlayerError",
    "NotExportedError",
    "PlayersError",
    "ScanFailedError",
    "ScanStoppedError",
    "SpectraDifferError",
    "StartError",
    "reason_of",
]


class DealerError(Portable):
    """Base of all errors of this package."""


class PlayersError(DealerError):
    """One or more Banks failed; all were asked.

    Attributes:
        action: What was asked.
        outcomes: Bank -> outcome, of all that were asked, in their order.
        failed: Those without a value.
        remark: On all of them; empty: there is none.
    """

    def __init__(self, action: str, outcomes: Mapping[str, Outcome], remark: str = "") -> None:
        self.action, self.outcomes, self.remark = action, dict(outcomes), remark
        self.failed = {bank: o for bank, o in self.outcomes.items() if o.error is not None}
        lines = [f"{action}: {len(self.failed)} of {len(self.outcomes)} Banks failed"]
        lines += [f"  {bank}: {reason_of(o.error)}" for bank, o in self.failed.items()]
        super().__init__("\n".join([*lines, f"  {remark}"] if remark else lines))
        for text, banks in _tracebacks(self.failed).items():
            self.add_note(f"remote traceback of {', '.join(banks)}:\n{text}")


class StartError(PlayersError):
    """There is no common start. Nothing runs: what was armed has been disarmed, what had started
    was stopped."""

    def __init__(
        self, reason: str, outcomes: Mapping[str, Outcome] | None = None, remark: str = ""
    ) -> None:
        if outcomes:
            super().__init__(f"start: {reason}", outcomes, remark)
        else:
            DealerError.__init__(self, f"start: {reason}")
            self.action, self.outcomes, self.failed, self.remark = "start", {}, {}, remark


class NoSuchPlayerError(DealerError, KeyError):
    """A name is not among the available Players.

    Attributes:
        names: All such names.
        available: Those there are.
    """

    def __init__(self, names: Iterable[str], available: Iterable[str]) -> None:
        self.names = list(names)
        self.available = list(available)
        super().__init__(
            f"no such Player: {', '.join(map(str, self.names))}; available are: {', '.join(self.available) or 'none'}"
        )

    def __str__(self) -> str:
        return str(self.args[0])


class NotExportedError(DealerError, AttributeError):
    """Some of the active Banks lack a method; nothing was sent to any of them.

    Attributes:
        method: Its name.
        lacking: Bank -> why it is lacking there.
    """

    def __init__(
        self, method: str, lacking: Mapping[str, str], similar: Iterable[str] = ()
    ) -> None:
        self.method, self.lacking = method, dict(lacking)
        banks = (
            "; ".join(f"{bank} {why}" for bank, why in self.lacking.items())
            or "no Player is active"
        )
        hint = " or ".join(similar)
        super().__init__(
            f"{method}: nothing was sent: {banks}" + (f"; did you mean {hint}?" if hint else "")
        )


class NoActivePlayersError(DealerError):
    """There are no active Players."""

    def __init__(self, action: str, available: Iterable[str]) -> None:
        super().__init__(
            f"{action}: no Player is active; add_active_player takes any of: {', '.join(available) or 'none'}"
        )


class ScanFailedError(DealerError):
    """A Bank's scan ended with an error: its data-taking program died, the disk was full, it was
    never committed."""


class ScanStoppedError(ScanFailedError):
    """A Bank's scan was stopped or taken back by another client than the one that waits; the text
    says by whom."""


class SpectraDifferError(DealerError):
    """Spectra of one name cannot be added.

    Attributes:
        name: Of the spectrum.
        forms: Bank -> kind and axes of its spectrum.
    """

    def __init__(self, name: str, forms: Mapping[str, str]) -> None:
        self.name, self.forms = name, dict(forms)
        lines = [f"spectrum {name}: those of the Banks cannot be added, for they differ"]
        super().__init__("\n".join([*lines, *(f"  {bank}: {it}" for bank, it in forms.items())]))


class ClosedError(DealerError):
    """The Dealer was closed."""

    def __init__(self, action: str) -> None:
        super().__init__(f"{action}: this Dealer was closed; make another one")


class ConfigurationError(DealerError):
    """Players could not be found out; lists every fault.

    Attributes:
        faults: One line each.
    """

    def __init__(self, where: str, faults: Iterable[str]) -> None:
        self.where, self.faults = where, list(faults)
        super().__init__("\n".join([f"{where}:", *(f"  {fault}" for fault in self.faults)]))


def reason_of(error: BaseException | None) -> str:
    """Return why a Bank failed, as errors of several Banks say it; empty: it did not."""
    if isinstance(
        error, RemoteError
    ):  # of the class at the other end; which end that is the Bank's name says
        return f"{error.type}: {error.text}"
    return f"{type(error).__name__}: {error}" if error is not None else ""


def _tracebacks(failed: Mapping[str, Outcome]) -> dict[str, list[str]]:
    """Remote traceback -> the Banks that sent it: eight times the same is shown once."""
    found: dict[str, list[str]] = {}
    for bank, outcome in failed.items():
        if isinstance(outcome.error, RemoteError) and outcome.error.traceback:
            found.setdefault("".join(outcome.error.traceback).rstrip(), []).append(bank)
    return found
