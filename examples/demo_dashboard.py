"""The dashboard with something to look at: the demo's four Banks, which take one scan after the other.

The Banks have simulated boards and the synthetic receiver, and run under supervisord; a page of the whole
array is served at the loopback address, which is printed. After a minute the board of one Bank loses its
image, as in a bad night: the page says so.

It runs until Ctrl-C. All processes and files go with it.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from demo import BANKS, MANAGER, MODE, STATES, write_configuration
from processes import (
    START_S,
    DemoError,
    Processes,
    start_port_manager,
    start_supervised,
)

import dealer

FAULT_AFTER_S, SCAN_S, EXPOSURE_S, PAUSE_S = 60.0, 40.0, 0.5, 2.0
SWITCHING_S = 0.5
RATE_HZ = 100_000.0
"""Samples per second: four Banks and a browser are to be no burden for a laptop."""
FAULTY, FAULT = "BANKC", ["refuse", "status"]
FOREVER = "runs until Ctrl-C"


def lines_of_site(folder: Path) -> list[str]:
    """Return what the array's file says besides its Banks: supervisord, areas of files, the page."""
    return [
        "[spectrometer]",
        "time_scale = 0.1",
        "[instrument.files]",
        f'DATA = "{folder / "data"}"',
        f"[hosts.{os.uname().nodename}]",
        f'supervisor = "unix://{folder / "supervisor.sock"}"',
        "[dashboard]",
        'name = "DEMO ARRAY"',
        'colour = "#1b6d85"',
        'zone = "America/Puerto_Rico"',
        "longitude = -66.75",
    ]


def start_array(processes: Processes) -> Path:
    """Start a port manager and all Banks under supervisord; return the array's file when they answer."""
    folder = processes.folder
    os.environ[MANAGER] = f"127.0.0.1:{start_port_manager(processes)}"
    (folder / "data").mkdir()
    config = folder / "array.toml"
    write_configuration(
        config,
        None,
        receiver=[f"rate_hz = {RATE_HZ}"],
        boards=True,
        instrument=[f'data_root = "{folder / "data"}"'],
        more=lines_of_site(folder),
    )
    with dealer.Dealer(config=config) as d:
        d.add_active_player(*BANKS)

        def find() -> Path | None:
            answered = all(told.ok for told in d.outcomes("list_modes").values())
            return config if answered else None

        return start_supervised(processes, config, "--simulate", find=find)


def start_page(processes: Processes, config: Path, port: int) -> str:
    """Start the dashboard; return its address when it serves."""
    options = ("--config", config, "--port", str(port))
    process = processes.start("dashboard", "dashboard", *options)
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_S)
    line = process.stdout.readline() if ready else ""
    if not line.startswith("ready: "):
        raise DemoError(f"the dashboard did not start:\n{processes.log('dashboard')}")
    return line.removeprefix("ready: ").strip()


def take_scan(d: dealer.Dealer, number: int) -> None:
    """Take one scan on all Banks, with the noise diode switched."""
    d.set_param(
        exposure=EXPOSURE_S,
        scan_length=SCAN_S,
        project_id="DEMO",
        source=f"field {number}",
        observer="demo",
    )
    d.set_gbt_ss(SWITCHING_S, STATES)
    d.prepare()
    d.start()
    d.wait_for_scan()


def observe(config: Path, ended: threading.Event) -> None:
    """Take scans until the demo ends; what goes wrong stands on the page, and the next scan follows."""
    number, is_set = 0, False
    with dealer.Dealer(config=config) as d:
        d.add_active_player(*BANKS)
        while not ended.wait(PAUSE_S if number else 0):
            number += 1
            try:
                if not is_set:
                    d.set_mode(MODE)
                    d.set_status(DAQSRC="SYNTHETIC")
                    is_set = True
                take_scan(d, number)
            except (dealer.DealerError, TimeoutError) as error:
                if not ended.is_set():
                    print(f"scan {number}: {error}", flush=True)


def switch_fault_on(config: Path) -> None:
    """Have a board say that it runs no image, by a request that simulated ones take."""
    with dealer.Dealer(config=config) as d:
        d[FAULTY].roach.request("sim-fault", FAULT)


def run(processes: Processes, port: int, seconds: float | None, fault_after: float) -> None:
    """Carry out the demo.

    Args:
        processes: Of the demo.
        port: Of the page; 0: any free one.
        seconds: It ends after so long; None: it does not.
        fault_after: Time until the fault, s.
    """
    print(f"starting {len(BANKS)} Players with simulated receivers under supervisord", flush=True)
    config = start_array(processes)
    address = start_page(processes, config, port)
    print(f"\n    {address}\n\n{FOREVER if seconds is None else f'runs {seconds:g} s'}", flush=True)
    begun, ended = time.monotonic(), threading.Event()
    end = float("inf") if seconds is None else begun + seconds
    threading.Thread(target=observe, args=(config, ended), daemon=True).start()
    try:
        time.sleep(max(min(begun + fault_after, end) - time.monotonic(), 0))
        if time.monotonic() < end:
            switch_fault_on(config)
            print(f"{FAULTY}: its board has lost its image", flush=True)
            if seconds is None:
                signal.pause()
            else:
                time.sleep(max(end - time.monotonic(), 0))
    finally:
        ended.set()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; 0 unless something did not start."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--port", type=int, default=0, help="of the page; default: any free one")
    parser.add_argument("--seconds", type=float, help="end after so long; default: at Ctrl-C")
    parser.add_argument("--fault-after", type=float, default=FAULT_AFTER_S, help="s; default: 60")
    options = parser.parse_args(argv)
    processes = Processes("demo-dashboard")
    try:
        processes.release()
        run(processes, options.port, options.seconds, options.fault_after)
    except KeyboardInterrupt:
        print("ends", flush=True)
    except (DemoError, dealer.DealerError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    finally:
        processes.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
