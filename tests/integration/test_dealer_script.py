"""A script written to the original's documentation runs unchanged; so does the one-shot command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.native_player import NativePlayer
from support.original_server import OriginalPlayer
from support.player_process import PlayerProcess

ROOT = Path(__file__).resolve().parents[2]

# What the original's manual shows, and its list of verbs; nothing in it knows of this
# implementation.
SCRIPT = """
from datetime import datetime, timedelta, timezone
import sys

import dealer

if len(sys.argv) > 1:
    players = {'BANKA': sys.argv[1], 'BANKB': sys.argv[2]}
    d = dealer.Dealer(players)
else:
    d = dealer.Dealer()

assert d.list_available_players() == ['BANKA', 'BANKB']
assert d.list_active_players() == ['BANKA']
d.add_active_player('BANKB')
assert sorted(d.players.keys()) == ['BANKA', 'BANKB']
assert sorted(d.available_players.keys()) == ['BANKA', 'BANKB']

assert 'MODE1' in d.list_modes()
for bank, result in d.set_mode('MODE1').items():
    ok, text = result
    assert ok, (bank, text)
assert d.get_mode() == (True, 'MODE1')
d.set_param(exposure=0.5)
assert d.help_param('exposure')
d.clear_switching_states()
assert d.add_switching_state(0.01, blank=True, cal=True, sig_ref_1=False)['BANKA'][0]
assert d.set_gbt_ss(period=0.1, ss_list=((0.0, 0, 1, 0.002), (0.5, 1, 0, 0.002)))['BANKB'] == (True, 2)
d.prepare()
d.set_status(OBSERVER='Karl', PROJID='TEST')
assert d.get_status('OBSERVER') == {'BANKA': 'Karl', 'BANKB': 'Karl'}
assert d.get_status(['PROJID'])['BANKA']['PROJID'] == 'TEST'
assert d.get_status()['BANKB']['OBSERVER'] == 'Karl'
d.set_scan_number(5)
d.increment_scan_number()

earliest = d.earliest_start()
assert earliest.tzname() == 'UTC'
assert earliest > datetime.now(timezone.utc) - timedelta(seconds=5)
for bank, (ok, text) in d.start(earliest + timedelta(seconds=1)).items():
    assert ok, (bank, text)
assert d.scan_status()['BANKA'][0] is True
d.wait_for_scan(verbose=True)
assert [s[0] for s in d.scan_status().values()] == [False, False]

for ok, text in d.start().values():
    assert ok, text
for ok, text in d.stop().values():
    assert ok and text == 'Scan ended', text
assert d.monitor()['BANKA'][0]
assert d.stop()['BANKA'] == (True, 'Ending monitor mode.')
d.players['BANKA'].get_mode()
d.players['BANKA'].set_request_reply_timeout(60)
d.remove_active_player('BANKB')
assert d.list_active_players() == ['BANKA']
print('done')
"""

KINDS = {"native": NativePlayer, "original": OriginalPlayer}
ALL = [("native", "native"), ("original", "original"), ("original", "native")]


def players_of(stack: ExitStack, kinds: tuple[str, str]) -> list[PlayerProcess]:
    return [stack.enter_context(KINDS[kind](earliest_in=1.5, scan_length=0.1)) for kind in kinds]


def file_of(folder: Path, players: list[PlayerProcess]) -> Path:
    path = folder / "etc" / "config" / "dibas.toml"
    path.parent.mkdir(parents=True)
    text = '[dealer]\nplayers = ["BANKA", "BANKB"]\n'
    for bank, player in zip(("BANKA", "BANKB"), players, strict=True):
        text += f'[banks.{bank}]\nhpc_host = "localhost"\nplayer_port = {player.url.rpartition(":")[2]}\n'
    path.write_text(text)
    return path


@pytest.mark.parametrize("kinds", ALL, ids="-".join)
def test_a_script_of_the_originals_manual_runs_unchanged(
    kinds: tuple[str, str], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        players = players_of(stack, kinds)
        environment = dict(os.environ, PYTHONPATH=str(ROOT))
        arguments = [player.url for player in players]
        if kinds == (
            "native",
            "native",
        ):  # once with the array's file, as `source dibas.bash` sets it up
            file_of(tmp_path, players)
            environment, arguments = {**environment, "DIBAS_DIR": str(tmp_path)}, []
            environment.pop("DIBAS_CONFIG", None)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            cwd=tmp_path,
        )
        # Neither of these Players reports what its scans recorded, and nothing is to be taken for
        # done untold.
        told = "its scan is over; not verified: its Player has no reports of scans"
        lines = set(done.stderr.splitlines())
        assert (done.returncode, lines) == (0, {f"BANKA: {told}", f"BANKB: {told}"})
        assert done.stdout.endswith("done\n")
        assert all(player.is_alive for player in players)


def dealer_command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dealer.cli", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_the_command_lists_players_and_shows_their_state(tmp_path: Path) -> None:
    with ExitStack() as stack:
        players = [
            stack.enter_context(NativePlayer(mode="MODE1")),
            stack.enter_context(OriginalPlayer(mode="MODE2", bank="BANKB")),
        ]
        config = str(file_of(tmp_path, players))
        done = dealer_command("--config", config, "list")
        urls = [player.url.replace("127.0.0.1", "localhost") for player in players]
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.split() == ["BANKA", urls[0], "BANKB", urls[1]]
        assert json.loads(dealer_command("--config", config, "--json", "list").stdout) == {
            "BANKA": urls[0],
            "BANKB": urls[1],
        }
        done = dealer_command("--config", config, "status", "BANKNAM", "NETSTAT")
        assert (done.returncode, done.stderr) == (0, "")
        assert [line.split() for line in done.stdout.splitlines()] == [
            ["Bank", "mode", "BANKNAM", "NETSTAT"],
            ["BANKA", "MODE1", "BANKA", "waiting"],
            ["BANKB", "MODE2", "BANKB", "waiting"],
        ]
        players[1].kill()
        done = dealer_command("--config", config, "--json", "status", "NETSTAT")
        assert done.returncode == 1
        answer = json.loads(done.stdout)
        assert answer["BANKA"] == {"mode": "MODE1", "status": {"NETSTAT": "waiting"}}
        assert "no server at" in answer["BANKB"]["error"]


def test_the_command_says_what_is_wrong_with_a_file_in_a_sentence(tmp_path: Path) -> None:
    done = dealer_command("--config", str(tmp_path / "none.toml"), "list")
    assert done.returncode == 1
    assert done.stderr.startswith("dealer: ")
    assert "cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
    assert dealer_command("frobnicate").returncode == 2
