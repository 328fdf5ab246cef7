"""Board of all topics, and the viewers who follow them. A batch of a topic is written once for all
viewers who were at the same place. For one event loop; knows no connection and no Player."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from dashboard.frames import FrameFeed, FrameFeeds
from dashboard.protocol.topics import BoardTopic, KeyTopic, LineTopic
from dashboard.protocol.wishes import FrameWish, known_topics
from groundwork.values import JsonObject
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.streamreader import StreamReader

__all__ = [
    "BANDPASS",
    "BATCH_HZ",
    "HOSTS",
    "Board",
    "PageMessage",
    "PageViewer",
    "TooManyStreamsError",
]

BATCH_HZ = 4.0
MAX_STREAMS = 200
OVERVIEW, BANDPASS, OPERATIONS, HOSTS, LOG = "overview", "bandpass", "operations", "hosts", "log"
ACTS, ALARMS = "acts", "alarms"


class TooManyStreamsError(Exception):
    """Error: as many streams are open as may be."""


class PageMessage:
    """A message for viewers, in the forms of both kinds of streams.

    Args:
        event: Its name.
        text: JSON.
    """

    __slots__ = ("_event", "_name", "text")

    def __init__(self, event: str, text: str) -> None:
        self._name, self.text = event, text
        self._event: bytes | None = None

    @property
    def event(self) -> bytes:
        """The message as a server-sent event."""
        if self._event is None:
            from fastapi.sse import format_sse_event  # late: a terminal has no web server

            self._event = format_sse_event(data_str=self.text, event=self._name)
        return self._event


class PageViewer(StreamReader):
    """One who looks: its place in each topic that it follows.

    Args:
        board: Has the topics.
        who: Address, for people.
        way: Kind of its stream.
        person: Who looks; None: nobody had to say so.

    Attributes:
        places: Name of a topic -> its place there; None: it got nothing yet.
        frames: Feeds of frames -> number of the newest that it got.
        merged: Messages that it was too slow for.
    """

    def __init__(self, board: Board, who: str, way: str, person: Person | None) -> None:
        super().__init__(who, way, person)
        self._board = board
        self.places: dict[str, int | None] = {}
        self.frames: dict[FrameFeed, int] = {}
        self.merged = 0

    def wake(self) -> None:
        """Let it look what is new."""
        self._there.set()

    async def wait(self, within: float) -> bool:
        """Wait so long, s, at most until there is something; False: its stream ends."""
        if not self.is_ended:
            try:
                async with asyncio.timeout(within):
                    await self._there.wait()
            except TimeoutError:
                pass
        self._there.clear()
        return not self.is_ended

    def take(self) -> list[PageMessage]:
        """Take what brings it to the newest state."""
        taken = []
        for name, place in self.places.items():
            topic = self._board.topics[name]
            if place == topic.place:
                continue
            if place is not None and isinstance(topic, KeyTopic):
                self.merged += topic.place - place - 1
            taken.append(self._board.message(topic, place or 0))
            self.places[name] = topic.place
        self.sent += len(taken)
        return taken

    def take_frames(self) -> list[bytes]:
        """Take the frames that are newer than its last ones."""
        taken = []
        for feed, last in self.frames.items():
            if feed.count == last:
                continue
            self.merged += max(feed.count - last - 1, 0) if last else 0
            self.frames[feed] = feed.count
            if feed.frame is not None:
                taken.append(feed.frame)
        self.sent += len(taken)
        return taken

    def describe(self) -> JsonObject:
        """Return what is told of it."""
        return {
            **super().describe(),
            "topics": list(self.places),
            "frames": [feed.wish.describe() for feed in self.frames],
            "merged": self.merged,
        }


class Board:
    """Topics and viewers.

    Args:
        banks: Names.
        feeds: Of frames.
        clock: UTC, unix seconds.

    Attributes:
        topics: By name.
        refused: Streams that were too many.
    """

    def __init__(
        self, banks: Iterable[str], feeds: FrameFeeds, clock: Callable[[], float] = time.time
    ) -> None:
        self._clock, self._feeds = clock, feeds
        self.overview, self.bandpass = KeyTopic(OVERVIEW), KeyTopic(BANDPASS)
        self.operations, self.hosts = KeyTopic(OPERATIONS), KeyTopic(HOSTS)
        self.acts, self.log = KeyTopic(ACTS), LineTopic(LOG)
        self.alarms = KeyTopic(ALARMS)
        self.values = {bank: KeyTopic(f"values:{bank}") for bank in banks}
        some: Sequence[BoardTopic] = (
            self.overview,
            self.bandpass,
            self.operations,
            self.hosts,
            self.acts,
            self.log,
            self.alarms,
            *self.values.values(),
        )
        self.topics = {topic.name: topic for topic in some}
        self._written: dict[str, dict[int, PageMessage]] = {}
        self._viewers: dict[PageViewer, None] = {}
        self._past = Counter[str]()
        self._is_ended = False
        self.refused = 0

    def message(self, topic: BoardTopic, since: int) -> PageMessage:
        """Return what brings a viewer of a topic from a place to the newest state."""
        written = self._written.setdefault(topic.name, {})
        found = written.get(since)
        if found is None:
            event = "lines" if isinstance(topic, LineTopic) else "changes"
            found = written[since] = PageMessage(event, topic.write(since, self._clock()))
        return found

    def seal(self) -> None:
        """End a batch, and wake the viewers of what has changed."""
        changed = {name for name, topic in self.topics.items() if topic.seal()}
        if not changed:
            return
        for name in changed:
            self._written.pop(name, None)
        for viewer in self._viewers:
            if not changed.isdisjoint(viewer.places):
                viewer.wake()

    def is_wanted(self, topic: str) -> bool:
        """Tell whether anybody follows a topic."""
        return any(topic in viewer.places for viewer in self._viewers)

    # viewers

    def join(self, who: str, way: str, person: Person | None = None) -> PageViewer:
        """Let one more look; TooManyStreamsError: there are as many as may be."""
        if self._is_ended or len(self._viewers) >= MAX_STREAMS:
            self.refused += 1
            raise TooManyStreamsError(
                f"{MAX_STREAMS} streams are open, and there are no more: close a page"
            )
        viewer = PageViewer(self, who, way, person)
        self._viewers[viewer] = None
        return viewer

    def follow(self, viewer: PageViewer, topics: Iterable[str]) -> tuple[list[str], list[str]]:
        """Let a viewer follow these topics, and no others; which of them there are, which not."""
        known, unknown = known_topics(topics, self.topics)
        viewer.places = {name: viewer.places.get(name) for name in known}
        viewer.wake()
        return known, unknown

    def follow_frames(self, viewer: PageViewer, wishes: Iterable[FrameWish]) -> list[str]:
        """Let a viewer have these frames, and no others; what of them cannot be had, and why."""
        before, now, unknown = viewer.frames, {}, []
        for wish in wishes:
            if wish.bank not in self.values:
                unknown.append(f"{wish.bank}: no such Bank")
                continue
            try:
                feed = self._feeds.join(wish, viewer.wake)
            except (ValueError, ModuleNotFoundError) as error:
                unknown.append(f"{wish.name}: {error}")
                continue
            now[feed] = before.get(feed, 0)
        for feed in before:
            self._feeds.leave(feed, viewer.wake)
        viewer.frames = now
        viewer.wake()
        return unknown

    def leave(self, viewer: PageViewer) -> None:
        """Forget a viewer; may be called twice."""
        if self._viewers.pop(viewer, 0) is None:
            self.follow_frames(viewer, ())
            self._past.update(_counts(viewer))

    def end(self) -> None:
        """Have all streams end, and let nobody look any more."""
        self._is_ended = True
        for viewer in self._viewers:
            viewer.end()

    def end_of(self, person: Person, why: str) -> None:
        """Have the streams of a person end, and say why."""
        for viewer in self._viewers:
            if viewer.person is not None and viewer.person.place == person.place:
                viewer.end(why)

    def people(self) -> list[Person | None]:
        """Return who looks, once for each stream; None: nobody had to say so."""
        return [viewer.person for viewer in self._viewers]

    def count_of(self, person: Person) -> int:
        """Return the number of streams of a person's session, or of a program with a key."""
        return sum(
            viewer.person is not None and viewer.person.place == person.place
            for viewer in self._viewers
        )

    def __len__(self) -> int:
        return len(self._viewers)

    def describe(self) -> list[JsonObject]:
        """Return what is told of each viewer."""
        return [viewer.describe() for viewer in self._viewers]

    def counts(self) -> Counter[str]:
        """Return numbers since the start, by way: `events`, `websocket` (viewers now), and `sent
        WAY`, `dropped WAY`."""
        found = Counter(self._past)
        for viewer in self._viewers:
            found.update({viewer.way: 1, **_counts(viewer)})
        return found


def _counts(viewer: PageViewer) -> dict[str, int]:
    return {f"sent {viewer.way}": viewer.sent, f"dropped {viewer.way}": viewer.merged}
