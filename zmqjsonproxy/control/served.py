"""Control of a Bank as a server has it: object `control` for callers, gate for the call engine.

Knows no file: where a lease is kept over a restart is its owner's business.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable

from groundwork.values import JsonObject
from zmqjsonproxy.caller import Caller, current_caller
from zmqjsonproxy.control.protocol.lease import (
    SILENT_S,
    Credential,
    Lease,
    Terms,
)
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.interface import Method, command, query
from zmqjsonproxy.rights import Role

__all__ = ["ServedControl"]

log = logging.getLogger(__name__)

TERM_S = 3600.0
"""Time for which control is taken if no other one is said, s."""


class ServedControl:
    """Lease of control over one Bank, for callers in any thread.

    Args:
        lease: As it was kept, or a new one.
        now: The time that decides, s: of a clock that is never set and counts sleep.
        wall: UTC, unix seconds.
        keep: Called with the lease after each change, before that is answered, one at a time;
            True: control was given or has ended, and was not only renewed. It may wait for a disk,
            and does not raise.
        tell: Called with what `state` returns when control was given or has ended.
    """

    def __init__(
        self,
        lease: Lease,
        *,
        now: Callable[[], float],
        wall: Callable[[], float] = time.time,
        keep: Callable[[Lease, bool], None] = lambda _lease, _is_other: None,
        tell: Callable[[JsonObject], None] = lambda _told: None,
    ) -> None:
        self._lease, self._now, self._wall, self._keep = lease, now, wall, keep
        self._tell, self._kept = tell, lease.holder
        self._lock = threading.Lock()

    # the gate

    def admit(self, method: Method, caller: Caller) -> None:
        """See `Gate`. Whoever waits for the disk in another thread holds up nobody here."""
        if method.mark.needs_control:
            self._lease.check(self._now(), caller.control, caller.key)

    def check(self) -> None:
        """Let something be changed for a client that can prove no control. NotInControlError:
        somebody has it, or commands need it."""
        self._lease.check(self._now(), "")

    # the object

    @command(urgent=True, aborts=False, needs_control=False)
    def take(
        self, reason: str, seconds: float = TERM_S, silent_s: float | None = SILENT_S
    ) -> JsonObject:
        """Take control of this Bank: commands of other clients are refused until it ends.

        Args:
            reason: For others to read, one line.
            seconds: After this time it ends in any case.
            silent_s: It ends before if `renew` is not called for so long; None: it need not be.

        Returns:
            What `state` returns, with `token`. Commands then carry "NUMBER:TOKEN" as member
            `control` of `dealer`, as `renew` and `release` do.
        """
        caller = current_caller()
        terms = Terms(
            owner=caller.name, key=caller.key, reason=reason, seconds=seconds, silent_s=silent_s
        )
        token = secrets.token_hex(16)
        with self._lock:
            now, wall = self._now(), self._wall()
            given = Credential.read(caller.control)
            holder = self._lease.take(now, wall, terms, token, given)
            self._changed()
            told = self._lease.describe(now)
        log.info("%s: %s (number %d)", self._lease.name, holder, holder.number)
        return told | {"token": token}

    @command(urgent=True, aborts=False, needs_control=False, is_read_only=True)
    def renew(self, stays: bool = False) -> JsonObject:
        """Give a sign of life of the owner of control, by whose credential this is called.

        Args:
            stays: It is the last one that is needed: control goes on to its time.
        """
        if type(stays) is not bool:
            raise RefusedError(f"control: stays is {stays!r}; it is true or false")
        caller = current_caller()
        given = Credential.read(caller.control)
        with self._lock:
            now = self._now()
            try:
                self._lease.renew(now, self._wall(), given, key=caller.key, stays=stays)
            finally:
                self._changed()
            return self._lease.describe(now)

    @command(urgent=True, aborts=False, needs_control=False)
    def release(self) -> JsonObject:
        """Give control of this Bank back, by the credential of its owner."""
        caller = current_caller()
        given = Credential.read(caller.control)
        with self._lock:
            try:
                ended = self._lease.release(self._now(), self._wall(), given, key=caller.key)
            finally:
                self._changed()
        log.info("%s: %s", self._lease.name, ended)
        return self.state()

    @command(urgent=True, aborts=False, needs_control=False, role=Role.ADMIN)
    def break_lease(self, reason: str) -> JsonObject:
        """Take control of this Bank from whoever has it; nobody has it then.

        Args:
            reason: For its owner, and all others, to read.

        Returns:
            What `state` returns.
        """
        with self._lock:
            by = str(current_caller())
            ended = self._lease.break_it(self._now(), self._wall(), by, reason)
            self._changed()
        if ended is not None:
            log.warning("%s: %s", self._lease.name, ended)
        return self.state()

    @query
    def state(self) -> JsonObject:
        """Return who has control of this Bank: owner, host, key, reason, since and until (UTC, unix
        seconds), number; each None if nobody has.

        Beside them `last_number`, `ended` (how the control before this one ended, a text), and
        `required`: commands are refused while nobody has control.
        """
        return self._lease.describe(self._now())

    def _changed(self) -> None:
        """Keep and tell what has changed since the last time; with the lock held."""
        was, holder = self._kept, self._lease.holder
        if holder is was:
            return
        self._kept = holder
        is_other = was is None or holder is None or was.number != holder.number
        self._keep(self._lease, is_other)
        if is_other:
            self._tell(self._lease.describe(self._now()))

    # for whoever serves it

    def tick(self) -> None:
        """End a lease whose time is over; to be called each second."""
        with self._lock:
            if self._lease.tick(self._now(), self._wall()):
                log.warning("%s: %s", self._lease.name, self._lease.ended)
                self._changed()

    def publish_by(self, tell: Callable[[JsonObject], None]) -> None:
        """Name what is told of changes, and tell it how things are."""
        with self._lock:
            self._tell = tell
            tell(self._lease.describe(self._now()))
