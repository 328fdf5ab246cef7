"""Files fetched from Players over real sockets: whole, by range, resumed, growing, replaced; with ends of
either side in the middle."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.player_process import PlayerProcess
from support.player_run import clean_environment, free_port, poll
from support.toy_bank import ToyBank

from dealer import AsyncDealer, ChecksumError, Dealer, FetchError, FileChangedError
from dealer.cli import main
from dealer.errors import PlayersError
from player.testing import HostedBank
from zmqjsonproxy import AsyncHub
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.files.fetch import FetchProgress
from zmqjsonproxy.files.protocol.pacing import PIECE_BYTES
from zmqjsonproxy.files.protocol.ranges import BLOCK_BYTES

SIZE = 3 * PIECE_BYTES + 5
DATA = os.urandom(SIZE)


@pytest.fixture(scope="module")
def area(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("area")


@pytest.fixture(scope="module")
def hosted(area: Path) -> Iterator[HostedBank]:
    sections = {"instrument": {"files": {"DATA": "nowhere", "MORE": str(area)}}}
    with HostedBank(ToyBank, {"files": {"DATA": str(area)}}, sections=sections) as hosted:
        yield hosted


@pytest.fixture(scope="module")
def d(hosted: HostedBank) -> Iterator[Dealer]:
    with Dealer(hosted.players) as d:
        yield d


@pytest.fixture(autouse=True)
def file(area: Path) -> Path:
    """A file that nobody else has, with the same content."""
    for old in area.iterdir():
        old.unlink()
    (path := area / "scan.fits").write_bytes(DATA)
    return path


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Once:
    """Does something when a fetch is in the middle, once."""

    def __init__(self, work: Callable[[], object], at: int = PIECE_BYTES) -> None:
        self._work, self._at, self.is_done = work, at, False

    def __call__(self, progress: FetchProgress) -> None:
        if not self.is_done and progress.done >= self._at:
            self.is_done = True
            self._work()


class Stop(Exception):
    """Ends a fetch, as Ctrl-C would."""


def stop() -> None:
    raise Stop


def interrupted_at(d: Dealer, to: Path, length: int) -> Path:
    """Leave what a fetch leaves that was ended after so many bytes."""
    with pytest.raises(Stop):
        d.BANKA.fetch("scan.fits", to, progress=Once(stop))
    part = to / "scan.fits.part"
    with part.open("r+b") as kept:
        kept.write(DATA[:length])
        kept.truncate(length)
    return part


# whole and by range


def test_a_file_is_fetched_by_any_name_and_is_the_same(
    d: Dealer, area: Path, tmp_path: Path
) -> None:
    told: list[FetchProgress] = []
    found = d.BANKA.fetch("scan.fits", tmp_path, progress=told.append)
    assert (found.name, found.path, found.size) == ("DATA/scan.fits", tmp_path / "scan.fits", SIZE)
    assert found.sha256 == hashlib.sha256(DATA).hexdigest()
    assert (found.is_growing, found.resumed_at) == (False, 0)
    assert found.path.read_bytes() == DATA
    assert (told[0].done, told[-1].done, told[-1].size) == (0, SIZE, SIZE)
    (area / "empty").touch()
    d.BANKA.fetch("MORE/empty", tmp_path / "other name")
    assert (tmp_path / "other name").read_bytes() == b""
    assert names_in(tmp_path) == ["other name", "scan.fits"]
    assert [each["name"] for each in d.BANKA.files.areas()] == ["DATA", "MORE"]
    assert len(d.BANKA.files.listing("DATA", "*.fits")["entries"]) == 1


def test_a_part_is_fetched_and_says_in_its_name_which(d: Dealer, tmp_path: Path) -> None:
    for part, name, data in (
        ((5, PIECE_BYTES + 9), f"scan.fits.5-{PIECE_BYTES + 9}", DATA[5 : PIECE_BYTES + 10]),
        ((SIZE - 1, None), f"scan.fits.{SIZE - 1}-", DATA[-1:]),
        ((SIZE - 3, SIZE + 100), f"scan.fits.{SIZE - 3}-{SIZE + 100}", DATA[-3:]),
    ):
        found = d.BANKA.fetch("scan.fits", tmp_path, part=part)
        assert (found.path.name, found.path.read_bytes()) == (name, data)
        assert found.sha256 == hashlib.sha256(data).hexdigest()
    with pytest.raises(FetchError, match=f"are wanted, and the file has {SIZE}"):
        d.BANKA.fetch("scan.fits", tmp_path, part=(SIZE, None))


def test_files_are_fetched_while_somebody_else_has_control(
    d: Dealer, hosted: HostedBank, tmp_path: Path
) -> None:
    with Dealer(hosted.players) as owner, owner.control("a run"):
        assert d.BANKA.fetch("scan.fits", tmp_path).path.read_bytes() == DATA


def test_what_is_not_served_is_refused_and_leaves_nothing(
    d: Dealer, area: Path, tmp_path: Path
) -> None:
    os.mkfifo(area / "fifo")
    (area / "out").symlink_to("/etc/passwd")
    for name, says in (
        ("fifo", "is no regular file"),
        ("out", "leads out of the area DATA"),
        ("none", "No such file"),
        ("NONE/x", "no area 'NONE'; there are DATA, MORE"),
    ):
        with pytest.raises(RefusedError, match=says):
            d.BANKA.fetch(name, tmp_path)
    for name in ("DATA/../x", "/etc/passwd", "a\0b"):
        with pytest.raises(FetchError, match="AREA/PATH"):
            d.BANKA.fetch(name, tmp_path)
    assert names_in(tmp_path) == []


def test_a_bank_without_areas_says_where_they_are_named(tmp_path: Path) -> None:
    with HostedBank(ToyBank) as hosted, Dealer(hosted.players) as d:
        assert d.BANKA.files.areas() == []
        with pytest.raises(RefusedError, match=r"BANKA serves no files; \[banks.BANKA.files\]"):
            d.BANKA.fetch("x", tmp_path)


def test_what_cannot_be_written_is_told_and_what_came_is_kept(
    d: Dealer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scan.fits").mkdir()
    with pytest.raises(FetchError, match=r"scan.fits: is a folder"):
        d.BANKA.fetch("scan.fits", tmp_path)
    (tmp_path / "scan.fits").rmdir()
    with pytest.raises(FetchError, match=r"No such file or directory"):
        d.BANKA.fetch("scan.fits", tmp_path / "none" / "x")
    real = os.pwrite

    def full(file: int, data: bytes, at: int) -> int:
        if at:
            raise OSError(28, "No space left on device")
        return real(file, data, at)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(FetchError, match=r"scan.fits.part: cannot be written: No space left"):
            d.BANKA.fetch("scan.fits", tmp_path)
    assert 0 < d.BANKA.fetch("scan.fits", tmp_path).resumed_at < PIECE_BYTES


def test_only_one_fetch_at_a_time_writes_a_target(d: Dealer, tmp_path: Path) -> None:
    def second() -> None:
        with pytest.raises(FetchError, match=r"scan.fits.part: another fetch is writing it"):
            d.BANKA.fetch("scan.fits", tmp_path)

    d.BANKA.fetch("scan.fits", tmp_path, progress=Once(second))
    assert (tmp_path / "scan.fits").read_bytes() == DATA


# resumed


@pytest.mark.parametrize(
    "cut", [1, PIECE_BYTES, BLOCK_BYTES, 3 * PIECE_BYTES, SIZE - 1, SIZE], ids=str
)
def test_a_fetch_goes_on_where_it_was_cut(d: Dealer, tmp_path: Path, cut: int) -> None:
    interrupted_at(d, tmp_path, cut)
    found = d.BANKA.fetch("scan.fits", tmp_path)
    assert (found.resumed_at, found.sha256) == (cut, hashlib.sha256(DATA).hexdigest())
    assert names_in(tmp_path) == ["scan.fits"]
    assert found.path.read_bytes() == DATA


@pytest.mark.parametrize("kept", [DATA[:1000] + b"?", DATA[1:1001], b"?" + DATA[1:1000]])
def test_the_checksum_is_of_the_whole(d: Dealer, tmp_path: Path, kept: bytes) -> None:
    interrupted_at(d, tmp_path, 1).write_bytes(kept)
    with pytest.raises(ChecksumError, match="it is removed: fetch it anew"):
        d.BANKA.fetch("scan.fits", tmp_path)
    assert names_in(tmp_path) == []
    assert d.BANKA.fetch("scan.fits", tmp_path).path.read_bytes() == DATA


def test_another_file_of_the_name_is_never_glued_to_what_came(
    d: Dealer, file: Path, tmp_path: Path
) -> None:
    other = os.urandom(SIZE)

    def replace() -> None:
        (file.parent / "new").write_bytes(other)
        os.replace(file.parent / "new", file)

    with pytest.raises(FileChangedError, match="was replaced by another file while it was fetched"):
        d.BANKA.fetch("scan.fits", tmp_path, progress=Once(replace))
    assert names_in(tmp_path) == []
    interrupted_at(d, tmp_path, PIECE_BYTES)
    replace()
    found = d.BANKA.fetch("scan.fits", tmp_path)
    assert (found.resumed_at, found.path.read_bytes()) == (0, other)


def test_a_file_that_was_removed_meanwhile_is_refused(
    d: Dealer, file: Path, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match=r"DATA/scan.fits: No such file"):
        d.BANKA.fetch("scan.fits", tmp_path, progress=Once(file.unlink))


def test_a_file_rewritten_in_its_place_is_never_a_mixture(
    d: Dealer, area: Path, tmp_path: Path
) -> None:
    size = 20 * BLOCK_BYTES
    (large := area / "large").write_bytes(bytes(size))

    def rewrite() -> None:
        with large.open("r+b") as again:
            again.write(b"1" * size)

    with pytest.raises(FileChangedError, match=r"was rewritten in \d+ places while it was fetched"):
        d.BANKA.fetch("large", tmp_path, progress=Once(rewrite, size))


# growing


class Table:
    """A file as a scan writes it: rows, and then a header that counts them."""

    ROW = 1000

    def __init__(self, path: Path, rows: int) -> None:
        self.path, self.rows = path, 0
        path.write_bytes(bytes(100))
        self.add(rows)

    def add(self, rows: int) -> None:
        with self.path.open("r+b") as file:
            for number in range(self.rows, self.rows + rows):
                file.seek(100 + number * self.ROW)
                file.write(number.to_bytes(4, "big") * (self.ROW // 4))
            file.flush()
            file.seek(0)
            file.write(f"{self.rows + rows:10d}".encode())
        self.rows += rows

    @classmethod
    def counted(cls, data: bytes) -> int:
        """Return how many rows the header counts; all have to be there, whole and right."""
        rows = int(data[:10])
        assert len(data) >= 100 + rows * cls.ROW
        for number in range(rows):
            row = data[100 + number * cls.ROW : 100 + (number + 1) * cls.ROW]
            assert row == number.to_bytes(4, "big") * (cls.ROW // 4)
        return rows


@pytest.mark.parametrize("at", [0, PIECE_BYTES, 2 * PIECE_BYTES])
def test_a_scan_that_is_written_is_fetched_as_it_was_at_some_moment(
    d: Dealer, area: Path, tmp_path: Path, at: int
) -> None:
    table = Table(area / "table", 1500)
    found = d.BANKA.fetch("table", tmp_path, progress=Once(lambda: table.add(700), at))
    data = found.path.read_bytes()
    assert (Table.counted(data), found.is_growing) == (2200, False)  # it did not go on
    assert found.sha256 == hashlib.sha256(data).hexdigest()


def test_a_scan_that_goes_on_all_the_time_is_fetched_as_it_was_at_some_moment(
    d: Dealer, area: Path, tmp_path: Path
) -> None:
    table = Table(area / "table", 1500)
    found = d.BANKA.fetch("table", tmp_path, progress=lambda _progress: table.add(10))
    assert found.is_growing
    data = found.path.read_bytes()
    assert 1500 <= Table.counted(data) < table.rows
    assert found.sha256 == hashlib.sha256(data).hexdigest()


def test_a_scan_that_is_only_appended_to_is_fetched_to_the_size_that_it_had(
    d: Dealer, file: Path, tmp_path: Path
) -> None:
    def append() -> None:
        with file.open("ab") as growing:
            growing.write(b"more" * 1000)

    found = d.BANKA.fetch("scan.fits", tmp_path, progress=Once(append, 3 * PIECE_BYTES))
    assert (found.is_growing, found.path.read_bytes()) == (True, DATA)
    again = d.BANKA.fetch("scan.fits", tmp_path)
    assert (again.is_growing, again.size) == (False, SIZE + 4000)


def test_a_fetch_of_a_scan_is_resumed_while_that_goes_on(
    d: Dealer, area: Path, tmp_path: Path
) -> None:
    table = Table(area / "table", 1500)
    with pytest.raises(Stop):
        d.BANKA.fetch("table", tmp_path, progress=Once(stop))
    table.add(2000)
    found = d.BANKA.fetch("table", tmp_path)
    assert found.resumed_at > 0
    assert Table.counted(found.path.read_bytes()) == 3500


# while either side, or the line between them, fails


def test_a_line_that_is_cut_in_the_middle_is_made_anew(hosted: HostedBank, tmp_path: Path) -> None:
    wire = hosted.wire()
    with Dealer({"BANKA": wire.url}) as d:
        found = d.BANKA.fetch("scan.fits", tmp_path, progress=Once(wire.cut))
        assert found.path.read_bytes() == DATA
        with pytest.raises(FetchError, match=r"bytes are kept in .*scan.fits.part, and the next"):
            d.BANKA.fetch("scan.fits", tmp_path, timeout=0.5, progress=Once(wire.down))
        wire.up()
        assert d.BANKA.fetch("scan.fits", tmp_path).resumed_at >= PIECE_BYTES


def test_a_fetch_holds_up_no_question(
    d: Dealer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, reading, go_on = os.pread, threading.Event(), threading.Event()

    def stuck(file: int, size: int, at: int) -> bytes:
        reading.set()
        go_on.wait(60)
        return real(file, size, at)

    monkeypatch.setattr(os, "pread", stuck)
    fetching = threading.Thread(target=d.BANKA.fetch, args=("scan.fits", tmp_path))
    fetching.start()
    try:
        assert reading.wait(60)
        assert d.BANKA.get_bank_name() == "BANKA"
        assert d.BANKA.nap(0.0)
    finally:
        go_on.set()
        fetching.join()
    assert (tmp_path / "scan.fits").read_bytes() == DATA


class Player(PlayerProcess):
    """A Player as a process at a port of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        (folder / "dibas.toml").write_text(
            f'[banks.BANKA]\nkind = "support.toy_bank:ToyBank"\nhpc_host = "localhost"\n'
            f'player_port = {port}\nfiles = {{ DATA = "data" }}\n'
        )
        words = ["BANKA", "--config", str(folder / "dibas.toml")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "player", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(DIBAS_DATA=str(folder)),
        )
        self.url = f"tcp://127.0.0.1:{port}"


def test_both_sides_may_be_killed_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "scan.fits").write_bytes(DATA)
    port, part = free_port(), tmp_path / "scan.fits.part"
    with ExitStack() as stack:
        first = stack.enter_context(Player(tmp_path, port))
        d = stack.enter_context(Dealer({"BANKA": first.url}))
        poll(lambda: d.outcomes("get_bank_name", _timeout=1.0)["BANKA"].ok, "up")
        command = [sys.executable, "-m", "dealer.cli", "--config", str(tmp_path / "dibas.toml")]
        words = ["fetch", "BANKA", "DATA/scan.fits", "--to", str(tmp_path), "--rate", "1M"]
        killed = subprocess.Popen([*command, *words], env=clean_environment())
        poll(lambda: part.exists() and part.stat().st_size, "begun")
        killed.send_signal(signal.SIGKILL)
        killed.wait(60)
        kept = part.stat().st_size

        def kill() -> None:
            first.kill()
            stack.enter_context(Player(tmp_path, port))

        found = d.BANKA.fetch("scan.fits", tmp_path, timeout=60.0, progress=Once(kill))
        assert (found.resumed_at, found.path.read_bytes()) == (kept, DATA)
        assert names_in(tmp_path) == ["data", "dibas.toml", "scan.fits"]


# the command


def test_the_command_tells_what_it_fetched(
    hosted: HostedBank, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, to = tmp_path / "array.toml", tmp_path / "here"
    port = hosted.url.rpartition(":")[2]
    config.write_text(f'[banks.BANKA]\nhpc_host = "127.0.0.1"\nplayer_port = {port}\n')
    common = ["--config", str(config), "fetch", "--to", str(to)]
    assert main([*common, "scan.fits", "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)["BANKA"]
    assert told == {
        "name": "DATA/scan.fits",
        "path": str(to / "scan.fits"),
        "size": SIZE,
        "sha256": hashlib.sha256(DATA).hexdigest(),
        "is_growing": False,
        "resumed_at": 0,
    }
    assert main([*common, "banka", "MORE/scan.fits", "--range", "0-9", "--rate", "10M"]) == 0
    assert capsys.readouterr().out.split() == [
        "BANKA",
        "MORE/scan.fits",
        str(to / "scan.fits.0-9"),
        "10",
        "bytes",
        hashlib.sha256(DATA[:10]).hexdigest(),
    ]
    assert main([*common, "none"]) == main([*common, "BANKA", "none"]) == 1
    assert capsys.readouterr().err.count("BANKA: RefusedError: none: in DATA: No such file") == 2
    for words, says in (
        (["--rate", "fast", "x"], "'fast' is no number of bytes/s"),
        (["--range", "5-1", "x"], "'5-1' ends before it begins"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main([*common, *words])
        assert says in capsys.readouterr().err


# of all active Banks, and in tasks


def test_a_dealer_fetches_from_all_active_banks_into_a_folder_each(
    hosted: HostedBank, tmp_path: Path
) -> None:
    with Dealer({"BANKA": hosted.url, "BANKB": hosted.url}) as d:
        d.add_active_player("BANKB")
        told: list[str] = []
        found = d.fetch("scan.fits", tmp_path, progress=lambda bank, _progress: told.append(bank))
        assert {bank: each.path for bank, each in found.items()} == {
            bank: tmp_path / bank / "scan.fits" for bank in ("BANKA", "BANKB")
        }
        assert sorted(set(told)) == ["BANKA", "BANKB"]
        with pytest.raises(PlayersError, match="2 of 2 Banks failed"):
            d.fetch("none", tmp_path)


def test_tasks_fetch_while_others_go_on_and_a_cancelled_one_is_resumed(
    hosted: HostedBank, tmp_path: Path
) -> None:
    async def observe() -> None:
        async with AsyncDealer(hosted.players) as d:
            fetching = asyncio.ensure_future(
                d.BANKA.fetch("scan.fits", tmp_path, progress=Once(lambda: fetching.cancel()))
            )
            with pytest.raises(asyncio.CancelledError):
                await fetching
            assert names_in(tmp_path) == ["scan.fits.part", "scan.fits.part.json"]
            found, name = await asyncio.gather(
                d.BANKA.fetch("scan.fits", tmp_path), d.BANKA.get_bank_name()
            )
            assert (found.path.read_bytes(), name) == (DATA, "BANKA")
            assert found.resumed_at >= PIECE_BYTES
            assert list(await d.fetch("scan.fits", tmp_path)) == ["BANKA"]

    asyncio.run(observe())


def test_what_waits_for_a_disk_is_over_when_its_task_is() -> None:
    begun, go_on, order = threading.Event(), threading.Event(), list[str]()

    def work() -> None:
        begun.set()
        go_on.wait(60)
        order.append("work")

    async def observe() -> None:
        async with AsyncHub() as hub:
            assert await hub.beside(lambda: 5) == 5
            waiting = asyncio.ensure_future(hub.beside(work))
            await asyncio.to_thread(begun.wait, 60)
            for _ in range(2):  # also of one that is impatient
                waiting.cancel()
                await asyncio.sleep(0)
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            order.append("task")

    asyncio.run(observe())
    assert order == ["work", "task"]
