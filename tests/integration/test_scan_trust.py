"""Scans that can be trusted, on real Players: nothing is done without its data, nobody's scan is
another's."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from astropy.io import fits
from support.original_client import OriginalClient
from support.player_run import PlayerRun, bank_of, clean_environment, poll
from support.recordings import recording
from support.spectrometer_array import write_array

import dealer
from zmqjsonproxy.errors import RefusedError

ENDED = ("done", "incomplete", "stopped", "aborted", "failed")


@contextmanager
def array(folder: Path, **options: Any) -> Iterator[dict[str, str]]:
    """Players of simulated Banks; Bank -> URL. The configuration is `array.toml`, the logs are
    `BANKX.log`."""
    urls = write_array(folder / "array.toml", **options)
    environment = clean_environment(DIBAS_DATA=str(folder / "data"))
    runs = [
        PlayerRun(
            bank,
            url,
            "simulate",
            "--config",
            folder / "array.toml",
            log=folder / f"{bank}.log",
            env=environment,
        )
        for bank, url in urls.items()
    ]
    try:
        for run in runs:
            run.wait_ready()
        yield urls
    finally:
        for run in runs:
            if run.process.poll() is None:
                run.end(signal.SIGTERM)
            run.__exit__(None, None, None)


@pytest.fixture(scope="module")
def rehearsing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Two Players without data, for `rehearsed`; Bank -> URL."""
    with array(tmp_path_factory.mktemp("rehearsing"), banks=2) as urls:
        yield urls


def rehearsed(rehearsing: dict[str, str], banks: int = 1, **params: Any) -> dict[str, str]:
    """The first of these, whose mode is set anew, and whose next scan has number 2."""
    urls = dict(list(rehearsing.items())[:banks])
    with dealer.Dealer(urls) as d:
        d.add_active_player(*urls)
        d.set_mode("MODE1", force=True)
        d.set_scan_number(1)
        d.set_param(**{"scan_length": 1.0, **params})
        d.prepare()
    return urls


def recorder_of(url: str) -> psutil.Process:
    """The data-taking program of a Player."""
    (child,) = psutil.Process(_pid(url)).children()
    return child


def _pid(url: str) -> int:
    with dealer.Dealer({"BANKA": url}) as d:
        return int(d.outcomes("rpc.ping")["BANKA"].value["pid"])


def in_seconds(seconds: float) -> datetime:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)


LOSING = '{{ file = "{0}", max_lag_s = 0.3 }}'


def test_a_program_that_stood_still_over_the_whole_scan_has_failed(tmp_path: Path) -> None:
    sources = {"BANKA": LOSING.format(recording())}
    with array(tmp_path, sources=sources) as urls, dealer.Dealer(urls) as d:
        d.set_mode("MODE1")
        d.set_param(exposure=0.5, scan_length=2.0)
        d.prepare()
        d.start()
        program = recorder_of(urls["BANKA"])
        program.suspend()
        poll(lambda: d["BANKA"].get_status("ARMSTATE") == "armed", "armed")
        begun = time.monotonic()
        poll(
            lambda: time.monotonic() - begun > 6.4, "nothing is made up for"
        )  # 0.9 s before it, 2 s, and 3.5 s
        program.resume()
        with pytest.raises(
            dealer.PlayersError, match="nothing was recorded of 4 integrations that were planned"
        ):
            d.wait_for_scan(every=0.1)
        report = d.scan_report()["BANKA"]
        assert (report["outcome"], report["integrations"], report["planned"]) == ("failed", 0, 4)
        assert report["dropped"] > 0
        assert report["lost_s"] == pytest.approx(2.0, abs=0.1)


def test_a_program_that_stood_still_in_the_middle_is_told_everywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sources = {"BANKA": LOSING.format(recording())}
    with array(tmp_path, sources=sources) as urls, dealer.Dealer(urls) as d:
        d.set_mode("MODE1")
        words = [
            "scan",
            "exposure=0.25",
            "scan_length=5",
            "--json",
            "--config",
            str(tmp_path / "array.toml"),
        ]
        command = [sys.executable, "-m", "dealer.cli", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment()) as scan:
            poll(lambda: (d["BANKA"].get_status().get("DAQNINT") or 0) >= 2, "two integrations")
            program = recorder_of(urls["BANKA"])
            program.suspend()
            stopped = time.monotonic()
            poll(lambda: time.monotonic() - stopped > 1.5, "a while")
            program.resume()
            out, _ = scan.communicate(timeout=600)
        assert scan.returncode == 3
        told = json.loads(out)["BANKA"]
        assert told["outcome"] == "incomplete"
        assert 2 <= told["integrations"] < told["planned"] == 20
        assert f"{told['integrations']} of 20 integrations recorded" in told["warning"]
        caplog.set_level(logging.WARNING)
        d.wait_for_scan()
        assert "BANKA: scan 2 is incomplete: " in caplog.text
        assert (
            f"incomplete, {told['integrations']} integrations of 20"
            in (tmp_path / "BANKA.log").read_text()
        )
        (path,) = (tmp_path / "data").rglob("*.fits")
        with fits.open(path) as units:
            header = units[0].header
            assert (header["DAQEND"], header["DAQPLAN"], header["DAQNINT"]) == (
                "incomplete",
                20,
                told["integrations"],
            )
            assert header["DAQLOST"] == pytest.approx(told["lost_s"], abs=0.01)


def test_of_two_dealers_that_start_at_once_one_gets_all_banks(rehearsing: dict[str, str]) -> None:
    async def both(urls: dict[str, str]) -> list[Any]:
        async with dealer.AsyncDealer(urls) as one, dealer.AsyncDealer(urls) as other:
            for each in (one, other):
                each.add_active_player(*urls)
                await each.get_mode()
            found = await asyncio.gather(one.start(), other.start(), return_exceptions=True)
            for each, start in zip((one, other), found, strict=True):
                if not isinstance(start, BaseException):
                    await each.wait_for_scan()
                    reports = {
                        bank: outcome.value for bank, outcome in (await each.scan_reports()).items()
                    }
                    assert {(r["outcome"], r["is_whole"]) for r in reports.values()} == {
                        ("done", True)
                    }
            return list(found)

    found = asyncio.run(both(rehearsed(rehearsing, banks=2)))
    lost = [each for each in found if isinstance(each, BaseException)]
    assert len(lost) == 1
    assert isinstance(lost[0], dealer.StartError)
    assert f":{os.getpid()}" in str(lost[0])  # by whom


def test_a_scan_that_somebody_else_ends_and_replaces_is_not_taken_for_ones_own(
    rehearsing: dict[str, str],
) -> None:
    urls = rehearsed(rehearsing, scan_length=60.0)
    with dealer.Dealer(urls) as d:
        d.start()
        script = (
            "import dealer, sys\nwith dealer.Dealer({'BANKA': sys.argv[1]}) as d:\n    d.stop()\n"
            "    d.set_param(scan_length=1.0)\n    d.start()\n    d.wait_for_scan()\n"
        )
        subprocess.run([sys.executable, "-c", script, urls["BANKA"]], check=True, timeout=600)
        assert d.scan_report()["BANKA"]["outcome"] == "done"  # the other's
        with pytest.raises(
            dealer.PlayersError, match=r"ScanStoppedError: scan 2 was aborted by \w+@.*:\d+: "
        ):
            d.wait_for_scan()
        told = d.scan_reports()["BANKA"].value
        assert (told["outcome"], told["ended_by"]) == ("aborted", told["ended_by"])
        assert f":{os.getpid()}" not in told["ended_by"]
        assert f":{os.getpid()}" in told["by"]


def test_ones_own_stop_ends_the_wait_with_a_word_in_the_log(
    rehearsing: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    urls = rehearsed(rehearsing, scan_length=60.0)
    with dealer.Dealer(urls) as d:
        d.start()
        d.stop()
        d.wait_for_scan()
        assert f"BANKA: scan 2 was aborted by {d.scan_report()['BANKA']['ended_by']}" in caplog.text
        with pytest.raises(TimeoutError, match=r"the scan goes on after 0\.2 s: BANKA"):
            d.start()
            d.wait_for_scan(timeout=0.2)
        d.stop()


def test_a_second_wait_is_for_the_scan_that_there_is(rehearsing: dict[str, str]) -> None:
    urls = rehearsed(rehearsing)
    with dealer.Dealer(urls) as d:
        d.start()
        d.wait_for_scan()
        d["BANKA"].start()
        d.wait_for_scan()
        assert d["BANKA"].scan_report()["scan"] == 3
        assert d["BANKA"].scan_report()["outcome"] == "done"


def test_commands_are_carried_out_while_a_start_waits(rehearsing: dict[str, str]) -> None:
    urls = rehearsed(rehearsing)
    with dealer.Dealer(urls) as d, bank_of(urls["BANKA"]) as bank:
        d.start(in_seconds(3600))
        bank.set_status(OBSID="night 7")
        assert bank.get_status("OBSID") == "night 7"
        assert bank.set_param(source="NEXT") is True
        assert d["BANKA"].roach.read_int("status") >= 0
        with pytest.raises(
            RefusedError, match=r"a scan has been started already, it is waiting for .* by \w+@"
        ):
            bank.start()
        with pytest.raises(RefusedError, match="a scan is waiting; stop it first"):
            bank.prepare()
        d.stop()
        assert bank.scan_report()["outcome"] == "aborted"


def test_what_was_set_and_not_prepared_is_prepared_by_the_start_which_says_so(
    rehearsing: dict[str, str],
) -> None:
    urls = rehearsed(rehearsing)
    with dealer.Dealer(urls) as d, bank_of(urls["BANKA"]) as bank:
        bank.set_param(exposure=0.25, scan_length=3.0, source="NEW")
        assert bank.get_status("SRC_NAME") != "NEW"
        (started,) = d.start().values()
        assert started[1].endswith("; prepared first: exposure, scan_length, source")
        assert bank.get_status(["SRC_NAME", "SCANLEN"]) == {"SRC_NAME": "NEW", "SCANLEN": 3.0}
        assert bank.get_status("EXPOSURE") == pytest.approx(0.25, rel=0.05)
        d.stop()
        (started,) = d.start().values()
        assert "prepared" not in started[1]
        d.stop()
        with OriginalClient(urls["BANKA"]) as old:
            assert old.ask("set_param", source="OLD") is True
            answer = old.ask("start")
            assert answer[0] is True
            assert answer[1].endswith("; prepared first: source")
            assert bank.get_status("ARMSTATE") == "armed"  # the reply came when the board was armed
            assert old.ask("stop") == [True, "Scan ended"]


def test_a_script_finds_the_same_state_whatever_ran_before(rehearsing: dict[str, str]) -> None:
    urls = rehearsed(rehearsing, exposure=0.3, source="BEFORE")
    with bank_of(urls["BANKA"]) as bank:
        bank.set_gbt_ss(0.1, [[0.0, 0, 1, 0.002], [0.5, 0, 0, 0.002]])
        bank.prepare()
        programmed = bank.get_status("BOFFILE")
        assert bank.set_mode("MODE1")[1].endswith(
            "parameters and switching states have their defaults again"
        )
        assert bank.get_param("exposure") == 1.0
        assert bank.get_param("source") == "unspecified"
        assert bank.get_status(["SRC_NAME", "NUMPHASE", "BOFFILE"]) == {
            "SRC_NAME": "unspecified",
            "NUMPHASE": 1,
            "BOFFILE": programmed,
        }


def test_a_scan_of_half_an_array_says_that_it_is_not_whole(tmp_path: Path) -> None:
    with array(tmp_path, banks=2, recording=recording()) as urls, dealer.Dealer(urls) as d:
        d.add_active_player(*urls)
        d.set_mode("MODE1")
        d.set_param(exposure=0.5, scan_length=1.0)
        d.prepare()
        when = in_seconds(5)
        at = [when.year, when.month, when.day, when.hour, when.minute, when.second, 0]
        for bank in urls:
            assert d[bank].arm(at, "dies", list(urls))[0] is True
        d["BANKA"].commit(at, "dies")  # and then the Dealer dies
        reports: dict[str, Any] = {}

        def have_ended() -> bool:
            reports.update(d.scan_report())
            return all(report["outcome"] in ENDED for report in reports.values())

        poll(have_ended, "both have ended")
        assert (reports["BANKA"]["outcome"], reports["BANKA"]["is_whole"]) == ("done", False)
        assert "nobody confirmed that all of BANKA, BANKB began" in reports["BANKA"]["warning"]
        assert reports["BANKB"]["outcome"] == "failed"
        assert reports["BANKB"]["scan"] == reports["BANKA"]["scan"]
        (path,) = (tmp_path / "data").rglob("*.fits")
        assert fits.getheader(path)["ARRAYST"] == "not confirmed: BANKA BANKB"


def test_refused_and_taken_back_starts_use_up_no_scan_numbers(rehearsing: dict[str, str]) -> None:
    urls = rehearsed(rehearsing)
    with dealer.Dealer(urls) as d, bank_of(urls["BANKA"]) as bank:
        before = bank.get_status("SCANNUM")
        with pytest.raises(dealer.PlayersError):
            d.start(in_seconds(-60))
        d.start(in_seconds(3600))
        assert bank.get_status("SCANNUM") == before + 1
        with pytest.raises(dealer.StartError):
            d.start()
        d.stop()
        assert bank.get_status("SCANNUM") == before
        d.start()
        d.wait_for_scan()
        assert bank.get_status("SCANNUM") == before + 1 == bank.scan_report()["scan"]


def test_a_program_that_hangs_before_a_start_is_replaced_and_the_next_start_works(
    tmp_path: Path,
) -> None:
    with array(tmp_path, recording=recording()) as urls, bank_of(urls["BANKA"]) as bank:
        bank.set_mode("MODE1")
        bank.set_param(exposure=0.5, scan_length=1.0)
        bank.prepare()
        recorder_of(urls["BANKA"]).suspend()
        with pytest.raises(Exception, match="it hangs and was started anew; start again"):
            bank.start()
        assert bank.start()[0] is True
        poll(lambda: bank.scan_report()["outcome"] in ENDED, "the end of the scan")
        assert bank.scan_report()["outcome"] == "done"
        assert (
            "spectrometer-daq hangs: it is ended and started anew"
            in (tmp_path / "BANKA.log").read_text()
        )


def test_a_player_that_is_ended_in_a_scan_says_what_became_of_it(tmp_path: Path) -> None:
    with array(tmp_path, recording=recording()) as urls, bank_of(urls["BANKA"]) as bank:
        assert bank.scan_report()["outcome"] == "none"
        bank.set_mode("MODE1")
        bank.set_param(exposure=0.25, scan_length=60.0)
        bank.prepare()
        bank.start()
        poll(lambda: (bank.get_status().get("DAQNINT") or 0) >= 2, "two integrations")
        os.kill(_pid(urls["BANKA"]), signal.SIGTERM)
        poll(
            lambda: "scan 2 failed: the Player ends" in (tmp_path / "BANKA.log").read_text(),
            "a line in the log",
        )
