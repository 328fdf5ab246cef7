"""The main job from nothing: four Players under supervisord, two scans, spectra and FITS files.

The first scan is on recorded voltages. The second is on a synthetic receiver with a line, and with
the noise diode switched: from its spectra the system temperature and the line come out as they were
put in.

Both are followed by subscription: how far they are, and live spectra.

Everything it makes is below `demo-run/`: the configuration, supervisord's file and logs, the data,
`spectra.png`. The recording (Arecibo, PUPPI, four coarse channels) comes with the package
`baseband`, of which nothing is imported.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from follow import Follower
from observe import observe

import dealer
from dealer import Switching

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "demo-run"
BIN = Path(sys.executable).parent
BANKS = ("BANKA", "BANKB", "BANKC", "BANKD")
MODE, EXPOSURE_S, SCAN_S = "MODE1", 1.0, 5.0
FINE, TAPS = 256, 8
MANAGER = "DEMO_PORTMANAGER"
"""The variable that says where the port manager is: Players, and this program, read it in the
array's file."""
TSYS_K, CAL_K, LINE_MHZ, LINE_KHZ, LINE_K = 25.0, 5.0, 1420.40575, 60.0, 12.0
SIGMAS = 5.0  # by which what is measured may be off
SCALE_WITHIN = (
    0.05  # noise of the diode's step, in which all is measured; a loaded machine has fewer spectra
)
"""Input of the synthetic receiver: noise, diode, and a line like that of hydrogen."""
SWITCHING_S, BLANKING_S = 0.2, 0.01
STATES = [
    (0.0, Switching.SIG, Switching.CALON, BLANKING_S),
    (0.5, Switching.SIG, Switching.CALOFF, BLANKING_S),
]
BOARD = ('roach = { katcp_host = "nowhere.invalid" }', 'synth = { via = "katcp" }')
MAX_LAG_S = 30.0  # nothing of a replay need be lost on a busy machine; it takes longer
TOO_BUSY = (
    "demo: if data were lost, this machine was too busy to take them in time, as the software says of every scan; end "
    "what else runs, or wait, and run the demo again"
)


def recording() -> Path:
    """Path of the installed sample recording."""
    spec = importlib.util.find_spec("baseband")
    if spec is None or not spec.submodule_search_locations:
        sys.exit(
            "demo: the package baseband, which ships the recording, is not installed: use `make demo`"
        )
    return Path(spec.submodule_search_locations[0]) / "data" / "sample_puppi.raw"


def free_port() -> int:
    """A port of the loopback address that nobody listens on now, below those that the system gives
    to connections."""
    for port in range(29_999, 20_000, -1):
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    sys.exit("demo: no port is free from 20001 to 29999")


def port_manager(port: int) -> str:
    """A section of supervisord's file: a port manager of the demo's own, which disturbs none that
    is there."""
    files = " ".join(f"-{what}file {RUN / 'log' / what}" for what in ("port", "pid", "usage"))
    command = f"{BIN / 'portmanager'} --bind 127.0.0.1 -listen {port} {files}"
    log = RUN / "log" / "portmanager.log"
    return f"\n[program:portmanager]\ncommand={command}\npriority=1\nstderr_logfile={log}\n"


def write_configuration(
    path: Path,
    source: Path | None,
    *,
    receiver: Sequence[str] = (),
    boards: bool = False,
    instrument: Sequence[str] = (),
    more: Sequence[str] = (),
) -> None:
    """Write the array's file: four Banks on this host, each under its own name and with its own
    status memory.

    Args:
        path: The file.
        source: Recording that they replay; None: they have the synthetic receiver alone.
        receiver: Further keys of the synthetic receiver.
        boards: They have ROACH boards, too, which are simulated.
        instrument: Further keys of `[instrument]`.
        more: Further tables.
    """
    host, tag = socket.gethostname(), secrets.token_hex(4)
    key = 0x0DA00000 + int(tag[:4], 16) * 16
    lines = [
        "# Written by a demo; remade at each run.",
        "[instrument]",
        'telescope = "Arecibo"',
        'switching_master = "BANKA"',
        'player_port = "service:"',
        f'portmanager = "${{{MANAGER}}}"',
        'bind = "127.0.0.1"',
        *instrument,
        "[dealer]",
        f"players = {list(BANKS)!r}".replace("'", '"'),
    ]
    for number, bank in enumerate(BANKS):
        lines += [
            f"[banks.{bank}]",
            f'hpc_host = "{host}"',
            f"instance = {number}",
            'data_source = { host = "127.0.0.1", port = 60000 }',
            'data_destination = { host = "127.0.0.1", port = 60000 }',
            "filters = { 450 = 0x00, 1450 = 0x08, 1900 = 0x18 }",
            f'status_memory = {{ key = {key + number}, semaphore = "/dealer_player_demo_{tag}_{number}" }}',
            *(BOARD if boards else ()),
            f"[banks.{bank}.source]",
            *([] if source is None else [f'file = "{source}"']),
            f"taps = {TAPS}",
            f"max_lag_s = {MAX_LAG_S}",
            f"[banks.{bank}.source.synthetic]",
            "center_mhz = 1420.5",
            "bandwidth_mhz = 2.0",
            f"tsys_k = [{TSYS_K}, {TSYS_K}]",
            f"cal_k = {CAL_K}",
            f"lines = [{{ frequency_mhz = {LINE_MHZ}, width_khz = {LINE_KHZ}, strength_k = {LINE_K} }}]",
            f"seed = {number + 1}",
            *receiver,
        ]
    shipped = (ROOT / "conf" / "dibas.toml").read_text()
    lines += more
    # The modes as shipped, but for the coherent ones, which need eight Banks.
    lines.append(shipped[shipped.index("[mode_defaults.") : shipped.index("# Coherent: ")])
    path.write_text("\n".join(lines) + "\n")


def independent_peak(source: Path) -> int:
    """The strongest of the 1024 channels, by one long FFT after the other and with no code of the
    system in it.

    A filter bank of `TAPS` taps and `FINE` channels is every `TAPS`-th bin of the FFT of `TAPS` x
    `FINE` samples under the filter's window. Reads the cards it needs; sums the power of both
    polarizations over one pass of the file.
    """
    data, offset, blocks = source.read_bytes(), 0, []
    while offset < len(data):
        end = data.index(b"END" + b" " * 77, offset) + 80
        cards = {
            data[i : i + 8].strip(): data[i + 10 : i + 80] for i in range(offset, end - 80, 80)
        }
        size, overlap = int(cards[b"BLOCSIZE"]), int(cards[b"OVERLAP"])
        parts = (
            np.frombuffer(data, np.int8, size, end).astype(float).reshape(4, -1, 2, 2)
        )  # channel, time, pol, re/im
        blocks.append((parts[..., 0] + 1j * parts[..., 1])[:, overlap if blocks else 0 :])
        offset = end + size
    voltages = np.concatenate(blocks, axis=1)
    length = TAPS * FINE
    window = np.sinc((np.arange(length) - (length - 1) / 2) / FINE) * np.hamming(length)
    power = np.zeros((4, FINE))
    for start in range(0, voltages.shape[1] - length + 1, FINE):
        spectrum = np.fft.fft(voltages[:, start : start + length] * window[None, :, None], axis=1)[
            :, ::TAPS
        ]
        power += (np.abs(np.fft.fftshift(spectrum, axes=1)) ** 2).sum(axis=2)
    return int(power.argmax())


def spectra(path: Path) -> tuple[int, Any, Any, str]:
    """Of a FITS file: rows, the channels in MHz, the mean power over all rows, and which scan it
    is, in words."""
    from astropy.io import fits

    with fits.open(path) as hdus:
        header, axis, table = hdus[0].header, hdus[1].header, hdus[1].data
        column = next(name for name in table.names if np.ndim(table[name]) == 2)
        power = np.asarray(table[column], dtype=float).mean(axis=0)
        mhz = (axis["CRVAL1"] + axis["CDELT1"] * (np.arange(len(power)) + 1 - axis["CRPIX1"])) / 1e6
        scan = f"scan {header['SCANNUM']}, {header['MODENUM']}, {header['DATE-OBS'][:19].replace('T', ' ')} UTC"
        return len(table), mhz, power, scan


def switched(path: Path) -> dict[str, Any]:
    """A scan with the noise diode switched: what a calibration makes of it.

    Returns:
        mhz; on, off: mean spectra in counts^2; kelvin: the spectrum with the diode off, in units of
        the diode; tsys_k: its level beside the line; line_mhz and line_k: the line's centre of
        gravity and its peak above it.
    """
    from astropy.io import fits

    with fits.open(path) as hdus:
        header, axis, table = hdus[0].header, hdus["SPECTRA"].header, hdus["SPECTRA"].data
        assert header["SIMULATE"]
        assert header["DATASRC"] == "synthetic receiver"
        power, weight = np.asarray(table["DATA"], float), table["NSPECTRA"].astype(float)
        of_on, of_off = (
            (table["CAL"] == cal) & np.isin(table["POL"], ("XX", "YY")) for cal in (1, 0)
        )
        on, off = (
            np.average(power[chosen], axis=0, weights=weight[chosen]) for chosen in (of_on, of_off)
        )
        spectra_off = float(weight[of_off].sum())
        mhz = (axis["CRVAL1"] + axis["CDELT1"] * np.arange(len(off))) / 1e6
    kelvin = off / (on - off).mean() * CAL_K
    near = np.abs(mhz - LINE_MHZ) < 2 * LINE_KHZ / 1e3
    tsys = float(kelvin[~near].mean())
    above = np.where(near, kelvin - tsys, 0.0)
    line_k = (
        above.sum() * abs(mhz[1] - mhz[0]) / (LINE_KHZ / 1e3 * np.sqrt(np.pi / (4 * np.log(2))))
    )
    # Radiometer equation: how uncertain a channel is, and with it the line's place and strength.
    channel_k = tsys / np.sqrt(spectra_off)
    return {
        "mhz": mhz,
        "on": on,
        "off": off,
        "kelvin": kelvin,
        "tsys_k": tsys,
        "line_k": float(line_k),
        "line_mhz": float((above * mhz).sum() / above.sum()),
        "line_k_sigma": float(line_k / above.sum() * channel_k * np.sqrt(near.sum())),
        "line_mhz_sigma": float(
            channel_k * np.sqrt(((mhz[near] - LINE_MHZ) ** 2).sum()) / above.sum()
        ),
    }


def draw(
    path: Path, recorded: dict[str, Any], simulated: dict[str, dict[str, Any]], expected: int
) -> None:
    """Write a picture of one spectrum a Bank for each scan, of the second one with the diode on and
    off.

    Args:
        path: The picture.
        recorded: Bank -> what `spectra` returns.
        simulated: Bank -> what `switched` returns, and `scan`.
        expected: Channel of the peak, by the FFT of the file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 9), layout="constrained")
    panels = figure.subplots(len(recorded), 2, sharex="col")
    for (axis, other), (bank, (_, mhz, power, scan)) in zip(panels, recorded.items(), strict=True):
        axis.semilogy(mhz, power, linewidth=0.7)
        axis.axvline(
            mhz[expected],
            color="tab:red",
            linewidth=0.7,
            linestyle="--",
            label="peak by the FFT of the file",
        )
        axis.set_ylabel("power, counts\u00b2")
        axis.set_title(f"{bank}, {scan}", fontsize="small")
        found = simulated[bank]
        to_kelvin = found["kelvin"].mean() / found["off"].mean()
        other.plot(found["mhz"], found["on"] * to_kelvin, linewidth=0.7, label="noise diode on")
        other.plot(found["mhz"], found["kelvin"], linewidth=0.7, label="off")
        other.axvline(
            LINE_MHZ,
            color="tab:red",
            linewidth=0.7,
            linestyle="--",
            label=f"line put in, {LINE_MHZ} MHz",
        )
        other.set_ylabel("power, K")
        other.set_title(f"{bank}, {found['scan']}", fontsize="small")
    for panel in panels[-1]:
        panel.set_xlabel("frequency, MHz")
        panel.ticklabel_format(axis="x", useOffset=False)
        panel.locator_params(axis="x", nbins=5)
    for panel in panels[0]:
        panel.legend(loc="upper right", fontsize="small")
    left, right = (
        "Arecibo, PUPPI recording of J1810+1744, replayed",
        "synthetic receiver (computed, nothing received)",
    )
    figure.suptitle(f"simulated instrument.  Left: {left}.  Right: {right}.", fontsize="medium")
    figure.savefig(path, dpi=110)


def wait_until_ready(config: Path, deadline_s: float) -> None:
    """Return when all Players answer a call; end the demo with their logs if they do not in
    time."""
    end = time.monotonic() + deadline_s
    with dealer.Dealer(config=config) as d:
        d.add_active_player(*BANKS)
        while True:
            outcomes = d.outcomes("list_modes")
            if all(outcome.error is None for outcome in outcomes.values()):
                return
            if time.monotonic() > end:
                for log in sorted((RUN / "log").glob("*")):
                    print(f"--- {log}\n{log.read_text()[-2000:]}", file=sys.stderr)
                sys.exit(
                    "demo: " + "; ".join(f"{b}: {o.error}" for b, o in outcomes.items() if o.error)
                )
            time.sleep(0.1)


def main() -> int:
    """Run the demo; 0 when every Bank found the peak where the independent FFT has it, and the line
    that was put in."""
    shutil.rmtree(RUN, ignore_errors=True)
    (RUN / "log").mkdir(parents=True)
    source, config, ini = recording(), RUN / "dibas.toml", RUN / "supervisord.conf"
    write_configuration(config, source)
    manager = free_port()
    os.environ[MANAGER] = f"127.0.0.1:{manager}"
    environment = {
        **os.environ,
        "DIBAS_DATA": str(RUN / "data"),
        "XDG_STATE_HOME": str(RUN / "state"),
    }
    environment.pop("DIBAS_DIR", None)
    ini.write_text(
        subprocess.run(
            [
                BIN / "player",
                "supervisor-config",
                "--config",
                config,
                "--all",
                "--simulate",
                "--log-dir",
                RUN / "log",
                "--complete",
                RUN,
            ],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        ).stdout
        + port_manager(manager)
    )
    print(f"starting a port manager and {len(BANKS)} Players under supervisord")
    supervisord = subprocess.Popen(
        [BIN / "supervisord", "--nodaemon", "-c", ini],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    follower = Follower()
    try:
        wait_until_ready(config, 30)
        with dealer.Dealer(config=config) as d:
            status = observe(
                d, mode=MODE, exposure=EXPOSURE_S, scan_length=SCAN_S, follow=follower.follow
            )
            reports = {bank: outcome.result() for bank, outcome in d.scan_reports().items()}
            print("\nnow the synthetic receiver, with the noise diode switched")
            second = observe(
                d,
                mode=MODE,
                exposure=EXPOSURE_S,
                scan_length=SCAN_S,
                source="simulated",
                switching=(SWITCHING_S, STATES),
                status={"DAQSRC": "SYNTHETIC"},
                follow=follower.follow,
            )
            seconds = {bank: outcome.result() for bank, outcome in d.scan_reports().items()}
    except (dealer.PlayersError, TimeoutError) as error:
        print(f"demo: {error}\n{TOO_BUSY}", file=sys.stderr)
        return 1
    finally:
        supervisord.terminate()
        supervisord.wait(20)

    expected = independent_peak(source)
    print(
        f"\n{'Bank':6} {'scan':10} {'integrations':>12} {'peak':>5} {'FFT of the file':>15}  FITS file"
    )
    curves: dict[str, Any] = {}
    right = True
    for bank, keys in status.items():
        path = RUN / "data" / str(keys["PROJID"]) / str(keys["DAQFITS"])
        rows, _, power, _ = curves[bank] = spectra(path)
        peak = int(power.argmax())
        right = right and peak == expected and rows > 0
        report = reports[bank]
        counts = f"{report['integrations']} of {report['planned']}"
        print(
            f"{bank:6} {report['outcome']:10} {counts:>12} {peak:5d} {expected:15d}  {path.relative_to(ROOT)}"
        )
    print(f"\n{'Bank':6} {'states':>6} {'Tsys, K':>8} {'line, MHz':>11} {'line, K':>8}  FITS file")
    print(f"{'put in':6} {2:6} {TSYS_K:8.2f} {LINE_MHZ:11.4f} {LINE_K:8.2f}")
    simulated, recovered = {}, True
    for bank, keys in second.items():
        path = RUN / "data" / str(keys["PROJID"]) / str(keys["DAQFITS"])
        found = simulated[bank] = {**switched(path), "scan": spectra(path)[3]}
        recovered = recovered and abs(found["tsys_k"] / TSYS_K - 1) < SCALE_WITHIN
        recovered = (
            recovered and abs(found["line_mhz"] - LINE_MHZ) < SIGMAS * found["line_mhz_sigma"]
        )
        allowed_k = SIGMAS * found["line_k_sigma"] + SCALE_WITHIN * LINE_K
        recovered = recovered and abs(found["line_k"] - LINE_K) < allowed_k
        values = f"{found['tsys_k']:8.2f} {found['line_mhz']:11.4f} {found['line_k']:8.2f}"
        print(f"{bank:6} {keys['NUMPHASE']!s:>6} {values}  {path.relative_to(ROOT)}")
    draw(RUN / "spectra.png", curves, simulated, expected)
    short = [
        f"{bank}: {each[bank]['warning']}"
        for each in (reports, seconds)
        for bank in each
        if each[bank]["outcome"] != "done"
    ]
    print(f"\nfollowed by subscription: {follower}")
    print(f"spectra: {(RUN / 'spectra.png').relative_to(ROOT)}")
    print("the whole array on a page, as it runs: make demo-dashboard")
    if not right:
        print(
            "demo: a Bank's peak is not where the independent FFT of the file has it",
            file=sys.stderr,
        )
    if not recovered:
        print(
            "demo: what was put into the synthetic receiver did not come out of the spectra",
            file=sys.stderr,
        )
    if short:
        print("demo: " + "; ".join(short) + f"\n{TOO_BUSY}", file=sys.stderr)
    return 0 if right and recovered and not short else 1


if __name__ == "__main__":
    sys.exit(main())
