"""The examples of how the dashboard is kept running call it as it wants to be called."""

from __future__ import annotations

import configparser
import shlex

from support.player_run import ROOT

from dashboard.parsers import build_parser

DEPLOY = ROOT / "deploy"


def read(path: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",), strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser documents it
    parser.read_string((DEPLOY / path).read_text(encoding="utf-8"))
    return parser


def test_the_section_for_supervisord_starts_it() -> None:
    section = read("supervisor/dashboard.conf")["program:dashboard"]
    program, *words = shlex.split(section["command"])
    assert program.endswith("/bin/dashboard")
    assert build_parser().parse_args(words).port == 8080
    assert section["exitcodes"] == "0"


def test_the_unit_of_systemd_starts_it_and_waits_until_it_serves() -> None:
    unit = read("systemd/dashboard.service")
    assert unit["Service"]["Type"] == "notify"
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert (program.rpartition("/")[2], words) == ("dashboard", ["$DASHBOARD_OPTIONS"])
    assert unit["Service"]["RestartPreventExitStatus"] == "2"
    assert build_parser().parse_args([]).port == 8080
