"""A correlator job from nothing, over the packet protocol of DiFX: two simulated receivers, and the delay
between them.

A gateway runs under supervisord, and a client of ours prepares, starts and watches a job of the small FX
correlator as the DiFX GUI does. The same job is seen by a Dealer, by `dealer watch`, and as relayed
messages. A second job is stopped, and a third, whose recording is missing, fails its check. The delay
and the fringe rate that the model of the second station lacks come out of the lags as they were put in,
or the exit status is 1.

All processes end, and all files but the picture and the visibilities go, whatever ends the demo.
"""

from __future__ import annotations

import argparse
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from correlator.lags import Fringe, find_fringe, lag_spectrum
from correlator.visibilities import Visibilities, read_visibilities
from processes import (
    START_S,
    DemoError,
    Processes,
    run_demo,
    start_port_manager,
    start_supervised,
)

import dealer
from commandline import ProgressLine
from gateways.difx.client import (
    DifxClient,
    GatewayConnectionLostError,
    JobEnd,
    JobFunction,
    JobNodes,
    JobResult,
    TaskEvent,
)
from gateways.difx.client.protocol.monitoring import MonitorBlock
from gateways.difx.errors import DifxError
from gateways.difx.protocol.taskids import JobPacket
from portmanager import PortManager

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "demo-difx-run"
PROGRAM = [sys.executable, str(ROOT / "examples" / "correlate.py")]
HOST, BANK, SERVICE, VERSION = "127.0.0.1", "DIFX", "GUISERVER", "DIFX-DEVEL"
SCAN_S, LONG_S, INTEGRATION_S = 8.0, 600.0, 0.25
CHANNELS, LAGS = 64, 1024
CENTERS_MHZ, WIDTH_MHZ = (1420.0, 1420.25), 0.25
LAG_US = 1 / (2 * WIDTH_MHZ)
"""Step of the lags of a spectrum of real samples, as the monitor of DiFX counts them."""
TRUE_US, MODEL_US = (133.0, 0.01002), (120.0, 0.01)
"""Delay of the second station: microseconds, microseconds per second."""
POLARIZATIONS = ("XX", "XY", "YX", "YY")
TEXTS = (JobPacket.DIFX_MESSAGE, JobPacket.DIFX_WARNING, JobPacket.DIFX_ERROR)
END_S, LOOK_S = 120.0, 0.2

EXPERIMENT = f"""\
obs_code = "DEMO"
channels = {CHANNELS}
integration_s = {INTEGRATION_S}
crossed = false
pace = 1.0

[stations.AA.receiver]
centers_mhz = {list(CENTERS_MHZ)}
width_mhz = {WIDTH_MHZ}
seed = 1

[stations.BB]
delay_us = {list(MODEL_US)}

[stations.BB.receiver]
centers_mhz = {list(CENTERS_MHZ)}
width_mhz = {WIDTH_MHZ}
delay_us = {list(TRUE_US)}
seed = 2

[[scans]]
name = "No0001"
source = "3C273"
ra = 3.2687
dec = 0.0358
start_mjd = 60310
start_s = 43200.0
duration_s = {{seconds}}

[[scans]]
name = "No0002"
source = "3C279"
start_mjd = 60310
start_s = 43300.0
duration_s = {LONG_S}
"""

LOST = """\
[stations.AA]
recordings = ["aa.raw"]

[scan]
name = "No0003"
start_mjd = 60310
start_s = 43200.0
duration_s = 1.0
"""
"""A job whose recording is not there."""


@dataclass(frozen=True, slots=True)
class PutIn:
    """Delay and rate that the model of the second station lacks, in the middle of the scan."""

    delay_us: float
    rate_hz: float


def put_in(seconds: float) -> PutIn:
    """Return what has to be found in a scan of so many seconds."""
    delay, rate = (true - model for true, model in zip(TRUE_US, MODEL_US, strict=True))
    return PutIn(delay + rate * seconds / 2, rate * float(np.mean(CENTERS_MHZ)))


def write_configuration(folder: Path, manager: int) -> Path:
    """Write the array's file: a gateway, and the correlator as its runner profile."""
    words = {
        key: [*PROGRAM, key, *options]
        for key, options in (
            ("check", ["{input}"]),
            ("run", ["--restart", "{restart}", "{input}"]),
            ("prepare", ["{file}"]),
            ("products", ["{input}"]),
        )
    }
    (folder / "data").mkdir()
    lines = [
        "[instrument]",
        'player_port = "service:"',
        f'portmanager = "{HOST}:{manager}"',
        "[dealer]",
        f'players = ["{BANK}"]',
        f"[banks.{BANK}]",
        'kind = "difx"',
        'hpc_host = "localhost"',
        f'root = "{folder / "data"}"  # the clients\' /',
        f"[banks.{BANK}.endpoints.guiserver]",
        f'port = "service:{SERVICE}"',
        f"[banks.{BANK}.runner.{VERSION}]",
        *(f"{key} = {command!r}" for key, command in words.items()),
    ]
    path = folder / "array.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def start_gateway(processes: Processes, config: Path, manager: int) -> int:
    """Start the gateway under supervisord; return its port when it serves."""

    def find() -> int | None:
        with PortManager(HOST, manager) as client:
            found = [each for each in client.list_ports() if each.service == SERVICE]
        if found:
            with suppress(GatewayConnectionLostError), DifxClient(HOST, found[0].port):
                return found[0].port
        return None

    return start_supervised(processes, config, find=find)


NODES = JobNodes(manager="localhost", sources=("AA", "BB"), processors=(("localhost", 1),))


class Seen:
    """The first job, as each of those who look at it has seen it.

    Attributes:
        events: Of its task connection.
        blocks: Of the live monitor.
        relayed: States in relayed messages.
        dealer: States that a Dealer had by subscription.
        watch: Lines of `dealer watch`.
    """

    def __init__(self) -> None:
        self.events: list[TaskEvent] = []
        self.blocks: list[MonitorBlock] = []
        self.relayed: list[str] = []
        self.dealer: list[str] = []
        self.watch: list[str] = []
        self.is_running = threading.Event()
        self.is_live = threading.Event()
        self.is_over = threading.Event()
        self._is_started = False
        self._line = ProgressLine()

    def note(self, event: TaskEvent) -> None:
        """Take an event of the task connection."""
        self.events.append(event)
        if event.id == JobPacket.STARTING_DIFX:
            self._is_started = True
        elif event.id == JobPacket.DIFX_MESSAGE and self._is_started:
            self.is_running.set()
            self._line.write(f"{event.text}; {len(self.blocks)} blocks of live products")

    def clear(self) -> None:
        """Take the line of progress away."""
        self._line.clear()

    def lines(self) -> list[str]:
        """Say who has seen what."""
        names = [event.name for event in self.events if event.id not in TEXTS]
        return [
            f"task connection: {', '.join(names)}",
            f"live monitor:    {len(self.blocks)} blocks",
            f"relay:           {', '.join(dict.fromkeys(self.relayed))}",
            f"Dealer:          {', '.join(dict.fromkeys(self.dealer))}",
            f"dealer watch:    {self.watch[-1] if self.watch else 'nothing'}",
        ]

    @property
    def is_complete(self) -> bool:
        """Each has seen the job, and its end as far as it waits for it."""
        ends = self.relayed[-1:] == ["MpiDone"] and self.dealer[-1:] == ["finished"]
        return bool(ends and self.blocks and self.watch and '"finished"' in self.watch[-1])


def follow_monitor(client: DifxClient, path: str, seen: Seen) -> None:
    """Follow the baselines of a job live, until its client is closed."""
    seen.is_running.wait(END_S)
    with suppress(GatewayConnectionLostError), client.monitor(path) as monitor:
        wanted = [product for product in monitor.products.products if not product.is_auto]
        monitor.request(wanted, fft_size=LAGS)
        for block in monitor:
            seen.blocks.append(block)
            seen.is_live.set()


def follow_relay(client: DifxClient, name: str, seen: Seen) -> None:
    """Take the states of a job from relayed messages, to the last one."""
    with client.relay(["STATUS_MESSAGES"]) as messages:
        for message in messages:
            if message.identifier == name:
                seen.relayed += [each.text for each in message.elements if each.name == "state"]
            if seen.relayed[-1:] == ["MpiDone"]:
                return


def follow_by_dealer(sub: dealer.Subscription, name: str, seen: Seen) -> None:
    """Take the states of a job by subscription, to the last one."""
    while not seen.is_over.is_set():
        with suppress(TimeoutError):
            told = sub.next(LOOK_S).value
            if told["name"] == name:
                seen.dealer.append(told["state"])
                if told["is_final"]:
                    return


def follow_watch(watch: subprocess.Popen[str], name: str, seen: Seen) -> None:
    """Take what `dealer watch` tells of a job, to its last state, or to the end of the process."""
    assert watch.stdout is not None
    for line in watch.stdout:
        if " job " in line and name in line:
            seen.watch.append(line.rstrip())
            if '"finished"' in line:
                return


def run_first(
    processes: Processes, config: Path, client: DifxClient, other: DifxClient, path: str
) -> tuple[JobResult, Seen]:
    """Run a job, with all those who look at it.

    Args:
        processes: Of the demo.
        config: The array's file.
        client: Runs the job.
        other: Of the gateway; looks at it.
        path: Of the job's input file.
    """
    name, seen = Path(path).stem, Seen()
    watch = start_watch(processes, config)
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor())
        stack.callback(seen.is_over.set)
        stack.callback(seen.is_running.set)
        d = stack.enter_context(dealer.Dealer(config=config))
        sub = stack.enter_context(d.subscribe(["job"]))
        stack.callback(other.close)
        stack.callback(watch.terminate)
        following = [
            threads.submit(follow_monitor, other, path, seen),
            threads.submit(follow_relay, other, name, seen),
            threads.submit(follow_by_dealer, sub, name, seen),
            threads.submit(follow_watch, watch, name, seen),
        ]
        result = client.run(path, on_event=seen.note, nodes=NODES, function=JobFunction.RUN_MONITOR)
        seen.clear()
        if result.end is not JobEnd.DONE:
            raise DemoError(f"{path} {result.end.value}: {result.reason or told(client)}")
        for each in following[1:]:
            each.result(END_S)
        seen.is_live.wait(END_S)
        other.close()  # nothing else ends a monitor
        following[0].result(END_S)
    return result, seen


def start_watch(processes: Processes, config: Path) -> subprocess.Popen[str]:
    """Start `dealer watch`; return when it has told the present jobs, and tells all that follows."""
    watch = processes.start("watch", "dealer", "watch", f"{BANK}.job*", "--config", config)
    assert watch.stdout is not None
    if not select.select([watch.stdout], [], [], START_S)[0] or not watch.stdout.readline():
        raise DemoError(f"dealer watch tells nothing:\n{processes.log('watch')}")
    return watch


def told(client: DifxClient) -> str:
    """Return what the gateway has told last."""
    return "; ".join(each.text for each in client.diagnostics[-3:])


def stop_second(client: DifxClient, path: str) -> JobResult:
    """Start a long job, and stop it when it runs."""
    seen = Seen()
    with ThreadPoolExecutor() as threads:
        running = threads.submit(client.run, path, on_event=seen.note, nodes=NODES)
        running.add_done_callback(lambda _ended: seen.is_running.set())
        seen.is_running.wait(END_S)
        seen.clear()
        client.stop(path)
        return running.result(END_S)


def run_lost(client: DifxClient, path: str) -> JobResult:
    """Run a job whose recording is not there, and print what its user is told."""
    events: list[TaskEvent] = []
    client.write(path, LOST.encode())
    function = JobFunction.BAIL_ON_CONFIG_FAIL
    result = client.run(path, on_event=events.append, nodes=NODES, function=function)
    said = [event.text for event in events if event.id == JobPacket.DIFX_ERROR]
    print(f"{path}: {result.end.value}: {'; '.join(said)}")
    return result


def conclude(found: Visibilities, seen: Seen, results: Sequence[JobResult]) -> int:
    """Print what was found beside what was put in; the exit status, 0 if it is the same."""
    seconds = found.header.integrations * INTEGRATION_S
    expected, right = put_in(seconds), True
    print(
        f"\n{'MHz':>9} {'pol':>3} {'delay, us':>10} {'put in':>8} {'rate, Hz':>9} {'put in':>8} {'SNR':>6}"
    )
    for product, spectra in zip(found.header.products, found.spectra, strict=True):
        if product.is_auto:
            continue
        fringe = find_fringe(
            spectra, width_hz=product.bandwidth_mhz * 1e6, integration_s=INTEGRATION_S
        )
        is_off = not is_near(fringe, expected, seconds)
        right = right and not is_off
        print(
            f"{product.frequency_mhz:9.2f} {POLARIZATIONS[product.polarization]:>3} "
            f"{fringe.delay_s * 1e6:10.3f} {expected.delay_us:8.3f} {fringe.rate_hz:9.4f} "
            f"{expected.rate_hz:8.4f} {fringe.snr:6.0f}{'   off' if is_off else ''}"
        )
    if seen.blocks:
        # the monitor's lags are an inverse transform, as those of DiFX
        delay_us = -seen.blocks[-1].mean_lag.delay_us
        is_off = abs(delay_us - expected.delay_us) > LAG_US
        right = right and not is_off
        print(
            f"{'live monitor':>13} {delay_us:10.3f} {expected.delay_us:8.3f}   "
            f"{'off' if is_off else f'true to one lag, {LAG_US:g} us: its lags are real, as those of DiFX'}"
        )
    print("\n" + "\n".join(seen.lines()))
    ends = [result.end for result in results]
    print("; ".join(f"job {number}: {end.value}" for number, end in enumerate(ends, 1)))
    if not right:
        print("demo: a delay is not what was put in, by more than one lag", file=sys.stderr)
    if ends != [JobEnd.DONE, JobEnd.STOPPED, JobEnd.BAD_CONFIGURATION]:
        print("demo: the jobs did not end as done, stopped, bad configuration", file=sys.stderr)
        right = False
    if not seen.is_complete:
        print("demo: somebody has not seen the job", file=sys.stderr)
        right = False
    return 0 if right else 1


def is_near(fringe: Fringe, expected: PutIn, seconds: float) -> bool:
    """Tell whether a fringe is that which was put in: to one lag, and one turn in the scan."""
    is_delay = abs(fringe.delay_s * 1e6 - expected.delay_us) <= LAG_US
    return is_delay and abs(fringe.rate_hz - expected.rate_hz) <= 1 / seconds


def draw(path: Path, found: Visibilities) -> None:
    """Write a picture of the first baseline: amplitude, phase and lags, the known rate taken out."""
    from matplotlib.figure import Figure

    expected = put_in(found.header.integrations * INTEGRATION_S)
    figure = Figure(figsize=(12, 6), layout="constrained")
    rows = figure.subplots(2, len(CENTERS_MHZ) + 1, width_ratios=[1] * len(CENTERS_MHZ) + [2])
    lags = figure.add_subplot(rows[0, -1].get_gridspec()[:, -1])
    for axis in rows[:, -1]:
        axis.remove()
    crosses = [
        (product, spectra)
        for product, spectra in zip(found.header.products, found.spectra, strict=True)
        if not product.is_auto
    ]
    for product, spectra in crosses:
        times = (np.arange(len(spectra)) + 0.5) * INTEGRATION_S
        mean = (spectra * np.exp(-2j * np.pi * expected.rate_hz * times)[:, None]).mean(axis=0)
        width = product.bandwidth_mhz
        khz = (np.arange(CHANNELS) - CHANNELS // 2) * 1e3 * width / CHANNELS
        column = CENTERS_MHZ.index(product.frequency_mhz)
        label = POLARIZATIONS[product.polarization]
        rows[0, column].plot(khz, np.abs(mean), linewidth=0.8, label=label)
        rows[1, column].plot(khz, np.degrees(np.angle(mean)), ".", markersize=4, label=label)
        rows[0, column].set(title=f"{product.frequency_mhz:g} MHz", ylim=(0, None))
        rows[1, column].set(xlabel="from the middle, kHz", ylim=(-180, 180))
        delays, magnitudes = lag_spectrum(mean, width_hz=width * 1e6)
        text = f"{product.frequency_mhz:g} MHz {label}"
        lags.plot(delays * 1e6, magnitudes / magnitudes.max(), linewidth=0.8, label=text)
    rows[0, 0].set_ylabel("amplitude")
    rows[1, 0].set_ylabel("phase, degrees")
    rows[0, 0].legend(fontsize="small")
    put = f"put in: {expected.delay_us:.2f} \u00b5s"
    lags.axvline(expected.delay_us, color="tab:red", linewidth=0.8, linestyle="--", label=put)
    lags.set(xlabel="delay of BB, \u00b5s", ylabel="lags, of their maximum")
    lags.legend(fontsize="small")
    figure.suptitle("AA-BB, simulated receivers: mean of the scan", fontsize="medium")
    figure.savefig(path, dpi=110)


def run(processes: Processes, seconds: float, output: Path) -> int:
    """Carry out the demo; its exit status."""
    begun = time.monotonic()
    print("starting a port manager, and a gateway under supervisord", flush=True)
    manager = start_port_manager(processes)
    config = write_configuration(processes.folder, manager)
    port = start_gateway(processes, config, manager)
    with DifxClient(HOST, port) as client, DifxClient(HOST, port) as other:
        info = client.info()
        print(f"{info.version} at {client.server}, versions {', '.join(info.versions)}")
        client.mkdir("/demo")
        client.write("/demo/demo.v2d", EXPERIMENT.format(seconds=seconds).encode())
        paths = client.prepare("/demo", "demo.v2d")
        print(
            f"prepared {', '.join(paths)}; running the first, which takes {seconds:g} s", flush=True
        )
        first, seen = run_first(processes, config, client, other, paths[0])
        print("running the second, which is stopped", flush=True)
        second = stop_second(client, paths[1])
        third = run_lost(client, "/demo/lost.input")
        for each in client.job_status("/demo/*.input"):
            print(f"{each.input}: {each.state}, {each.text}")
        output.mkdir(parents=True, exist_ok=True)
        name = Path(paths[0]).with_suffix(".difx").name
        client.get(f"/demo/{name}", output / name)
    found = read_visibilities(output / name)
    status = conclude(found, seen, (first, second, third))
    draw(output / "fringes.png", found)
    print(
        f"visibilities: {output / name}, picture: {output / 'fringes.png'}\n"
        f"took {time.monotonic() - begun:.1f} s"
    )
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when all is as it was put in."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=SCAN_S, help="of the first job")
    parser.add_argument(
        "--output", type=Path, default=RUN, help="folder of picture and visibilities"
    )
    options = parser.parse_args(argv)

    def carry_out(processes: Processes, stack: ExitStack) -> int:
        return run(processes, options.seconds, options.output)

    return run_demo("demo-difx", carry_out, DifxError, dealer.DealerError)


if __name__ == "__main__":
    sys.exit(main())
