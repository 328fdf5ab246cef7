"""The command `dealer` as a process, with Players as processes: call, scan, doctor, stubs, and the
prompt."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.descriptions import described
from support.native_player import NativePlayer
from support.original_server import OriginalPlayer
from support.player_process import PlayerProcess
from support.player_run import ROOT, clean_environment, free_port, python
from support.terminal import Terminal

from dealer.stubs import BankInterface, module_text


def file_of(folder: Path, ports: Mapping[str, int | str], host: str = "127.0.0.1") -> Path:
    """A configuration file of Players at these ports."""
    path = folder / "dibas.toml"
    tables = [
        f'[banks.{bank}]\nhpc_host = "{host}"\nplayer_port = {port}\n'
        for bank, port in ports.items()
    ]
    path.write_text("".join(tables))
    return path


def port_of(player: PlayerProcess) -> str:
    return player.url.rpartition(":")[2]


def dealer(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "dealer.cli", *words, env=clean_environment(**environment))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of two native Players with a mode set."""
    with ExitStack() as stack:
        players = {
            bank: stack.enter_context(NativePlayer(mode="MODE1", bank=bank))
            for bank in ("BANKA", "BANKB")
        }
        ports = {bank: port_of(player) for bank, player in players.items()}
        yield file_of(tmp_path_factory.mktemp("array"), ports)


# call


def test_call_prints_the_answer_of_one_bank_and_takes_options_anywhere(config: Path) -> None:
    done = dealer("call", "BANKA", "list_modes", "--config", config)
    assert (done.returncode, done.stdout, done.stderr) == (0, "MODE1\nMODE2\nMODE3\n", "")
    done = dealer(
        "--config",
        config,
        "--json",
        "call",
        "BANKA",
        "sweep",
        "-1",
        "1.5",
        "steps=2",
        "--timeout",
        "5",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["BANKA"]["value"] == [-1, 1.5]


def test_what_the_library_warns_of_goes_to_stderr_in_the_form_of_all_logs(tmp_path: Path) -> None:
    with NativePlayer(mode="MODE1", bank="BANKA", skew=0.5, scan_length=60.0) as player:
        words = [
            "scan",
            "--no-wait",
            "--json",
            "--config",
            file_of(tmp_path, {"BANKA": port_of(player)}),
        ]
        done = dealer(*words)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["BANKA"]["started"][0] is True
        warned = r"\d{4}-\S+Z WARNING  dealer dealer\.scans: the clock of BANKA is 0\.\d+ s ahead of that of .*\n"
        assert re.fullmatch(warned, done.stderr)
        assert dealer("call", "BANKA", "stop", *words[3:]).returncode == 0
        assert dealer(*words, "--log-level", "error").stderr == ""
        assert dealer("list", "--log-level", "loud").returncode == 2


def test_call_reaches_parts_and_several_banks(config: Path) -> None:
    done = dealer("call", "all", "valon.get_frequency", "0", "--config", config)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["BANKA", "BANKB"]
    done = dealer("call", "BANKB,BANKA", "get_status", "BANKNAM", "--config", config)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["BANKB", "BANKB"],
        ["BANKA", "BANKA"],
    ]


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["call", "BANKA", "set_mode", "MODE99"], 1, "MODE99"),
        (["call", "BANKA", "frobnicate"], 1, "no method frobnicate"),
        (["call", "BANKX", "get_mode"], 1, "no such Player: BANKX"),
        (["call", "BANKA"], 2, "arguments are required: METHOD\n"),
        (["scan", "exposure"], 2, "no NAME=VALUE"),
        (["scan", "--start", "noon"], 2, "no time as"),
        (["status", "--timeout", "0"], 2, "above 0"),
        (["status", "--timeout", "soon"], 2, "'soon' is no number of seconds above 0"),
        (["list", "BANKX"], 1, "no such Player: BANKX; available are: BANKA, BANKB"),
        (["scan", "--banks", "BANKX"], 1, "no such Player: BANKX"),
        (["plan"], 2, "arguments are required: SCRIPT\n"),
        (["scan", "exposed=2"], 1, "no parameter 'exposed'"),
        (["stubs", "-o", "no-module.txt"], 1, "no name of a module"),
    ],
)
def test_mistakes_have_a_sentence_and_their_exit_status(
    config: Path, words: list[str], status: int, text: str
) -> None:
    done = dealer(*words, "--config", config)
    assert done.returncode == status
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_tired_observer_is_told_what_to_do(config: Path, tmp_path: Path) -> None:
    assert (
        dealer("call", "banka", "list_modes", "--config", config).stdout == "MODE1\nMODE2\nMODE3\n"
    )
    named = dealer("list", "banka", "--config", config)
    assert (named.returncode, "Select a mode." in named.stdout) == (0, True)
    methods = json.loads(dealer("list", "BANKA", "--json", "--config", config).stdout)
    assert "(mode: " in methods["set_mode"]["signature"]
    none = dealer("status")
    assert (none.returncode, none.stdout) == (1, "")
    assert "--config FILE" in none.stderr
    away = dealer("status", "--config", file_of(tmp_path, {"BANKA": free_port()}))
    assert (away.returncode, "no server at" in away.stdout) == (1, True)
    assert away.stderr == "dealer: BANKA failed; `dealer doctor` says what puts it right\n"
    for words in (["call", "all", "get_mode"], ["list", "BANKA"], ["scan", "exposure=1"]):
        away = dealer(
            *words, "--config", file_of(tmp_path, {"BANKA": free_port(), "BANKB": free_port()})
        )
        assert (away.returncode, away.stdout) == (1, "")
        assert away.stderr.endswith("dealer: `dealer doctor` says what puts it right\n")
    wrong = dealer("call", "BANKA", "get_mod", "--config", config)
    assert wrong.stderr.endswith("; did you mean get_mode?\n")
    assert "doctor" not in wrong.stderr
    given = dealer("call", "BANKA", "set_param", "exposure", "1", "--config", config)
    assert given.stderr.endswith("the signature is set_param(NAME=VALUE, ...)\n")


# scan


def test_scan_runs_one_and_tells_each_bank(config: Path) -> None:
    done = dealer("scan", "--mode", "MODE2", "exposure=0.5", "--json", "--config", config)
    assert done.returncode == 0
    assert (
        "BANKA: its scan is over; not verified: its Player has no reports of scans" in done.stderr
    )
    assert {bank: end["outcome"] for bank, end in json.loads(done.stdout).items()} == {
        "BANKA": "done",
        "BANKB": "done",
    }


def test_scan_shows_on_a_terminal_how_far_it_is(config: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "dealer.cli",
        "scan",
        "--banks",
        "BANKB",
        "--config",
        str(config),
    ]
    with Terminal(*words, env=clean_environment(TERM="dumb")) as terminal:
        started = terminal.wait_for(r"running: BANKB")
        assert "armed for" in started
        assert "BANKA" not in started
        terminal.wait_for(r"BANKB +done")
        assert terminal.wait() == 0


@pytest.mark.parametrize("columns", [80, 24])
def test_a_long_call_shows_on_a_terminal_how_far_it_is(tmp_path: Path, columns: int) -> None:
    with NativePlayer(slow=["set_mode=2.5"]) as player:
        words = [
            "call",
            "BANKA",
            "set_mode",
            "MODE2",
            "--config",
            str(file_of(tmp_path, {"BANKA": port_of(player)})),
        ]
        command = [sys.executable, "-m", "dealer.cli", *words]
        with Terminal(
            *command, env=clean_environment(TERM="xterm", NO_COLOR="1"), columns=columns
        ) as terminal:
            shown = terminal.wait_for(r"50%, slow on")
            shown += terminal.wait_for(r"new mode MODE2 set")
            assert terminal.wait() == 0
        lines = shown.replace("\n", "\r").split("\r")
        assert max(map(len, lines)) < columns
        assert ("[" in lines[1]) is (columns == 80)
        assert "\x1b" not in shown
        assert lines[-2].strip() == ""  # the line is taken away before the answer
        if columns == 80:
            piped = dealer(*words[:3], "MODE1", *words[4:])
            assert (piped.returncode, piped.stderr) == (0, "")


def test_ctrl_c_leaves_the_wait_and_not_the_scan(tmp_path: Path) -> None:
    with NativePlayer(mode="MODE1", scan_length=60.0) as player:
        words = ["scan", "--config", str(file_of(tmp_path, {"BANKA": port_of(player)}))]
        with Terminal(
            sys.executable, "-m", "dealer.cli", *words, env=clean_environment(TERM="dumb")
        ) as terminal:
            terminal.wait_for(r"running: BANKA")
            terminal.type("\x03")
            terminal.wait_for(r"the scan goes on; `dealer call BANKA stop` ends it")
            terminal.wait_for(r"interrupted; what was begun goes on")
            assert terminal.wait() == 1
        running, *_ = json.loads(
            dealer(*words[1:], "--json", "call", "BANKA", "scan_status").stdout
        )["BANKA"]["value"]
        assert running is True


def test_a_reader_that_has_seen_enough_is_no_trouble(config: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "dealer.cli", "list", "--config", str(config)],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(30) == 1


# doctor


def test_doctor_has_nothing_to_say_of_a_sound_array(config: Path) -> None:
    done = dealer("doctor", DIBAS_CONFIG=str(config))
    assert (done.returncode, done.stderr) == (0, "")
    assert ["fine" in line for line in done.stdout.splitlines()] == [True, True]
    report = json.loads(dealer("doctor", "--json", "--config", config).stdout)
    assert (report["findings"], report["notes"], list(report["players"])) == (
        [],
        [],
        ["BANKA", "BANKB"],
    )


def test_doctor_finds_every_fault_and_says_what_puts_it_right(tmp_path: Path) -> None:
    with (
        NativePlayer(skew=5.0) as skewed,
        NativePlayer(bank="BANKX") as another,
        OriginalPlayer(bank="BANKC") as original,
        socket.create_server(("127.0.0.1", 0)) as silent,
    ):
        ports = {
            "BANKA": port_of(skewed),
            "BANKB": port_of(another),
            "BANKC": port_of(original),
            "BANKD": free_port(),
            "BANKE": silent.getsockname()[1],
        }
        config = file_of(tmp_path, ports)
        config.write_text(config.read_text() + '[banks.BANKF]\nhpc_host = "nowhere.invalid"\n')
        done = dealer("doctor", "--json", "--timeout", "2", "--config", config)
    assert (done.returncode, done.stderr) == (1, "")
    report = json.loads(done.stdout)
    found = {finding["bank"]: finding for finding in report["findings"]}
    assert {bank: finding["check"] for bank, finding in found.items()} == {
        "BANKA": "clock",
        "BANKB": "player",
        "BANKD": "player",
        "BANKE": "player",
        "BANKF": "host",
    }
    assert "s ahead of ours" in found["BANKA"]["text"]
    assert "serves BANKX" in found["BANKB"]["text"]
    assert "no Player answers" in found["BANKD"]["text"]
    assert "player BANKD" in found["BANKD"]["remedy"]
    assert "does not answer as a Player" in found["BANKE"]["text"]
    assert "nowhere.invalid is unknown" in found["BANKF"]["text"]
    assert any(note.startswith("BANKC: of the original's generation") for note in report["notes"])


# stubs

GOOD = """
from array_types import AsyncDealer, Dealer

def observe(d: Dealer) -> float:
    d.set_mode("MODE1")
    d.set_param(exposure=0.5)
    frequency: float = d["BANKA"].valon.get_frequency(0) + 0 * d.BANKA.valon.get_frequency(0)
    return frequency + d.sweep(1.0, 2.0, steps=3, _timeout=5.0)["BANKA"][0]

async def observe_in_task(d: AsyncDealer) -> float:
    await d.set_param(exposure=0.5, filter_bw=[450, 1450])
    swept = await d.BANKA.sweep(1.0, 2.0, steps=3)
    return swept[0]

with Dealer({players}) as d:
    print(observe(d))
"""
MODULES = ("array_types.py", "differ.py", "good.py", "wrong.py")
MISTAKES = {
    'd.sweep("low", 2.0)': 'Argument 1 to "sweep"',
    "d.sweep(1.0, 2.0, stebs=3)": 'Unexpected keyword argument "stebs"',
    "d.set_mode(1)": 'Argument 1 to "set_mode"',
    "d.BANKA.set_mode(1)": 'Argument 1 to "set_mode"',
    "d.swep(1.0, 2.0)": 'has no attribute "swep"',
    'd["BANKA"].set_mode(force=True)': "Missing positional argument",
    'd.set_mode("MODE99")': 'Argument 1 to "set_mode"',
    'd["BANKB"].set_mode("MODE99")': 'Argument 1 to "set_mode"',
    "d.set_param(exposed=0.5)": 'Unexpected keyword argument "exposed"',
    'd["BANKA"].set_param(exposure=0.5, scan_lenght=2.0)': 'Unexpected keyword argument "scan_lenght"',
    'd.set_param(exposure="long")': 'Argument "exposure" to "set_param" of "Dealer"',
    'd["BANKA"].set_param(exposure="long")': 'Argument "exposure" to "set_param" of "_Bank0"',
    'd["BANKA"].set_param(filter_bw=[0.5])': "List item 0 has incompatible type",
    'd["BANKA"].get_param("exposre")': 'Argument 1 to "get_param" of "_Bank0"',
    '[a.set_param(exposure="long")]': 'Argument "exposure" to "set_param" of "AsyncDealer"',
    "[a.set_param(exposed=1.0)]": 'Unexpected keyword argument "exposed"',
    '[a["BANKA"].set_param(exposure="long")]': 'Argument "exposure" to "set_param" of "_AsyncBank0"',
    "a.swep(1.0, 2.0)": 'has no attribute "swep"',
    'd.help_param("exposed")': 'Argument 1 to "help_param"',
    'd["BANKA"].valon.get_frequency("0")': 'Argument 1 to "get_frequency"',
    'd.start("now")': 'expected "datetime | None"',
    '[a.start("now")]': 'expected "datetime | None"',
    "d.wait_for_scan(evry=1.0)": 'Unexpected keyword argument "evry"',
    "d.get_status().no_such": '"dict[str, Any]" has no attribute "no_such"',
    "a.get_status().items()": '"Coroutine[Any, Any, dict[str, Any]]" has no attribute "items"',
    'd.begin("set_mode").no_such': '"Operations" has no attribute "no_such"',
    'd["BANKA"].begin("set_mode").no_such': '"Operation" has no attribute "no_such"',
}


def test_stubs_pass_strict_checks_run_and_catch_wrong_arguments(
    config: Path, tmp_path: Path
) -> None:
    done = dealer("stubs", "-o", tmp_path / "array_types.py", "--config", config)
    assert (done.returncode, done.stderr) == (0, "")
    assert "from array_types import Dealer" in done.stdout
    urls = json.loads(dealer("list", "--json", "--config", config).stdout)
    (tmp_path / "good.py").write_text(GOOD.replace("{players}", json.dumps(urls)))
    one, other = (
        described("sweep", "Steps.", "(x: int)"),
        described("sweep", None, "(y: str) -> tuple"),
    )
    banks = {
        "BANKA": BankInterface({"sweep": one}),
        "BANKB": BankInterface({"sweep": other}, {"valon": {"a": one}}),
    }
    (tmp_path / "differ.py").write_text(module_text(banks, "differ"))
    wrong = [
        "from array_types import AsyncDealer, Dealer",
        "d, a = Dealer(), AsyncDealer()",
        *MISTAKES,
    ]
    (tmp_path / "wrong.py").write_text("\n".join(wrong) + "\n")
    checked = python(
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        tmp_path / "cache",
        *MODULES,
        cwd=tmp_path,
        env=clean_environment(MYPYPATH=str(ROOT)),
    )
    errors = [line for line in checked.stdout.splitlines() if ": error: " in line]
    assert [line.partition(":")[0] for line in errors] == ["wrong.py"] * len(MISTAKES), (
        checked.stdout
    )
    for number, (error, text) in enumerate(zip(errors, MISTAKES.values(), strict=True), start=3):
        assert error.startswith(f"wrong.py:{number}:")
        assert text in error
    run = python("good.py", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")


def test_stubs_are_not_made_of_a_part_of_the_array(config: Path, tmp_path: Path) -> None:
    partly = tmp_path / "partly.toml"
    partly.write_text(
        f'{config.read_text()}[banks.BANKC]\nhpc_host = "127.0.0.1"\nplayer_port = {free_port()}\n'
    )
    done = dealer("stubs", "--config", partly)
    assert (done.returncode, done.stdout) == (1, "")
    assert "BANKC: PeerLostError" in done.stderr
    assert "start them" in done.stderr


# the prompt


def test_without_a_command_there_is_a_prompt_with_d_and_completion(config: Path) -> None:
    program = (
        # the standard console is what every installation has
        "import sys; sys.modules['IPython'] = None\nfrom dealer.cli import main; sys.exit(main())"
    )
    words = [sys.executable, "-c", program, "--config", str(config)]
    with Terminal(*words, env=clean_environment(TERM="dumb")) as terminal:
        shown = terminal.wait_for(r">>> ")
        assert "d conducts BANKA; d.add_active_player('BANKB') takes more" in shown
        terminal.type("d.swe\t")
        terminal.wait_for(r"d\.sweep\(")
        terminal.type("1.0, 2.0)\n")
        terminal.wait_for(r"\{'BANKA': \[1\.0, 2\.0\]\}")
        terminal.type("d.outcomes('get_mode')\n")
        terminal.wait_for(r"<BANKA in [\d.]+ ms: 'MODE")
        terminal.type("\x04")
        assert terminal.wait() == 0


def test_the_prompt_carries_out_what_is_piped_into_it(config: Path) -> None:
    done = python(
        "-m", "dealer.cli", "--config", config, input="print(d.list_available_players())\n"
    )
    assert done.returncode == 0
    assert "['BANKA', 'BANKB']" in done.stdout
