"""Pages of the terminal, and the keys that go through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.snapshots import NOW, row, running, snapshot

from dashboard.terminal.command import make_pages
from dashboard.terminal.lines import plain, width_of
from dashboard.terminal.snapshot import ArraySnapshot, Pipe
from dashboard.terminal.view import TerminalView

STATUS = {
    "status.SCANNUM": [12, NOW - 0.3, 4],
    "status.SCANLEN": [60.0, NOW - 100.0, 1],
    "status.SCANREM": [21.0, NOW - 1.0, 90],
    "control": [{"owner": "ann", "since": NOW - 60.0}, NOW - 60.0, 2],
    "level": [3.5, NOW - 7.0, 2],
}
DOCS = {"BANKA": {"level": {"unit": "dB", "doc": "Level of the input."}}}
OPERATION = {"id": "7", "method": "prepare", "state": "running", "asked": NOW - 5.0}
OPERATION |= {"bank": "BANKA", "client": "ann", "fraction": 0.5, "text": "sets the board"}
PROGRAM = {"host": "hpc1", "program": "player-BANKA", "bank": "BANKA", "condition": "crash loop"}
PROGRAM |= {"state": "BACKOFF", "ready": False, "pid": 17156, "up_s": 3.0, "crashes": 4}
PROGRAM |= {"note": "port in use by pid 991"}
ALARM = {"bank": "BANKB", "source": "player", "name": "dropped", "severity": "warning"}
ALARM |= {"phase": "new", "number": 3, "count": 4, "since": NOW - 9.0, "gone": 0.0, "value": "3"}
ALARM |= {"text": "blocks are dropped", "unreadable": "", "acknowledged": None, "shelved": None}
ENTRY = {"number": 9, "bank": "BANKA", "time": NOW - 30.0, "client": "ann", "key": "", "error": ""}
ENTRY |= {"method": "set_param", "arguments": {"args": ["exposure", 0.5]}, "outcome": "refused"}
ENTRY |= {"text": "bob has control", "duration_s": 0.02}
CAUSE = {"thing": "host", "text": "hpc2 does not answer", "evidence": "ping", "since": NOW - 60.0}
CAUSE |= {"is_fault": True, "remedy": "switch it on", "causes": []}
WHY = {"bank": "BANKA", "asked": NOW, "is_ready": False, "has_fault": True}
WHY |= {"causes": [{**CAUSE, "thing": "Player", "text": "no answer", "causes": [CAUSE]}]}
TRACE = {"data": np.array([[0.0, 1.0], [5.0, 7.0]]), "x_start": 1400.0, "x_delta": 10.0}


def line(number: int, level: str = "info", **more: Any) -> dict[str, Any]:
    told = {"bank": "BANKB", "host": "hpc1", "time": NOW - 100.0 + number, "level": level}
    return {**told, "logger": "daq", "text": f"line {number}", "scan": 12, **more}


def night() -> ArraySnapshot:
    """Return an array of which one Bank lost blocks, and one does not answer."""
    rows = [
        row("BANKA", scan=running()),
        row("BANKB", scan=running(dropped=3), host="hpc1"),
        row("BANKC", state="lost", host="hpc2"),
    ]
    about = {"name": "spectrum", "kind": "pipe", "unit": "K", "x_unit": "MHz"}
    return snapshot(
        rows,
        lines=[line(number, "warning" if number % 10 == 0 else "info") for number in range(1, 41)],
        pipes={"BANKA": [Pipe("bank", about, TRACE, NOW, 3)]},
        answers={"journal": {"entries": [ENTRY], "errors": {"BANKC": "no answer"}}, "why": WHY},
        docs=DOCS,
        values_BANKA=STATUS,
        operations={"BANKA 7": OPERATION},
        hosts={"programs": [PROGRAM], "unreachable": {"hpc2": "no route"}, "error": ""},
        alarms={"BANKB dropped": ALARM},
    )


def shown(view: TerminalView, state: ArraySnapshot, width: int = 80, height: int = 24) -> str:
    return "\n".join(plain(each) for each in view.lines(state, width, height))


def one_spaced(text: str) -> str:
    return " ".join(text.split())


def press(view: TerminalView, *keys: str, state: ArraySnapshot | None = None) -> str:
    """Press keys one after the other; what is shown then."""
    state = state or night()
    shown(view, state)
    for key in keys:
        view.press(key, state)
        text = shown(view, state)
    return text


@pytest.fixture
def view() -> TerminalView:
    return TerminalView(make_pages())


def test_the_first_page_tells_of_each_bank_its_state_in_shape_and_word(view: TerminalView) -> None:
    told = shown(view, night()).splitlines()
    assert one_spaced(told[0]) == "VEGAS 2026-11-30 03:14:07 UTC LIVE 3 Banks alarms 1 ! 2"
    assert one_spaced(told[3]) == ">BANKA hpc1 ● running MODE1 12 64 % 21 s 0"
    assert told[4].split()[:4] == ["BANKB", "hpc1", "▲", "running"]
    assert "3 blo" in told[4]
    assert told[5].split()[:5] == ["BANKC", "hpc2", "✖", "NO", "ANSWER"]
    assert "MODE1" not in told[5].partition("since")[0]
    assert any("scan 12 on 2 of 3 Banks, 03:13:30 to 03:14:30 UTC" in each for each in told)


def test_on_a_terminal_of_ascii_nothing_else_is_written(view: TerminalView) -> None:
    view.ascii_only = True
    for place in range(len(view.pages)):
        view.place = place
        assert shown(view, night()).isascii()


def test_problems_alone_are_shown_on_request(view: TerminalView) -> None:
    told = press(view, "p")
    assert "BANKA" not in told
    assert "BANKB" in told
    assert "BANKA" in press(view, "p")


def test_banks_are_sorted_once_when_it_is_asked_for(view: TerminalView) -> None:
    told = press(view, "s")
    assert told.index("BANKC") < told.index("BANKB") < told.index("BANKA")
    state = night()
    state.row("BANKC")["link"]["state"] = "live"  # type: ignore[index]  # a row is a dictionary
    told = shown(view, state)
    assert told.index("BANKC") < told.index("BANKB")


def test_a_bank_is_opened_and_its_values_stand_by_group(view: TerminalView) -> None:
    told = press(view, "enter")
    assert "BANKA ● running MODE1  scan 12  64 %, 21 s left" in told
    assert "── status SCAN" in told
    names = [word for word in told.split() if word in ("SCANNUM", "SCANREM", "SCANLEN", "level")]
    assert names == ["level", "SCANNUM", "SCANLEN", "SCANREM"]
    assert "3.5 dB" in told
    marked = {each.split(":")[0].strip() for each in told.splitlines() if "*" in each}
    assert marked == {"SCANNUM", "SCANREM"}  # the line of two, and that of the third


def test_one_column_tells_unit_age_and_meaning(view: TerminalView) -> None:
    told = press(view, "enter", "v")
    level = next(each for each in told.splitlines() if each.startswith("level"))
    assert one_spaced(level) == "level : 3.5 dB 7 s Level of the input."


def test_values_are_found_by_their_meaning(view: TerminalView) -> None:
    press(view, "enter")
    view.look.text = "input LEVEL"
    assert "3.5 dB" in shown(view, night())
    assert "SCANNUM" not in shown(view, night())
    press(view, "escape")
    assert "SCANNUM" in shown(view, night())


def test_members_that_stayed_are_not_marked_as_changed(view: TerminalView) -> None:
    press(view, "enter")
    state = night()
    changed = [{"owner": "bob", "since": NOW - 60.0}, NOW, 3]
    state.topics["values:BANKA"].put("control", changed)  # type: ignore[attr-defined]  # of keys
    told = shown(view, state).splitlines()
    owner = next(each for each in told if "owner" in each)
    assert owner.index("*") < owner.index("since")
    assert owner.count("*") == 1


def test_values_of_a_silent_bank_look_stale(view: TerminalView) -> None:
    state = snapshot([row(state="stale")], values_BANKA=STATUS)
    press(view, "enter", state=state)
    styles = {style for each in view.lines(state, 80, 24)[3:12] for _, style in each}
    assert "stale" in styles
    assert "name" not in styles
    assert "STALE its Player is silent since 1 m 23 s" in shown(view, state)


def test_plus_and_minus_step_through_banks(view: TerminalView) -> None:
    press(view, "enter", "+")
    assert view.look.bank == "BANKB"
    press(view, "-", "-")
    assert view.look.bank == "BANKC"


@pytest.mark.parametrize(
    ("letter", "told"),
    [
        ("j", ["prepare", "running", "50 %"]),
        ("h", ["hpc2: its supervisor cannot be asked: no route", "✖ crash loop", "  4 port in u~"]),
        ("l", ["40 of 40 lines", "line 40", "▲ WARNING"]),
        ("r", ["did not tell: BANKC", "set_param(expo~", "▲ refused"]),
        ("a", ["BANKB", "dropped", "▲ new", "blocks are dropped 3"]),
        ("w", ["✖ not ready", "  ✖ host: hpc2 does not answer", "remedy: switch it on"]),
        ("s", ["spectrum  K  row 1 of 2", "1400 MHz", "1420 MHz"]),
    ],
)
def test_each_page_is_a_letter_away(view: TerminalView, letter: str, told: list[str]) -> None:
    text = press(view, "g", letter)
    assert [each for each in told if each not in text] == []
    assert text == press(TerminalView(make_pages()), str(view.place + 1))


def test_the_log_follows_until_somebody_goes_up(view: TerminalView) -> None:
    state = night()
    press(view, "g", "l", "up", "up", state=state)
    state.log.add(line(41))
    told = shown(view, state)
    assert "line 41" not in told
    assert "follows no more, 3 below" in told
    view.press("end", state)
    shown(view, state)
    state.log.add(line(42))
    assert "line 42" in shown(view, state)


def test_lines_of_the_log_are_chosen_by_level(view: TerminalView) -> None:
    told = press(view, "g", "l", "v", "v")
    assert "4 of 40 lines, from warning" in told
    assert "line 39" not in told


def test_what_is_frozen_stays_and_says_since_when(view: TerminalView) -> None:
    state = night()
    press(view, "f", state=state)
    state.row("BANKA")["link"]["state"] = "live"  # type: ignore[index]  # a row is a dictionary
    later = snapshot([row("BANKZ")])
    assert "BANKZ" not in shown(view, later)
    assert "FROZEN 03:14:07" in shown(view, later)
    view.press("f", later)
    assert "BANKZ" in shown(view, later)


def test_a_spectrum_is_seen_in_decibels_by_rows_and_zoomed(view: TerminalView) -> None:
    assert "row 2 of 2" in press(view, "g", "s", "r")
    assert "dB of K" in press(view, "d")
    press(view, "i")
    assert view.look.options["zoom"] == 1
    press(view, "<", "<", "<")
    assert view.look.options["place"] == 0
    press(view, "o")
    assert view.look.options["zoom"] == 0


def test_help_fits_and_the_next_key_ends_it(view: TerminalView) -> None:
    told = press(view, "?")
    assert all(key in told for key in ("Ctrl-C", "Enter", "freezes"))
    assert "= off" in told
    assert "BANKA" in press(view, "x")


def texts() -> Iterator[Mapping[str, Any]]:
    hostile = "\x1b[2J望" * 30 + "\u202e"
    yield row("BANKA", host=hostile, kind=hostile, overview={"mode": hostile, hostile: hostile})
    yield row("B" * 60, findings=[{"text": hostile}], control={"owner": hostile, "until": NOW + 60})
    yield row("BANKC", state="refused", scan="no mapping", overview={"SCANNUM": "twelve"})


KEYS = ["1", "2", "3", "6", "+", "-", "p", "f", "s", "v", "enter", "escape", "up", "down", "w", "a"]
KEYS += ["left", "right", "pagedown", "end", "home", "?", "g", "l", "n", "i", "x"]


@given(
    keys=st.lists(st.sampled_from(KEYS), max_size=12),
    width=st.integers(min_value=1, max_value=130),
    height=st.integers(min_value=1, max_value=40),
)
@settings(max_examples=40, deadline=None)
def test_whatever_is_pressed_lines_fit_the_terminal(
    keys: list[str], width: int, height: int
) -> None:
    view = TerminalView(make_pages())
    hostile = snapshot(list(texts()), lines=[line(1, text="\x1b]0;x\x07", level="odd")])
    for state in (night(), hostile, snapshot()):
        for key in keys:
            view.press(key, state)
            lines = view.lines(state, width, height)
            assert len(lines) == height
            for each in lines:
                assert all(text.isprintable() for text, _ in each)
                assert sum(width_of(text) for text, _ in each) <= max(width, 1)
