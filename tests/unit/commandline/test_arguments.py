"""Parsers of our commands, versions, and the sentence for what is not installed."""

from __future__ import annotations

import argparse
import fcntl
import importlib
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from support.player_run import ROOT, python

from commandline.arguments import Parser, port_number
from groundwork.extras import EXTRAS, install_advice

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DISTRIBUTIONS = {"serial": "pyserial", "pydantic_core": "pydantic"}
"""Packages that another distribution than their own name brings."""
SINGLE = ("archive", "postgres", "redis")
"""Extras of one package."""


def parser() -> Parser:
    made = Parser(prog="x", version_option="--version")
    commands = made.add_subparsers(dest="command")
    scan = commands.add_parser("scan")
    scan.add_argument("params", nargs="*", default=[])
    scan.add_argument("--banks", default="all")
    scan.add_argument("--json", action="store_true")
    one = commands.add_parser("one")
    one.add_argument("first")
    one.add_argument("second", nargs="?", default="2")
    one.add_argument("--flag", action="store_true")
    return made


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (
            "scan a=1 --banks B b=2 --json c=3",
            {"params": ["a=1", "b=2", "c=3"], "banks": "B", "json": True},
        ),
        ("scan --json", {"params": [], "banks": "all", "json": True}),
        ("scan -1 --json 1.5", {"params": ["-1", "1.5"], "json": True}),
        ("one --flag a b", {"first": "a", "second": "b", "flag": True}),
        ("one a --flag b", {"first": "a", "second": "b", "flag": True}),
        ("one a --flag", {"first": "a", "second": "2", "flag": True}),
    ],
)
def test_options_and_words_may_be_mixed(words: str, found: dict[str, object]) -> None:
    options = vars(parser().parse_args(words.split()))
    assert {name: options[name] for name in found} == found


def test_what_stands_behind_two_dashes_is_for_another_program() -> None:
    made = Parser(rest="words")
    made.add_argument("script")
    made.add_argument("words", nargs="*", default=[])
    made.add_argument("--flag", action="store_true")
    options = made.parse_args(["a", "--flag", "b", "--", "--flag", "-x", "--"])
    assert (options.script, options.flag, options.words) == ("a", True, ["b", "--flag", "-x", "--"])
    plain = Parser()
    plain.add_argument("words", nargs="*")
    assert plain.parse_args(["--", "-x"]).words == ["-x"]


@pytest.mark.parametrize(
    "words", ["one", "one --flag", "one a b c --flag", "scan --nothing a", "other"]
)
def test_what_is_wrong_is_still_usage(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(words.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: x")


@pytest.mark.parametrize("script", sorted(PROJECT["scripts"]))
def test_every_command_has_a_version(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    module, _, name = PROJECT["scripts"][script].partition(":")
    with pytest.raises(SystemExit) as ended:
        getattr(importlib.import_module(module), name)(["--version"])
    assert (ended.value.code, capsys.readouterr().out.split()[-1]) == (
        0,
        metadata.version("dealer-player"),
    )


@pytest.mark.parametrize(
    "package", ["dealer", "player", "portmanager", "spectrometer", "zmqjsonproxy"]
)
def test_every_package_has_a_version_and_runs_by_its_name(package: str) -> None:
    assert importlib.import_module(package).__version__ == metadata.version("dealer-player")
    done = python("-m", package, "--version")
    assert (done.returncode, done.stdout.split()[-1], done.stderr) == (
        0,
        metadata.version("dealer-player"),
        "",
    )


def test_the_table_of_extras_is_that_of_the_project() -> None:
    assert all(isinstance(name, str) for name in EXTRAS)
    for package, extra in EXTRAS.items():
        distribution = DISTRIBUTIONS.get(package, package.replace("_", "-"))
        brought = [
            line.partition(">")[0].partition("=")[0]
            for line in PROJECT["optional-dependencies"][extra]
        ]
        assert distribution in brought, package
    runtime = {
        line.partition(">")[0]
        for extra in (
            "player",
            "instruments",
            "fits",
            "plot",
            "web",
            "tui",
            "histogrammer",
            "fast",
            *SINGLE,
        )
        for line in PROJECT["optional-dependencies"][extra]
        if "[" not in line and "setuptools" not in line
    }
    assert runtime == {DISTRIBUTIONS.get(package, package.replace("_", "-")) for package in EXTRAS}
    assert (
        install_advice("scipy.fft") == "scipy is not installed: pip install 'dealer-player[fits]'"
    )
    assert (install_advice("own_module"), install_advice(None), install_advice("")) == ("", "", "")


WITHOUT = """
import importlib, sys
sys.modules[sys.argv[1]] = None
module, *words = sys.argv[2:]
sys.exit(importlib.import_module(module).main(words))
"""


@pytest.mark.parametrize(
    ("package", "command"),
    [
        ("pydantic", "player.cli check --config conf/dibas.toml"),
        ("tomli", "player.cli config show --config conf/dibas.toml"),
        ("psutil", "player.cli doctor BANKA --simulate --config conf/dibas.toml"),
        ("structlog", "player.cli BANKA --simulate --check --config conf/dibas.toml"),
        ("sysv_ipc", "player.cli supervisor-config --all --config conf/dibas.toml"),
        ("tomlkit", "player.cli migrate tests/data/dibas_gbt.conf"),
        ("scipy", "player.cli doctor BANKA --simulate --config conf/dibas.toml"),
        ("numpy", "dealer.cli plan examples/observe.py --config conf/dibas.toml"),
        ("pydantic", "dealer.cli completion bash"),
        ("numpy", "dealer.cli plot README.md"),
        ("numpy", "spectrometer.__main__ --once --synthetic {}"),
        ("structlog", "spectrometer.__main__ --once --synthetic {}"),
        ("textual", "dashboard.cli --terminal --config conf/dibas.toml"),
        ("aiokatcp", "spectrometer.instruments.simulators.__main__ --config conf/dibas.toml"),
    ],
)
def test_what_an_extra_brings_and_is_missing_is_a_sentence(package: str, command: str) -> None:
    done = python("-c", WITHOUT, package, *command.split(), stdin=subprocess.DEVNULL)
    told = done.stdout + done.stderr
    assert "Traceback" not in told
    if "completion" in command:  # does without
        assert (done.returncode, "_dealer" in done.stdout) == (0, True)
        return
    assert done.returncode != 0
    assert f"pip install 'dealer-player[{EXTRAS[package]}]'" in told.replace(
        "[player]", f"[{EXTRAS[package]}]"
    )


@pytest.fixture
def original_names() -> Iterator[None]:
    """The status memory under the original's names, which one suite on this computer may use at a
    time."""
    with (Path(tempfile.gettempdir()) / "dealer-player-original-names.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.usefixtures("original_names")
def test_the_commands_of_the_readme_work_as_they_stand() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [
        line.partition("#")[0].split()
        for line in text.splitlines()
        if line.startswith("    player ")
    ]
    assert len(commands) == 5
    for words in commands:
        serves = words[1].isupper()
        done = python("-m", *words, *(["--check"] if serves else []), stdin=subprocess.DEVNULL)
        assert "Traceback" not in done.stderr
        wanted = (0, 1) if words[1] == "doctor" else (0,)  # a laptop may have something wrong
        assert done.returncode in wanted, (words, done.stderr)
        assert "usage:" not in done.stderr


@pytest.mark.parametrize("word", ["65536", "-1", "99999", "1e3", "\u0663", "", "x", "9" * 30])
def test_a_port_out_of_range_is_usage(word: str) -> None:
    assert [port_number(text) for text in ("0", "65535", "00080")] == [0, 65535, 80]
    with pytest.raises(argparse.ArgumentTypeError, match="write a number from 0 to 65535"):
        port_number(word)
