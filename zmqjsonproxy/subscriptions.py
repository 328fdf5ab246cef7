"""Subscriptions of one client; what they need is loaded, and their thread started, with the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, Unpack

from groundwork.planned import refusal
from zmqjsonproxy.resolver import Resolvers

if TYPE_CHECKING:
    from zmqjsonproxy.channels.settings import LinkSettings
    from zmqjsonproxy.channels.subscription import ReaderOptions, Subscription
    from zmqjsonproxy.channels.updates import Event, Update
    from zmqjsonproxy.rights import ClientKeys
    from zmqjsonproxy.subscriber import Target

__all__ = ["Subscriptions"]


class Subscribing(Protocol):
    """Server of the subscriptions of a process."""

    def subscribe(
        self, targets: Sequence[Target], label: str, **reader: Unpack[ReaderOptions]
    ) -> Subscription:
        """Subscribe to properties of Players."""

    def close(self) -> object:
        """End all subscriptions."""


class Subscriptions:
    """Maker of subscriptions, which share one thread and its connections.

    Args:
        resolvers: For URLs that are names; they are called in that thread.
        settings: How Players are watched; None: the default.
        keys: Of this client; None: it subscribes at all Players without keys.
    """

    def __init__(
        self,
        resolvers: Resolvers | None = None,
        settings: LinkSettings | None = None,
        keys: ClientKeys | None = None,
    ) -> None:
        self._resolvers, self._settings, self._keys = resolvers, settings, keys
        self._subscriber: Subscribing | None = None

    def begin(
        self,
        players: Mapping[str, str],
        object_name: str,
        patterns: str | Iterable[str] | Mapping[str, Iterable[str]],
        callback: Callable[[Update], object] | None = None,
        *,
        on_event: Callable[[Event], object] | None = None,
        rate: float = 0.0,
        dead_band: float = 0.0,
        width: int | None = None,
        window: tuple[int, int] | None = None,
        error: float | None = None,
        compress: bool = False,
        policy: str = "drop_oldest",
        most: int = 10_000,
        most_bytes: int = 64 * 2**20,
    ) -> Subscription:
        """Subscribe to properties of an object at Players, which need not be there yet.

        Args:
            players: What updates say of where they are from -> URL.
            object_name: Exposed object.
            patterns: Names of properties, or patterns: `status.*`; one, or several, or those of
                each of `players`.
            callback: Called with each update, in a thread of its own; None: iterate over what is
                returned, or ask `latest()`.
            on_event: Called with each event: opened, gap, stale, reopened, refused, ended.
            rate: Updates of each property per second at most; the last of a burst always comes. 0:
                all.
            dead_band: A number comes if it differs by more than this from the one before. 0:
                always.
            width: Pixels of a plot: frames of pipes with at least three points for each are sent as
                the lower and the upper bound of each pixel. None: no bounds.
            window: First point of the frames that are plotted, and the one after the last; what is
                outside is not sent. None: all.
            error: Of each point at most; frames with fewer points are sent as differences. None:
                as they are.
            compress: Compress frames without loss, where that makes them smaller.
            policy: Fate of updates that are not taken in time: "drop_oldest", "latest" (the newest
                one of each property waits), "disconnect".
            most: So many updates wait at most.
            most_bytes: So many bytes of arrays and texts wait at most, about.

        Raises:
            ValueError: One of these is none.
            RuntimeError: The client was closed, or this is a plan.
            ModuleNotFoundError: Frames are to be reduced, which needs numpy.
        """
        from zmqjsonproxy.channels.protocol.limits import Limits
        from zmqjsonproxy.channels.protocol.patterns import read_patterns
        from zmqjsonproxy.channels.reducedframe import Reduction
        from zmqjsonproxy.subscriber import Subscriber, Target

        for source, url in players.items():
            if not isinstance(url, str) or not url.isprintable():
                raise ValueError(f"{source}: the URL of a Player is a text, not {str(url)[:80]!r}")
        each = patterns if isinstance(patterns, Mapping) else dict.fromkeys(players, patterns)
        wanted = {source: read_patterns(each.get(source, ())) for source in players}
        names = dict.fromkeys(name for some in wanted.values() for name in some)
        label = f"{object_name}: {', '.join(names)[:80]} of {', '.join(players)[:80]}"
        limits = Limits(
            rate, dead_band, Reduction(width=width, window=window, error=error, compress=compress)
        )
        targets = [
            Target(url, source, tuple((object_name, name, limits) for name in wanted[source]))
            for source, url in players.items()
        ]
        if self._subscriber is None:
            if why := refusal(f"subscribe to {label}"):
                raise RuntimeError(why)
            self._subscriber = Subscriber(self._settings, self._resolvers, keys=self._keys)
        return self._subscriber.subscribe(
            targets,
            label,
            policy=policy,
            most=most,
            most_bytes=most_bytes,
            callback=callback,
            on_event=on_event,
        )

    def close(self) -> None:
        """End all subscriptions."""
        if self._subscriber is not None:
            self._subscriber.close()
