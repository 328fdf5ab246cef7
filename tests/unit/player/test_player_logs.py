"""The log of a Player: its lines, its JSON, what is bound to records, what children say."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.player_run import poll

from arrayconfig.logs import (
    LineFormatter,
    bind,
    bind_scan,
    line,
    log_level,
    log_to,
    release_scan,
    set_log_level,
)
from player.logs import LevelSignal, pass_on, set_up_logging

UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
LOG = logging.getLogger("some.module")


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    release_scan(LOG)  # of the Bank that the test has bound
    bind("-")


def test_a_line_has_time_level_program_bank_and_logger() -> None:
    stream = io.StringIO()
    set_up_logging("info", "BANKA", stream)
    LOG.warning("%d of %s", 3, "100%")
    LOG.debug("not shown")
    assert re.fullmatch(
        UTC + r" WARNING  player/BANKA some\.module: 3 of 100%\n", stream.getvalue()
    )


def test_lines_of_programs_with_the_standard_library_alone_are_the_same() -> None:
    ours, theirs = io.StringIO(), io.StringIO()
    set_up_logging("info", "BANKA", ours)
    record = LOG.makeRecord(LOG.name, logging.ERROR, "", 0, "%d\nof 3", (2,), None)
    LOG.handle(record)
    log_to(theirs, "info", LineFormatter())
    LOG.handle(record)
    assert ours.getvalue() == theirs.getvalue() != ""


def test_records_of_all_threads_carry_the_scan_while_it_runs() -> None:
    stream = io.StringIO()
    set_up_logging("info", "BANKA", stream)
    adapter = logging.LoggerAdapter(LOG, {"bank": "BANKA"})
    bind_scan(adapter, 12)
    thread = threading.Thread(target=LOG.info, args=("in a thread",))
    thread.start()
    thread.join()
    logging.LoggerAdapter(LOG, {"bank": "BANKB"}).info("of another Bank")
    release_scan(adapter, 11)
    LOG.info("still")
    release_scan(adapter, 12)
    LOG.info("over")
    assert [text.split(" ", 2)[2].strip() for text in stream.getvalue().splitlines()] == [
        "player/BANKA scan=12 some.module: in a thread",
        "player/BANKB some.module: of another Bank",
        "player/BANKA scan=12 some.module: still",
        "player/BANKA some.module: over",
    ]


def fail_deep_inside() -> None:
    try:
        raise ValueError("inside\n2026-03-04T05:06:07.123456Z INFO     player/BANKA x: forged")
    except ValueError:
        LOG.exception("outside")


def test_what_belongs_to_a_record_is_indented_below_it() -> None:
    stream = io.StringIO()
    set_up_logging("debug", "BANKA", stream)
    fail_deep_inside()
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith("ERROR    player/BANKA some.module: outside")
    assert "    ValueError: inside" in rest
    assert all(text.startswith("    ") for text in rest)


@given(st.text(), st.text(), st.text())
def test_no_text_makes_a_line_of_its_own(text: str, below: str, name: str) -> None:
    whole = line(
        timestamp="T",
        level="info",
        program="p",
        bank="B",
        scan=None,
        logger="l",
        text=text,
        below=below,
    )
    first, *rest = whole.splitlines() or [""]
    assert first.startswith("T INFO     p/B l: ")
    assert all(one.startswith("    ") for one in rest)
    assert "\x1b" not in whole  # nothing moves the cursor of a terminal
    whole = line(
        timestamp="T",
        level="info",
        program=name,
        bank=name,
        scan=None,
        logger=name,
        text="",
        below="",
    )
    assert len(whole.splitlines()) == 1


def test_json_is_one_object_in_a_line() -> None:
    stream = io.StringIO()
    set_up_logging("debug", "BANKA", stream, as_json=True)
    bind_scan(LOG, 3)
    LOG.info("two\nlines")
    fail_deep_inside()
    one, two = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert re.fullmatch(UTC, one.pop("timestamp"))
    assert one == {
        "level": "info",
        "program": "player",
        "bank": "BANKA",
        "scan": 3,
        "logger": "some.module",
        "event": "two\nlines",
    }
    assert (two["event"], two["level"]) == ("outside", "error")
    assert two["exception"].startswith("Traceback (most recent call last):\n")


@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_child_says_keeps_its_time_level_scan_and_name(as_json: bool) -> None:
    child, ours = io.StringIO(), io.StringIO()
    set_up_logging("debug", "BANKA", child, program="spectrometer-daq", as_json=True)
    bind_scan(LOG, 7)
    LOG.warning("100 %% of %s", "it")
    LOG.debug("detail")
    fail_deep_inside()
    wanted = io.StringIO()
    set_up_logging("info", "BANKA", wanted, program="spectrometer-daq", as_json=as_json)
    for text in child.getvalue().splitlines():
        assert pass_on(text)
    direct = wanted.getvalue()
    release_scan(LOG)
    set_up_logging("info", "BANKX", ours, as_json=as_json)
    for text in child.getvalue().splitlines():
        assert pass_on(text)
    assert ours.getvalue() == direct
    assert "detail" not in direct
    assert json.loads(child.getvalue().splitlines()[0])["timestamp"] in direct
    wanted_text = (
        '"event": "100 % of it"'
        if as_json
        else "spectrometer-daq/BANKA scan=7 some.module: 100 % of it\n"
    )
    assert wanted_text in direct


HALF = [
    '{"timestamp": 1}',
    '{"timestamp": "x", "level": [], "event": 1, "logger": "a"}',
    '{"timestamp"',
    "{",
]
GOOD: dict[str, object] = {
    "timestamp": "2026-01-01T00:00:00Z",
    "level": "info",
    "logger": "l",
    "event": "e",
    "program": "p",
}
WRONG: list[dict[str, object]] = [
    {"bank": ["x"]},
    {"scan": {"a": 1}},
    {"exception": 5},
    {"timestamp": "9999-12-31T23:59:59-10:00"},
]
HALF += [json.dumps({**GOOD, **one}) for one in WRONG] + ['{"timestamp":' + "[" * 200_000]


@given(st.text() | st.sampled_from(HALF))
def test_what_is_no_line_of_ours_is_left_to_the_caller(text: str) -> None:
    assert not pass_on(text)


def test_the_level_is_one_of_four() -> None:
    set_up_logging("info", None, io.StringIO())
    assert (set_log_level("DEBUG"), log_level()) == ("info", "debug")
    with pytest.raises(
        ValueError, match="'loud' is no level of a log; there are debug, info, warning, error"
    ):
        set_log_level("loud")
    assert log_level() == "debug"


def test_sigusr1_turns_to_debug_and_back() -> None:
    stream = io.StringIO()
    set_up_logging("warning", "BANKA", stream)
    before = signal.getsignal(signal.SIGUSR1)
    with LevelSignal():
        for level in ("debug", "warning"):
            os.kill(os.getpid(), signal.SIGUSR1)
            poll(lambda wanted=level: log_level() == wanted, level)
    assert signal.getsignal(signal.SIGUSR1) == before
    assert [text.split("now ")[1] for text in stream.getvalue().splitlines()] == [
        "debug",
        "warning",
    ]
    assert sys.stderr is not stream


@pytest.mark.parametrize("as_json", [False, True])
def test_a_record_is_of_bounded_length(as_json: bool) -> None:
    stream = io.StringIO()
    set_up_logging("info", "BANKA", stream, as_json=as_json)
    try:
        raise ValueError("y" * 1_000_000 + " at its end")
    except ValueError:
        LOG.exception("%s and that was it", "x" * 1_000_000)
    written = stream.getvalue()
    assert len(written) < 50_000
    assert "characters ...] xxx" in written
    assert "x and that was it" in written
    assert "y at its end" in written


def test_one_logger_has_a_level_of_its_own() -> None:
    logging.getLogger("tests.of_its_own")
    try:
        assert set_log_level("debug", "tests.of_its_own") == log_level()
        assert log_level("tests.of_its_own") == "debug"
    finally:
        logging.getLogger("tests.of_its_own").setLevel(logging.NOTSET)


@pytest.mark.parametrize("name", ["tests.of_its_owm", ["a"]])
def test_no_logger_is_made_for_a_caller(name: Any) -> None:
    logging.getLogger("tests.of_its_own")
    with pytest.raises(ValueError, match=r"no logger .* here"):
        set_log_level("debug", name)
    assert "tests.of_its_owm" not in logging.root.manager.loggerDict
