"""The array on a terminal: a process on a pseudo-terminal, and single pages as text and JSON."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.free_ports import bound
from support.player_run import ROOT, poll
from support.publishing_bank import PublishingBank
from support.screens import TextScreen
from support.terminal import Terminal

from dashboard.cli import main
from player.testing import HostedBank
from zmqjsonproxy.channels.properties import table_of

HANG_S = 60.0


class Array:
    """A Player that publishes, and one that is not there."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.bank = stack.enter_context(HostedBank(PublishingBank, state_dir=folder / "state"))
        absent = stack.enter_context(bound(0))
        self.config = folder / "array.toml"
        ports = {"BANKA": int(self.bank.url.rpartition(":")[2]), "BANKB": absent}
        self.config.write_text(
            '[dashboard]\nname = "TEST"\n'
            + "".join(
                f'[banks.{bank}]\nhpc_host = "127.0.0.1"\nplayer_port = {port}\n'
                for bank, port in ports.items()
            )
        )
        self.table = table_of(self.bank.bank)
        for key in range(200):
            self.table.publish(f"status.KEY{key:03d}", key)


@pytest.fixture(scope="module")
def array(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Array]:
    with ExitStack() as stack:
        yield Array(tmp_path_factory.mktemp("terminal"), stack)


class Shown(Terminal):
    """The program on a terminal, and what is seen there."""

    def __init__(self, array: Array, *options: str, **more: str) -> None:
        line = ["-m", "dashboard", "--terminal", "--config", str(array.config), *options]
        env = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **more}
        env |= {
            "COLUMNS": "80",
            "LINES": "24",
        }  # as a shell may export them: the terminal is resized
        super().__init__(sys.executable, *line, env=env)
        self.before = termios.tcgetattr(self._ours)
        self.screen, self.written = TextScreen(), 0

    def look(self) -> str:
        """Return what is seen."""
        self._unread = ""
        text = self._read()
        self.written += len(text)
        self.screen.feed(text)
        return self.screen.text

    def see(self, pattern: str) -> str:
        """Wait until something is seen; all that is."""
        try:
            poll(lambda: re.search(pattern, self.look()), "it", HANG_S)
        except AssertionError:
            ended = self.process.poll()
            pytest.fail(f"{pattern!r} is not seen ({ended=}) on\n{self.screen.text}")
        return self.screen.text

    def resize(self, columns: int, rows: int) -> None:
        self.look()
        self.screen.resize(columns, rows)
        termios.tcsetwinsize(self._ours, (rows, columns))
        os.kill(self.process.pid, signal.SIGWINCH)

    def end(self) -> int:
        """Wait for its end; the exit status, when the terminal is as it was."""
        poll(lambda: (self.look(), self.process.poll() is not None)[1], "the end")
        self.look()
        assert termios.tcgetattr(self._ours) == self.before
        assert self.screen.modes & {1049, 1000, 1003, 1004, 2004, 2026} == set()
        assert self.screen.modes >= {7, 25}  # lines wrap, the cursor is seen
        return int(self.process.returncode)


def test_an_array_is_looked_at_by_keys_in_a_terminal_of_any_size(array: Array) -> None:
    with Shown(array) as shown:
        told = shown.see(r"BANKA .*live")
        assert re.search(r"^ TEST .*UTC .*! \d", told)
        assert "BANKB" in told
        assert told.splitlines()[-1].endswith("? help  q quit")
        assert any("38;5" in colour for colour in shown.screen.colours)
        assert 1003 not in shown.screen.modes  # the mouse is the terminal's
        shown.type("2/key00\r")
        shown.see(r"KEY000 +: 0 ")
        shown.see(r"q quit\Z")
        for value in (4710, 4711):
            before = shown.written
            array.table.publish("status.KEY007", value)
            shown.see(rf"KEY007 +: {value} ")
        assert shown.written - before < 1000  # what changed, not the page
        shown.resize(40, 10)
        told = shown.see(r"\A TEST .*\n1 2 Status[^~]*\n(.*\n)*.*KEY002")
        assert max(map(len, told.splitlines())) <= 40
        shown.type("q")
        assert shown.end() == 0


def test_a_call_is_typed_out_without_a_colour_and_ctrl_c_ends_in_the_middle_of_a_word(
    array: Array,
) -> None:
    with Shown(array, "--control", "--ascii", NO_COLOR="1", TERM="xterm") as shown:
        shown.see(r"BANKA .*o live")
        shown.type(":set_level BANKA 7.5\r")
        shown.see(r"set_level: BANKA: done")
        assert array.bank.bank.level == 7.5
        shown.type("/BAN")
        shown.see(r"(?m)^BAN$")
        coloured = {"3", "4", "9"}
        used = {part for told in shown.screen.colours for part in told.split(";")}
        assert {part for part in used if len(part) == 2 and part[0] in coloured} <= {"39", "49"}
        assert shown.screen.text.isascii()
        shown.type("\x03")
        assert shown.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_ended_leaves_the_terminal_as_it_was(
    array: Array, number: signal.Signals
) -> None:
    with Shown(array) as shown:
        shown.see(r"BANKA")
        os.kill(shown.process.pid, number)
        assert shown.end() == 0


def test_a_process_whose_terminal_goes_without_a_signal_ends(array: Array) -> None:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    line = [sys.executable, "-m", "dashboard", "--terminal", "--config", str(array.config)]
    env = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(  # of another session: the terminal is not the one that controls it
        line, cwd=ROOT, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        try:
            seen = b""
            while b"BANKA" not in seen:
                seen += os.read(ours, 65536)
            os.close(ours)
            assert process.wait(HANG_S) == 1
        finally:
            process.kill()


def test_a_page_is_printed_with_what_is_wrong_and_the_status_says_so(
    array: Array, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["--terminal", "--config", str(array.config)]
    assert main([*line, "--once", "--bank", "banka"]) == 1
    told = capsys.readouterr().out
    assert re.search(r"(?m)^BANKA . live", told)
    assert "KEY199" in told
    assert re.search(r"(?m)^BANKB: not heard so far, for ", told)
    assert "\x1b" not in told
    assert main([*line, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["problems"] == ["BANKB"]
    assert told["states"]["BANKA"] == {"severity": "ok", "word": "live", "why": ""}
    assert told["topics"]["overview"]["BANKB"]["link"]["state"] == "connecting"


def test_where_there_is_no_terminal_or_no_such_page_it_says_so(
    array: Array, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["--terminal", "--config", str(array.config)]
    for more, told in (
        ([], "--once prints a page"),
        (["--page", "nothing", "--once"], "there are banks, status"),
        (["--bank", "BANKX", "--once"], "there are BANKA, BANKB"),
    ):
        assert main([*line, *more]) == 1
        assert told in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["--once"])
    assert ended.value.code == 2
