"""Marks of display memories, and the processes that they name."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from histogrammer.display.owners import has_owner, own_mark
from histogrammer.display.protocol.layout import HEADER
from histogrammer.display.protocol.mark import MARK_OFFSET, OwnerMark, read_mark, write_mark


@pytest.mark.parametrize(
    "mark", [OwnerMark(1, 0), OwnerMark(2**22, 2**63), OwnerMark(77, 5, is_stale=True)]
)
def test_a_mark_reads_and_writes_in_the_place_of_a_label(mark: OwnerMark) -> None:
    data = write_mark(mark)
    assert read_mark(data) == mark
    assert len(data) == 128
    assert HEADER.fields is not None
    assert HEADER.fields["statistics"][1] - 128 == MARK_OFFSET


@pytest.mark.parametrize("data", [b"", bytes(128), b"energy, keV" + bytes(117)])
def test_other_labels_are_no_marks(data: bytes) -> None:
    assert read_mark(data) is None
    assert read_mark(write_mark(OwnerMark(1, 2))[:40]) is None


def test_a_process_has_the_mark_of_its_own_life_only() -> None:
    mine = own_mark()
    assert mine.process == os.getpid()
    started = psutil.Process().create_time() - psutil.boot_time()
    assert mine.started / os.sysconf("SC_CLK_TCK") == pytest.approx(started, abs=30)
    assert has_owner(mine)
    assert not has_owner(OwnerMark(mine.process, mine.started + 1))


def test_a_process_that_has_ended_owns_nothing() -> None:
    code = "from histogrammer.display.owners import own_mark; print(own_mark().started)"
    ended = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert ended.stdout is not None
    started = int(ended.stdout.read())
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    assert not has_owner(OwnerMark(ended.pid, started))  # nobody has waited for it yet
    ended.wait()
    ended.stdout.close()
    assert not has_owner(OwnerMark(ended.pid, started))
