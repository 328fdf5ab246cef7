"""The verbs of a Dealer as coroutines: which method of the Banks is called, and what their answers
mean. No sockets, no event loop.

An AsyncDealer has them as they are, a Dealer as methods that wait. They use nothing of their object
but what both have: that of a PlayerSelection, and how operations are made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from dealer.callstate import ask_states, identities
from dealer.control import Control
from dealer.errors import NotExportedError, PlayersError
from dealer.fanout import all_values
from dealer.fetching import FETCH_TIMEOUT, fetched_from
from dealer.outcome import Outcome, Outcomes
from dealer.scans import ScanVerbs
from dealer.selection import B
from dealer.spectra import summed
from groundwork.values import RemoteValue
from zmqjsonproxy import InterfaceDescription
from zmqjsonproxy.callstate import CallState
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.hubs import Hub
from zmqjsonproxy.operations import begin, find

if TYPE_CHECKING:
    from zmqjsonproxy.files.fetch import Fetched, FetchProgress
    from zmqjsonproxy.rpc.remoteoperation import RemoteOperation

__all__ = ["Verbs"]

SET_MODE_TIMEOUT = 120.0
"""The original's, s."""

Operation = TypeVar("Operation", bound="RemoteOperation")
Operations = TypeVar("Operations")
"""Those of a Dealer, or of an AsyncDealer, and of several Banks."""


class Verbs(ScanVerbs[B], Generic[B, Operation, Operations]):
    """All verbs."""

    _operation: Callable[[str, dict[str, RemoteValue]], Operation]
    """Makes an operation of a Player's URL and of what it said of it."""
    _operations: Callable[[Hub, str, Mapping[str, Operation]], Operations]
    """Makes one of those of several Banks, and of what they do."""

    async def outcomes(
        self,
        method: str,
        /,
        *args: RemoteValue,
        _timeout: float | None = None,
        _banks: Iterable[str] | None = None,
        **kwargs: RemoteValue,
    ) -> Outcomes:
        """Call a method of all active Banks; Bank -> outcome, with value or error, and delay.
        Raises for none.

        Args:
            method: Of the Banks.
            *args: Its positional arguments.
            _timeout: Common deadline, s.
            _banks: Ask these instead of the active ones.
            **kwargs: Its keyword arguments.
        """
        banks, timeout = self._asked(method, _banks, _timeout)
        return await self._calls.outcomes(method, banks, timeout, args, kwargs)

    # modes and parameters

    async def set_mode(
        self, mode: str, bandwidth: float | None = None, force: bool = False
    ) -> dict[str, RemoteValue]:
        """Select a mode; Bank -> (True, text).

        Args:
            mode: Name of a mode.
            bandwidth: Valon frequency, MHz; None or False keeps the mode's.
            force: Load the mode even if it is set already.
        """
        args = (mode, None if bandwidth is False else bandwidth, force)
        banks = self._active("set_mode")
        return await self._calls.values("set_mode", banks, SET_MODE_TIMEOUT, args)

    async def get_mode(self) -> tuple[bool, RemoteValue]:
        """Return (True, mode) if all active Banks agree, else (False, {Bank: mode}); mode is None
        if none is set."""
        modes = await self._values("get_mode")
        first = next(iter(modes.values()))
        return (True, first) if all(m == first for m in modes.values()) else (False, modes)

    async def list_modes(self) -> list[str]:
        """Return the modes that all active Banks have."""
        first, *others = (await self._values("list_modes")).values()
        return [mode for mode in first if all(mode in other for other in others)]

    async def set_param(self, /, **kvpairs: RemoteValue) -> dict[str, RemoteValue]:
        """Set parameters of the mode, all of them, in each Bank; Bank -> True, for several {name:
        True}."""
        banks, timeout, calls = self._active("set_param"), self.timeout, self._calls
        await calls.check_exported("set_param", banks)
        native = [bank for bank, each in (await calls.exporting(banks)).items() if each.native]
        if len(kvpairs) == 1 or len(native) == len(banks):
            return await calls.values("set_param", banks, timeout, (), kvpairs)
        # Players of the original set the first of several and are silent about the others: one at a
        # time for them.
        found = Outcomes()
        if native:
            found = await calls.outcomes("set_param", native, timeout, (), kvpairs)
        old = [bank for bank in banks if bank not in native]
        single = [
            await calls.outcomes("set_param", old, timeout, (), {key: value})
            for key, value in kvpairs.items()
        ]
        for bank in old:
            failed = next((o[bank] for o in single if o[bank].error is not None), None)
            found[bank] = failed or Outcome(
                bank, {k: o[bank].value for k, o in zip(kvpairs, single, strict=True)}
            )
        return all_values("set_param", {bank: found[bank] for bank in banks})

    async def get_param(self, name: str | None = None) -> dict[str, RemoteValue]:
        """Return one parameter, or all of them, of each Bank."""
        return await self._values("get_param", name)

    async def help_param(self, name: str | None = None) -> RemoteValue:
        """Return the help text of one parameter, or of all; the first active Bank answers for
        all."""
        first = self._active("help_param")[:1]
        found = await self._calls.values("help_param", first, self.timeout, (name,))
        return found[first[0]]

    async def prepare(self) -> dict[str, RemoteValue]:
        """Compute what depends on the parameters, and send everything to the hardware."""
        return await self._values("prepare")

    # scans

    async def stop(self) -> dict[str, RemoteValue]:
        """End the scan, or monitor mode; Bank -> (True, text)."""
        return await self._values("stop")

    async def monitor(self) -> dict[str, RemoteValue]:
        """Take data without recording them; Bank -> (True, text)."""
        return await self._values("monitor")

    async def scan_status(self) -> dict[str, RemoteValue]:
        """Return Bank -> (scan running, "NETSTAT=...", "DISKSTAT=...")."""
        return await self._values("scan_status")

    # status

    async def set_status(self, /, **kvpairs: RemoteValue) -> dict[str, RemoteValue]:
        """Write status keys."""
        banks = self._active("set_status")
        return await self._calls.values("set_status", banks, self.timeout, (), kvpairs)

    async def get_status(self, keys: str | Sequence[str] | None = None) -> dict[str, RemoteValue]:
        """Return the whole status, those of some keys by name, or one key, of each Bank.

        A native Player that lacks one of the keys refuses; one of the original leaves it out of
        several.
        """
        return await self._values("get_status", list(keys) if isinstance(keys, tuple) else keys)

    async def set_scan_number(self, number: int) -> None:
        """Set the number of the present scan in all active Banks."""
        await self._values("set_scan_number", number)

    async def increment_scan_number(self) -> dict[str, RemoteValue]:
        """Count the scan number up in all active Banks."""
        return await self._values("increment_scan_number")

    # switching signals

    async def clear_switching_states(self) -> dict[str, RemoteValue]:
        """Remove all switching phases; Bank -> (True, 0)."""
        return await self._values("clear_switching_states")

    async def add_switching_state(
        self, duration: float, blank: bool = False, cal: bool = False, sig_ref_1: bool = False
    ) -> dict[str, RemoteValue]:
        """Append a switching phase; Bank -> (True, number of phases).

        Args:
            duration: s.
            blank: Data of the phase are thrown away.
            cal: Noise diode on.
            sig_ref_1: True: reference.
        """
        return await self._values("add_switching_state", duration, blank, cal, sig_ref_1)

    async def set_gbt_ss(
        self, period: float, ss_list: Sequence[Sequence[float]]
    ) -> dict[str, RemoteValue]:
        """Replace all switching phases; Bank -> (True, number of phases).

        Args:
            period: Of the whole cycle, s.
            ss_list: (start as a fraction of the period, sig/ref, cal, blanking in s) of each phase,
                ascending.
        """
        return await self._values("set_gbt_ss", period, [list(phase) for phase in ss_list])

    # spectra

    async def spectrum(
        self, name: str, combine: str | None = None, *, flow: bool = False
    ) -> dict[str, RemoteValue]:
        """Return a spectrum of each active Bank, a histogrammer, or the sum of all.

        Args:
            name: Of the spectrum.
            combine: "sum": one spectrum, whose data are the sum; it has `banks`, too. None: Bank ->
                spectrum.
            flow: With the cells of under- and overflow around the bins.

        Raises:
            SpectraDifferError: Spectra that were to be added are of different kinds, or have different
                axes; names the Banks.
            ValueError: `combine` is something else.
        """
        if combine not in (None, "sum"):
            raise ValueError(f"spectrum: combine is {combine!r}; expected 'sum' or None")
        found = await self._values("get_spectrum", name, flow)
        return found if combine is None else summed(name, found)

    # files

    async def fetch(
        self,
        name: str,
        to: str | os.PathLike[str] = ".",
        *,
        part: tuple[int, int | None] | None = None,
        rate: float | None = None,
        timeout: float = FETCH_TIMEOUT,
        progress: Callable[[str, FetchProgress], object] | None = None,
        _banks: Iterable[str] | None = None,
    ) -> dict[str, Fetched]:
        """Fetch a file of this name from each active Bank, one after the other; Bank -> what was fetched.

        Each goes into a folder of its Bank's name. In all else as `fetch` of one Bank, `d["BANKA"].fetch`.

        Args:
            name: `AREA/PATH`, or a bare name, which is looked for in all areas in their order.
            to: The folder above those of the Banks; folders that are missing are made.
            part: First and last byte that are wanted, None for the last one: to the end. None: all.
            rate: Bytes/s at most, on average; None: as fast as it goes.
            timeout: Of one request; so long nothing may come at all, s.
            progress: Called with the Bank and what is there, of how many bytes, with each piece.
            _banks: Ask these instead of the active ones.

        Raises:
            PlayersError: Some were not fetched. The outcomes of the others have what was.
        """
        banks, within = self._asked("fetch", _banks, timeout)
        return all_values(
            "fetch",
            {
                bank: await fetched_from(
                    self._calls,
                    bank,
                    name,
                    Path(to) / bank,
                    part=part,
                    rate=rate,
                    timeout=within,
                    progress=progress and partial(progress, bank),
                )
                for bank in banks
            },
        )

    # control

    async def take_control(
        self,
        reason: str,
        minutes: float = 60.0,
        *,
        stays: bool = False,
        _banks: Iterable[str] | None = None,
    ) -> dict[str, Control]:
        """Take control of all active Banks, or of none; Bank -> Control.

        Until it is given back, commands of others are refused, and told who has it, why and until
        when. Queries stay free. It is renewed while this Dealer lives, and ends 15 s after its last
        sign of life. Whoever has control may take it again, with another reason or time.

        Args:
            reason: One line, for others to read.
            minutes: It ends after this time in any case.
            stays: It goes on to its end also if this process has ended.
            _banks: Of these instead of the active ones.

        Raises:
            PlayersError: Somebody else has control of a Bank (NotInControlError in its outcome), or
                it could not be asked; control was taken of none.
        """
        banks, timeout = self._asked("take_control", _banks, None)
        return await self._controls.take(reason, minutes, stays, banks, timeout)

    async def release_control(self, *, _banks: Iterable[str] | None = None) -> dict[str, Control]:
        """Give control back that this Dealer has taken; Bank -> Control.

        Where it had ended before, that is logged, and no error: this Dealer has it no longer.

        Args:
            _banks: Of these; None: of all.

        Raises:
            PlayersError: A Player could not be told; there it ends by silence, or at its time.
        """
        held = self._controls.held if _banks is None else _banks
        banks, timeout = self._asked("release_control", held, None)
        return await self._controls.release(banks, timeout)

    async def break_control(
        self, reason: str, *, _banks: Iterable[str] | None = None
    ) -> dict[str, Control]:
        """Take control of all active Banks away from whoever has it, for the role `admin`; Bank ->
        Control. Nobody has it then.

        Args:
            reason: One line; whoever had control reads it, with your name.
            _banks: Of these instead of the active ones.
        """
        banks, timeout = self._asked("break_control", _banks, None)
        return await self._controls.break_(reason, banks, timeout)

    async def who_controls(self, *, _banks: Iterable[str] | None = None) -> dict[str, Control]:
        """Return who has control of each active Bank, why, and until when; Bank -> Control.

        Args:
            _banks: Ask these instead of the active ones.
        """
        banks, timeout = self._asked("who_controls", _banks, None)
        return await self._controls.show(banks, timeout)

    # what became of a call

    async def outcome_of(
        self, call: str | BaseException, *, _banks: Iterable[str] | None = None
    ) -> dict[str, CallState]:
        """Return what became of a command that timed out, or whose connection was lost; Bank ->
        running, done with its value, failed with its error, or unknown.

        The Player is asked, which knows the last commands of each client, then its journal. Unknown
        is also what never came there.

        Args:
            call: The error that was raised, or the `call_id` of one.
            _banks: Ask these; None: those that the error tells of, or the active ones.

        Raises:
            PlayersError: A Player cannot be asked.
            ValueError: The error tells of no call that was sent.
        """
        known = identities(call, self._calls.urls)
        asked = list(known) if known is not None and _banks is None else _banks
        banks, timeout = self._asked("outcome_of", asked, None)
        ids = dict.fromkeys(banks, call) if isinstance(call, str) else known or {}
        return await ask_states(self._calls, {b: ids[b] for b in banks if b in ids}, timeout)

    # operations

    async def begin(
        self,
        method: str,
        /,
        *args: RemoteValue,
        _timeout: float | None = None,
        _banks: Iterable[str] | None = None,
        **kwargs: RemoteValue,
    ) -> Operations:
        """Begin an operation on all active Banks and return at once: Bank -> operation.

        Args:
            method: Of the Banks, one that takes long, as "set_mode".
            *args: Its positional arguments.
            _timeout: For the answers that it was begun, s; the operation itself may take any time.
            _banks: Ask these instead of the active ones.
            **kwargs: Its keyword arguments.

        Raises:
            NotExportedError: Some Banks have no such operation; nothing was sent.
            PlayersError: On some it was not begun. The outcomes of the others have theirs as
                values: they go on.
        """
        calls = self._calls
        banks, timeout = self._asked(f"begin {method}", _banks, _timeout)
        await calls.check_exported(method, banks)
        lacking = {
            bank: why
            for bank, description in (await calls.exporting(banks)).items()
            if (why := _why_not_begun(description, method))
        }
        if lacking:
            raise NotExportedError(method, lacking)
        urls = [calls.urls[bank] for bank in banks]
        results = await begin(
            calls.hub, self._operation, urls, "bank", method, args, kwargs, timeout
        )
        begun = dict(zip(banks, results, strict=True))
        going_on = [
            f"{bank} {each.id}" for bank, each in begun.items() if not isinstance(each, ProxyError)
        ]
        remark = f"begun, and going on: {', '.join(going_on)}" if going_on else ""
        found = _all_found(f"begin {method}", begun, remark)
        return self._operations(calls.hub, method, found)

    async def operation(self, ids: Mapping[str, str]) -> Operations:
        """Return operations by their identities, whoever began them.

        Args:
            ids: Bank -> identity, as `Operations.ids`.

        Raises:
            PlayersError: Some cannot be asked, or know none of this identity.
        """
        calls = self._calls
        banks, timeout = self._asked("operation", ids, None)
        identities = [(calls.urls[bank], ids[bank]) for bank in banks]
        results = await find(calls.hub, self._operation, identities, timeout)
        found = _all_found("operation", dict(zip(banks, results, strict=True)))
        methods = sorted({each.method.rpartition(".")[2] for each in found.values()})
        return self._operations(calls.hub, " and ".join(methods), found)

    async def operations(self, active: bool = False) -> dict[str, list[Operation]]:
        """Return the last operations of each active Bank, the newest at the end.

        Args:
            active: Only those that have not ended.
        """
        calls, banks = self._calls, self._active("operations")
        found = await calls.outcomes("rpc.operations", banks, self.timeout, (active,))
        return {
            bank: [self._operation(calls.urls[bank], each) for each in listed]
            for bank, listed in all_values("operations", found).items()
        }


def _why_not_begun(description: InterfaceDescription, method: str) -> str:
    if not description.native:
        return (
            "is a Player of the original, which answers at the end only; call the method and wait"
        )
    kind = description.methods[method].kind
    return "" if kind == "operation" else f"has it as a {kind}; call it"


def _all_found(
    action: str, found: Mapping[str, Operation | ProxyError], remark: str = ""
) -> dict[str, Operation]:
    """Return all that were found, or raise PlayersError, whose outcomes have those that were."""
    there = {bank: each for bank, each in found.items() if not isinstance(each, ProxyError)}
    if len(there) < len(found):
        outcomes = {
            bank: Outcome(bank, None, each) if isinstance(each, ProxyError) else Outcome(bank, each)
            for bank, each in found.items()
        }
        raise PlayersError(action, outcomes, remark)
    return there
