"""Spectrometer Banks in real Players that lack something: a board, a recording, a program, a table
that holds; and arguments of any kind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.player_run import PlayerRun, bank_of, free_port, player, poll
from support.spectrometer_array import write_array
from support.spectrometer_players import SpectrometerArray

import dealer
from dealer.errors import PlayersError
from spectrometer.instruments.simulators.roach import BoardSimulator
from zmqjsonproxy.errors import RefusedError, RemoteError


@pytest.fixture
def rehearsing(tmp_path: Path) -> Iterator[SpectrometerArray]:
    with SpectrometerArray(tmp_path, "simulate") as array:
        yield array


def test_a_board_that_does_not_answer_is_named_and_no_mode_is_set(tmp_path: Path) -> None:
    config, port = tmp_path / "array.toml", free_port()
    urls = write_array(config)
    config.write_text(
        config.read_text().replace(
            'katcp_host = "nowhere.invalid"', f'katcp_host = "127.0.0.1", katcp_port = {port}'
        )
    )
    run = PlayerRun("BANKA", urls["BANKA"], "--config", config, log=tmp_path / "player.log")
    with run, bank_of(urls["BANKA"]) as bank:
        run.wait_ready()
        for _ in range(2):
            with pytest.raises(
                RemoteError, match=rf"board 127\.0\.0\.1:{port}: \?valon-new-port .*: no connection"
            ):
                bank.set_mode("MODE1")
            assert bank.get_mode() is None
        with (
            BoardSimulator({}, port=port),
            pytest.raises(RemoteError, match=r"\?progdev h1k_.*: fail no image h1k_"),
        ):
            bank.set_mode("MODE1")  # it is there now, but has no such image
        with pytest.raises(RemoteError, match=r"no mode is set .*set_mode\(MODE1\)"):
            bank.prepare()


def test_a_recording_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = tmp_path / "array.toml"
    urls = write_array(config, recording=tmp_path / "nowhere.raw")
    done = player("BANKA", urls["BANKA"], "simulate", "--config", config)
    assert done.returncode != 0
    assert f"banks.BANKA.source.file: there is no file {tmp_path / 'nowhere.raw'}" in done.stderr


def test_a_missing_program_fails_the_mode_change_and_names_it(tmp_path: Path) -> None:
    with SpectrometerArray(tmp_path, board=False) as array, bank_of(array.urls["BANKA"]) as bank:
        with pytest.raises(
            RemoteError,
            match="mode MODE1 could not be set up, no mode is set now: vegas_hpc_server",
        ):
            bank.set_mode("MODE1")
        assert bank.get_mode() is None
        with pytest.raises(RemoteError, match="no mode is set \\(set_mode\\(MODE1\\)"):
            bank.get_param("exposure")


def test_a_failed_prepare_changes_nothing_and_says_why(rehearsing: SpectrometerArray) -> None:
    with dealer.Dealer(rehearsing.urls) as d:
        d.set_mode("MODE1")
        before = d.get_status("EXPOSURE")
        d.clear_switching_states()
        with pytest.raises(PlayersError, match="there is no switching phase"):
            d.prepare()
        assert d.get_status("EXPOSURE") == before
        d.add_switching_state(1.0)
        d.prepare()


def test_the_configuration_is_read_again_or_says_what_is_wrong(
    rehearsing: SpectrometerArray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with bank_of(rehearsing.urls["BANKA"]) as bank:
        text = rehearsing.config.read_text()
        rehearsing.config.write_text(text.replace("[modes.MODE2]", "[modes.SPECIAL]"))
        assert bank.read_config_file() == "config file loaded."
        assert "SPECIAL" in (modes := bank.list_modes())
        assert "MODE2" not in modes
        broken = rehearsing.config.with_name("broken.toml")
        broken.write_text(text.replace("nchan = 1024", 'nchan = "many"'))
        assert "modes.MODE1.nchan" in bank.read_config_file(str(broken))
        assert "modes.MODE1.nchan" in bank.read_config_file("broken.toml")
        assert bank.list_modes() == modes
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        (elsewhere / "site.toml").write_text(
            '[banks.BANKA]\nkind = "no_such_module:X"\ntelescope = "${HOME}"\n'
        )
        os.mkfifo(fifo := rehearsing.config.with_name("fifo.toml"))
        (link := rehearsing.config.with_name("link.toml")).symlink_to(elsewhere / "site.toml")
        for path, says in (
            (elsewhere / "site.toml", "is not below the folders"),
            (link, "is not below the folders"),
            ("/dev/zero", "is not below the folders"),
            (fifo, "is no regular file"),
            ("none.toml", "No such file"),
            ("/proc/self/environ", "is not below the folders"),
        ):
            with pytest.raises(RefusedError, match=says):
                bank.read_config_file(str(path))
        assert bank.list_modes() == modes
        rehearsing.config.write_text(text)
        player = rehearsing.players["BANKA"]
        player.process.send_signal(signal.SIGHUP)
        told = "SIGHUP: BANKA reads its configuration again: config file loaded."
        poll(lambda: told in player.text, "a line in the log")
        assert "MODE2" in bank.list_modes()


def test_a_mode_that_the_file_describes_anew_is_not_taken_for_set(
    rehearsing: SpectrometerArray,
) -> None:
    with bank_of(rehearsing.urls["BANKA"]) as bank:
        bank.set_mode("MODE1", 1440.0)
        told = (
            "mode MODE1 is set already; parameters and switching states have their defaults again"
        )
        assert bank.set_mode("MODE1") == [True, told]
        assert bank.read_config_file() == "config file loaded."
        assert bank.set_mode("MODE1") == [True, "new mode MODE1 set!"]
        assert bank.get_status("FPGACLK") == 1500e6 / 8


def test_arguments_of_any_kind_get_an_answer_that_names_them(rehearsing: SpectrometerArray) -> None:
    strange: list[Any] = [-1, 1.5, 10**400, float("nan"), [1, [2]], {"a": [1]}, "x", True]
    with bank_of(rehearsing.urls["BANKA"]) as bank:
        bank.set_mode("MODE1")
        for method, allowed, text in [
            ("set_mode", [], "is not supported; .*list_modes names all"),
            ("get_param", [], "no such parameter; there are"),
            ("help_param", [], "no such parameter; there are"),
            ("get_status", ["x"], "expected None, the name of a key, or a list of names"),
            ("read_config_file", ["x"], "expected the path of a file"),
            ("set_scan_number", [], "expected a whole number"),
            ("commit", [], "the start time"),
            ("start", [], "the start time"),
            ("add_switching_state", [1.5, True], "switching phase|expected a number of s"),
            ("set_gbt_ss", [], "missing|required"),
        ]:
            for value in strange:
                if not any(value is item or value == item for item in allowed):
                    with pytest.raises((RefusedError, RemoteError), match=text) as caught:
                        getattr(bank, method)(value)
                    assert getattr(caught.value, "traceback", []) == []  # the sentence says it all
        for value in [0, *strange[2:]]:
            with pytest.raises((RefusedError, RemoteError), match="bandwidth"):
                bank.set_mode("MODE1", value)
        assert bank.get_mode() == "MODE1"
        assert bank.scan_status()[0] is False
