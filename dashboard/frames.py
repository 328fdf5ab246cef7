"""Frames of pipes for viewers: who wants the same ones shares a subscription, and each is encoded
once. For one event loop; knows no connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import cached_property

from dashboard.protocol.messages import write_pipe
from dashboard.protocol.wishes import FrameWish
from zmqjsonproxy.channels import Subscription, Update
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["FrameFeed", "FrameFeeds"]

_MAX_WAITING = 4
Wake = Callable[[], object]


class FrameFeed:
    """Frames of one pipe, of which the newest is kept.

    Args:
        wish: Which.
        subscription: Brings them.

    Attributes:
        wish: Which.
        update: The newest.
        count: Frames so far.
        followers: Whom to wake -> how often each joined.
    """

    def __init__(self, wish: FrameWish, subscription: Subscription) -> None:
        self.wish, self._subscription = wish, subscription
        self.update: Update | None = None
        self.count = 0
        self.followers: dict[Wake, int] = {}
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        async for update in self._subscription:
            self.put(update)

    def put(self, update: Update) -> None:
        """Take a frame."""
        self.update, self.count = update, self.count + 1
        self.__dict__.pop("frame", None)
        for wake in self.followers:
            wake()

    @cached_property
    def frame(self) -> bytes | None:
        """The newest frame as a binary message; None: there is none, or it has no arrays."""
        if self.update is None:
            return None
        try:
            return write_pipe(self.update, self.wish.object_name, self.wish.limits)
        except ValueError:
            return None

    def close(self) -> None:
        """End it."""
        self._subscription.close()
        self._task.cancel()


class FrameFeeds:
    """All feeds of frames.

    Args:
        urls: Bank -> URL of its Player.
        subscriptions: To be closed by whoever made them.
    """

    def __init__(self, urls: Mapping[str, str], subscriptions: Subscriptions) -> None:
        self._urls, self._subscriptions = urls, subscriptions
        self._feeds: dict[FrameWish, FrameFeed] = {}

    def join(self, wish: FrameWish, wake: Wake) -> FrameFeed:
        """Return the feed of a wish, which wakes one more from now on.

        Raises:
            ValueError: The wish is none.
            ModuleNotFoundError: Frames are to be reduced, which needs numpy.
        """
        feed = self._feeds.get(wish)
        if feed is None:
            subscription = self._subscriptions.begin(
                {wish.bank: self._urls[wish.bank]},
                wish.object_name,
                [wish.name],
                rate=wish.rate,
                width=wish.width,
                window=wish.window,
                policy="latest",
                most=_MAX_WAITING,
            )
            feed = self._feeds[wish] = FrameFeed(wish, subscription)
        feed.followers[wake] = feed.followers.get(wake, 0) + 1
        return feed

    def leave(self, feed: FrameFeed, wake: Wake) -> None:
        """Wake one less; a feed that wakes nobody ends."""
        left = feed.followers.get(wake, 0) - 1
        if left > 0:
            feed.followers[wake] = left
            return
        feed.followers.pop(wake, None)
        if not feed.followers and self._feeds.get(feed.wish) is feed:
            del self._feeds[feed.wish]
            feed.close()

    def __len__(self) -> int:
        return len(self._feeds)

    def close(self) -> None:
        """End all."""
        for feed in self._feeds.values():
            feed.close()
        self._feeds.clear()
