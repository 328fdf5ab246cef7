"""The file of a capture, on a disk that is full and beside clients that are too fast for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.full_disk import room_for

from gateways.difx import capture
from gateways.difx.capture import CaptureFile
from gateways.difx.protocol.capture import MessageDirection

HANG_S = 60.0


def test_a_capture_whose_disk_is_full_at_the_end_ends_all_the_same(tmp_path: Path) -> None:
    written = CaptureFile(tmp_path / "packets", "127.0.0.1:1")
    with room_for(100):  # the head has more
        written.put(1, MessageDirection.REQUEST, b"data" * 100, packet=3)
        written.close()
        written._thread.join(HANG_S)
    assert not written._thread.is_alive()


def test_packets_without_data_are_bounded_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(capture, "MAX_WAITING_BYTES", 100_000)
    written = CaptureFile(tmp_path / "packets", "127.0.0.1:1")
    written.close()  # nobody writes what comes now
    for _ in range(1000):
        written.put(1, MessageDirection.REQUEST, b"", packet=99)
    assert 0 < written._waiting.qsize() < 300
