"""Preparation of frames in a thread of its own, while others publish: reduced as a stream wants
them, and turned into what peers take that take no arrays. Knows no socket."""

from __future__ import annotations

from collections.abc import Callable

from zmqjsonproxy.channels.framequeue import FrameQueue, WaitingFrame
from zmqjsonproxy.channels.frames import reduced_frame
from zmqjsonproxy.channels.properties import PublishedUpdate, publishing
from zmqjsonproxy.channels.protocol.notices import Encoded
from zmqjsonproxy.channels.streams import PropertyStream
from zmqjsonproxy.channels.timers import Timers

__all__ = ["FramePreparation", "Prepared"]

Prepared = dict[bool | None, Encoded | None]
"""A frame by what its receivers take as frames; None: it does not go to them."""


class FramePreparation:
    """Prepares frames, one after the other. But for `close`, to be called within `publishing`.

    Args:
        timers: Call what prepares them.
        clock: That of the timers.
        send: Sends a frame, within `publishing`.
        complain: Says once of a stream what is not as its clients want it.

    Attributes:
        is_busy: Tells whether what a stream sends has to wait behind a frame.
    """

    def __init__(
        self,
        timers: Timers,
        clock: Callable[[], float],
        send: Callable[[WaitingFrame, Prepared], object],
        complain: Callable[[PropertyStream, str, Exception], object],
    ) -> None:
        self._timers, self._clock = timers, clock
        self._send, self._complain = send, complain
        self._frames, self._is_begun = FrameQueue(), False
        self.is_busy = self._frames.is_busy

    def put(self, stream: PropertyStream, update: PublishedUpdate) -> int:
        """Have a frame prepared and sent; return how many of the stream's that waited are dropped
        for it."""
        dropped = self._frames.put(stream, update)
        if not self._is_begun:
            self._is_begun = True
            self._timers.call_at(self._clock(), self._prepare_next)
        return dropped

    def forget(self, stream: PropertyStream) -> None:
        """Drop what waits of a stream."""
        self._frames.forget(stream)

    def close(self) -> None:
        """Prepare nothing more."""
        self._timers.close()

    def _prepare_next(self) -> None:
        with publishing:
            frame = self._frames.take()
            self._is_begun = frame is not None
        if frame is None:
            return
        try:
            prepared: Prepared = {}
            while not self._is_sent(frame, prepared):
                pass
        finally:
            with publishing:
                self._frames.done()
            self._timers.call_at(self._clock(), self._prepare_next)

    def _is_sent(self, frame: WaitingFrame, prepared: Prepared) -> bool:
        """Send a frame if it is prepared for all who hear of it now, else prepare it for them."""
        with publishing:
            wanted = {group.arrays for group in frame.stream.groups} - prepared.keys()
            if not wanted:
                self._send(frame, prepared)
                return True
        whole = prepared.get(True) or self._reduced(frame)
        prepared[True] = whole
        for arrays in wanted - {True}:
            try:
                prepared[arrays] = whole.for_peer(arrays)
            except (TypeError, ValueError, RecursionError) as error:
                self._complain(frame.stream, "does not go to some of its clients", error)
                prepared[arrays] = None
        return False

    def _reduced(self, frame: WaitingFrame) -> Encoded:
        """Return a frame as its stream sends it; one that cannot be reduced is sent whole."""
        encoded, stream = frame.update.encoded, frame.stream
        if not stream.reduces:
            return encoded
        try:
            return reduced_frame(encoded, stream.key[2].reduction)
        except (ValueError, MemoryError) as error:
            self._complain(stream, "is sent whole", error)
            return encoded
