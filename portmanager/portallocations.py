"""Port allocations of a server, which all its connections share: who may what, who has which port, what is
told of it. No sockets.

Runs in the event loop, as a reply does not wait for the log: what is noted is written a moment
later.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import os
import pwd
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from groundwork.peers import Peers
from portmanager.binding import PortTests, is_own_address, port_is_free
from portmanager.owners import owner_of_listener
from portmanager.protocol.ledger import Ledger, LedgerEntry
from portmanager.protocol.lines import Gimme
from portmanager.protocol.pool import Pool

__all__ = ["AllocationHolder", "HeldAllocation", "PortAllocations", "Quota"]

log = logging.getLogger(__name__)

NEARLY_FULL = 0.9
LOG_WITHIN_S = 0.02
"""Then what was noted is in the log."""
ADDRESSES_KNOWN_FOR_S = 60.0
"""Then whether an address is this computer's is looked up again: networks come and go."""
MAX_ADDRESSES = 1000


class AllocationHolder(Protocol):
    """A connection, as far as the ports that it holds go."""

    address: str
    port: int

    @property
    def uid(self) -> int | None:
        """The user behind it; None: not known."""

    def abort(self) -> None:
        """End it now."""


@dataclass(slots=True, eq=False)
class HeldAllocation:
    """A port that is lent, to whom and since when.

    Attributes:
        lent: Its entry in the ledger.
        holder: The connection whose life it shares.
        since: Unix time, s.
    """

    lent: LedgerEntry
    holder: AllocationHolder
    since: float

    def __str__(self) -> str:
        """Return how the log marks who it truly is."""
        uid = self.holder.uid
        return "" if uid is None else f" (uid {uid})"


@dataclass(frozen=True, slots=True)
class Quota:
    """Most ports that a connection, and a user, has at a time."""

    per_connection: int = 100
    per_user: int = 500


class PortAllocations:
    """The ports of a pool, and the rights of those who come.

    Args:
        pool: What can be lent.
        peers: Who may list besides this computer; see `ServerSettings`.
        changed: Called when a port was lent or given back.

    Attributes:
        port: Where the server listens, for the state.
        most: Connections; new ones beyond are refused, those of other computers beyond half of it.
        earlier: Ports that (user, service) had at an earlier server, to be lent to them again.
        quota: Ports that may be had at a time.
        any_user: Whoever asks may do it in any user's name.
        users: Names of the users of this computer who have come, by uid; None: it has none.
        connections: Those that are open.

    Raises:
        ValueError: One of the peers is none.
    """

    def __init__(self, pool: Pool, peers: Iterable[str], changed: Callable[[], None]) -> None:
        self.pool, self._changed = pool, changed
        self._peers = Peers(peers)
        self.port, self.most = 0, 1
        self.quota, self.any_user = Quota(), False
        self.users: dict[int, str | None] = {}
        self._of_user: Counter[int | str] = Counter()
        self.earlier: dict[tuple[str, str], list[int]] = {}
        self.ledger = Ledger()
        self.connections: set[AllocationHolder] = set()
        self._remote: set[AllocationHolder] = set()
        self._grants: dict[int, HeldAllocation] = {}
        self._tests = PortTests(self._try)
        self._allocations, self._refusals, self._last_error = 0, 0, ""
        self._notes: list[tuple[float, int, str, tuple[object, ...]]] = []
        self._is_local: dict[str, bool] = {}
        self._known_until = 0.0
        self._started = time.time()

    # --- rights

    def admit(self, holder: AllocationHolder) -> bool:
        """Enter a new connection; False: there are too many."""
        remote = not self.is_local(holder.address)
        if len(self.connections) >= self.most or (remote and len(self._remote) * 2 >= self.most):
            return False
        self.connections.add(holder)
        if remote:
            self._remote.add(holder)
        return True

    def leave(self, holder: AllocationHolder) -> None:
        """Strike out a connection that has ended, if it was ever admitted."""
        self.connections.discard(holder)
        self._remote.discard(holder)

    def is_local(self, address: str) -> bool:
        """Tell whether an address is this computer's: loopback, or one of its own."""
        now = time.monotonic()
        if now > self._known_until or len(self._is_local) > MAX_ADDRESSES:
            self._is_local.clear()
            self._known_until = now + ADDRESSES_KNOWN_FOR_S
        if address not in self._is_local:
            plain = _plain(address)
            try:
                self._is_local[address] = ipaddress.ip_address(plain).is_loopback or is_own_address(
                    plain
                )
            except OSError as error:
                self.note(
                    logging.WARNING,
                    "%s is taken for another computer this time: %s",
                    plain,
                    error.strerror,
                )
                return False
        return self._is_local[address]

    def may_list(self, address: str) -> bool:
        """Tell whether a peer may ask for the list."""
        return self.is_local(address) or self._peers.role(address) is not None

    # --- ports

    def refusal(self, asked: Gimme, holder: AllocationHolder, held: int) -> str:
        """Say why a connection that holds so many ports does not get what it asks for; empty: it
        does."""
        uid = holder.uid
        trusted = self.any_user or uid is None or uid in (0, os.geteuid()) or not asked.user
        if not trusted and uid is not None and (name := self.users.get(uid)) != asked.user:
            return f"user name: the system says that you are {name or f'uid {uid}'}"
        if held >= self.quota.per_connection:
            return f"Too many ports: {held} are lent to this connection"
        if self._of_user[_user_of(asked.user, uid)] >= self.quota.per_user:
            return f"Too many ports: {self.quota.per_user} are lent to this user"
        return ""

    def learn_user(self, uid: int) -> None:
        """Look up the name of a user, which may take its time: in a thread."""
        try:
            self.users[uid] = pwd.getpwuid(uid).pw_name
        except KeyError:
            self.users[uid] = None

    def lend(self, asked: Gimme, holder: AllocationHolder) -> HeldAllocation | None:
        """Lend a port; None: none is free."""
        port = self._had_before(asked, holder) or self.pool.take(self._tests.is_free)
        if port is None:
            self._refusals += 1
            return None
        grant = self._grants[port] = HeldAllocation(
            self.ledger.add(port, asked.service, asked.user), holder, time.time()
        )
        self._allocations += 1
        self._of_user[_user_of(grant.lent.user, holder.uid)] += 1
        self.note(
            logging.INFO,
            "Port %d was allocated to %s run by %s%s",
            port,
            asked.service,
            asked.user,
            grant,
        )
        used = len(self.ledger)
        if used == int(self.pool.size * NEARLY_FULL):
            self.note(logging.WARNING, "%d of %d ports are lent", used, self.pool.size)
        self._changed()
        return grant

    def _had_before(self, asked: Gimme, holder: AllocationHolder) -> int | None:
        """Take the port that this service had at an earlier server, if nobody else has it now."""
        wish = asked.wish
        # A service that has outlived a port manager still listens on its port: its user's own
        # listener is no obstacle.
        if (
            wish is not None
            and wish in self.pool
            and (
                self._tests.is_free(wish)
                or (holder.uid is not None and owner_of_listener(wish) == holder.uid)
            )
        ):
            self.pool.take_this(wish)
            return wish
        ports = self.earlier.get((asked.user, asked.service), [])
        while ports:  # one for each instance that comes back
            port = ports.pop(0)
            if port in self.pool and self._tests.is_free(port):
                self.pool.take_this(port)
                return port
        return None

    def look_ahead(self) -> None:
        """Test the port that is lent next, now that nobody waits: who asks for one often asks for
        more."""
        if (port := self.pool.next_one) is not None:
            self._tests.test_ahead(port)

    def _try(self, port: int) -> bool:
        try:
            return port_is_free(port)
        except OSError as error:  # to refuse it would end programs in C++; the original never tests
            self.note(
                logging.WARNING,
                "port %d cannot be tested, and is taken for free: %s",
                port,
                error.strerror,
            )
            return True

    def release(self, grants: Sequence[HeldAllocation]) -> None:
        """Take ports back, in the order in which they were lent."""
        for grant in grants:
            lent = grant.lent
            self.ledger.remove(lent)
            del self._grants[lent.port]
            user = _user_of(lent.user, grant.holder.uid)
            self._of_user[user] -= 1
            if not self._of_user[user]:
                del self._of_user[user]
            self.pool.give_back(lent.port)
            self.note(
                logging.INFO,
                "Port %d was released by %s run by %s",
                lent.port,
                lent.service,
                lent.user,
            )
        if grants:
            self._changed()

    # --- log, state

    def note(self, level: int, text: str, *args: object) -> None:
        """Have something logged soon."""
        if level >= logging.WARNING:
            self._last_error = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text % args}"
        if not log.isEnabledFor(level):
            return
        if not self._notes:
            asyncio.get_running_loop().call_later(LOG_WITHIN_S, self.write_notes)
        self._notes.append((time.time(), level, text, args))

    def write_notes(self) -> None:
        """Log what was noted, under the time at which it was."""
        notes, self._notes = self._notes, []
        for created, level, text, args in notes:
            record = log.makeRecord(log.name, level, __file__, 0, text, args, None)
            record.created = created
            log.handle(record)

    def state(self) -> str:
        """Return what the server knows of itself, as JSON in one line."""
        now, pool = time.time(), self.pool
        return json.dumps(
            {
                "program": "portmanager",
                "port": self.port,
                "started": self._started,
                "pool": {
                    "low": pool.low,
                    "high": pool.high,
                    "size": pool.size,
                    "used": len(self.ledger),
                },
                "connections": {"open": len(self.connections), "at_most": self.most},
                "allocated_so_far": self._allocations,
                "refused_for_want_of_ports": self._refusals,
                "last_error": self._last_error,
                "allocations": [
                    {
                        "port": lent.port,
                        "service": lent.listed,
                        "asked_for": lent.service,
                        "user": lent.user,
                        "uid": grant.holder.uid,
                        "since": grant.since,
                        "age_s": round(now - grant.since, 3),
                        "peer": grant.holder.address,
                        "peer_port": grant.holder.port,
                    }
                    for lent in self.ledger.by_port()
                    for grant in (self._grants[lent.port],)
                ],
            }
        )


def _user_of(name: str, uid: int | None) -> int | str:
    return name if uid is None else uid


def _plain(address: str) -> str:
    """Return an address without the zone of an IPv6 one, and an IPv4 one as such."""
    return address.partition("%")[0].removeprefix("::ffff:")
