"""The lines of the log."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

import pytest

from player.logs import set_up_logging

UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_has_time_level_bank_and_logger() -> None:
    stream = io.StringIO()
    set_up_logging("info", "BANKA", stream)
    logging.getLogger("some.module").warning("%d of %s", 3, "100%")
    logging.getLogger("some.module").debug("not shown")
    assert re.fullmatch(UTC + r" WARNING  BANKA some\.module: 3 of 100%\n", stream.getvalue())


def test_a_traceback_follows_its_line() -> None:
    stream = io.StringIO()
    set_up_logging("debug", "BANKA", stream)
    try:
        raise ValueError("inside")
    except ValueError:
        logging.getLogger("x").exception("outside")
    lines = stream.getvalue().splitlines()
    assert lines[0].endswith("ERROR    BANKA x: outside")
    assert lines[-1] == "ValueError: inside"
