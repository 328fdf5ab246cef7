"""This host's copy of a display memory, as displays see it while it is written."""

from __future__ import annotations

import numpy as np

from histogrammer.axes import Axis
from histogrammer.display.binder import Binder
from histogrammer.display.protocol.layout import HEADER
from histogrammer.display.reader import MemoryState, open_key
from histogrammer.display.segments import Bytes
from histogrammer.display.snapshot import Snapshot
from histogrammer.mirror.copy import LocalCopy
from histogrammer.spectra import KINDS

SIZE = 1 << 12


def original() -> tuple[Binder, Bytes]:
    """Return a display memory of 4096 bytes of channels, and all of its bytes."""
    memory = np.zeros(5_600_000 + SIZE, np.uint8)
    channels = memory[5_600_000:].view(np.uint32)
    return Binder(memory[:5_600_000].view(HEADER).reshape(()), channels), memory


def parts(snapshot: Snapshot) -> tuple[Bytes, Bytes]:
    return np.frombuffer(snapshot.tables, np.uint8), np.frombuffer(snapshot.channels, np.uint8)


def test_a_copy_shows_what_the_original_has() -> None:
    binder, memory = original()
    line = KINDS["1"].define("line", [["a"]], [Axis(0, 10, 10)])
    plane = KINDS["2"].define("plane", [["a"], ["b"]], [Axis(0, 4, 4), Axis(-1, 1, 2)])
    with LocalCopy(SIZE) as copy, open_key(copy.key) as seen:
        assert (seen.state, dict(seen)) == (MemoryState.STALE, {})
        binder.bind("line", line)
        binder.refresh({"line": np.arange(12.0)})
        copy.write(*parts(binder.snapshot()))
        copy.set_stale(False)
        assert seen.state is MemoryState.LIVE
        assert seen["line"].cells.tolist() == list(range(12))
        binder.bind("plane", plane)
        binder.refresh({"plane": np.arange(24.0).reshape(4, 6)})
        copy.write(*parts(binder.snapshot()))
        assert list(seen) == ["line", "plane"]
        assert seen["plane"].cells.tolist() == np.arange(24).reshape(4, 6).tolist()
        binder.refresh({"line": np.arange(12.0)[::-1]})
        copy.write(None, parts(binder.snapshot())[1])
        assert seen["line"].counts.tolist() == list(range(10, 0, -1))
        mine = np.frombuffer(seen.header.tobytes(), np.uint8)
        assert np.flatnonzero(mine != memory[:5_600_000]).min() >= 5_439_872  # the mark alone
        binder.unbind("line")
        copy.write(*parts(binder.snapshot()))
        assert list(seen) == ["plane"]
        copy.set_stale(True)
        assert seen.state is MemoryState.STALE
    assert seen.state is MemoryState.GONE


def test_an_update_may_have_any_number_of_bytes() -> None:
    binder, _ = original()
    tables, _ = parts(binder.snapshot())
    with LocalCopy(SIZE) as copy, open_key(copy.key) as seen:
        copy.write(tables, np.zeros(1, np.uint8))  # of SpecTcl, if there are no spectra
        copy.write(None, np.full(7, 255, np.uint8))
        assert len(seen) == 0


def test_a_slot_that_is_described_anew_is_empty_until_its_channels_are_there() -> None:
    binder, _ = original()
    binder.bind("h", KINDS["1"].define("h", [["a"]], [Axis(0, 10, 10)]))
    binder.bind("g", KINDS["1"].define("g", [["a"]], [Axis(0, 2, 2)]))
    with LocalCopy(SIZE) as copy, open_key(copy.key) as seen:
        copy.write(*parts(binder.snapshot()))
        binder.unbind("h")
        binder.bind("other", KINDS["1"].define("other", [["a"]], [Axis(0, 5, 5)]))
        tables, channels = parts(binder.snapshot())
        during: list[list[str]] = []

        class Watched(LocalCopy):
            def _write_channels(self, channels: Bytes) -> None:
                during.append(list(seen))
                super()._write_channels(channels)

        copy.__class__ = Watched
        copy.write(tables, channels)
        assert during == [["g"]]
        assert list(seen) == ["other", "g"]
