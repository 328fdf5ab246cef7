"""Spectra of gamma rays from nothing: a port manager, two histogrammers, their events, and what is in
them.

Each histogrammer reads a ring file of a simulated set-up, whose peaks are known. The first is booked,
and told to read, by a REST client as those of SpecTcl are; the second by a Dealer. The Dealer follows
both by subscription, and adds their spectra up. Areas of peaks and counts inside gates come out as
they were put in, or the exit status is 1.

All processes end, and all files but the pictures go, whatever ends the demo.
"""

from __future__ import annotations

import argparse
import select
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from peakareas import peak_area
from processes import START_S, DemoError, Processes, run_demo, start_port_manager
from spectclrest import SpecTclRest

import dealer
from commandline import ProgressLine
from histogrammer.detector import DetectorSetup, SimulatedDetectors, Truth
from portmanager import PortManager

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "demo-histogrammer-run"
BANKS = ("GAMMA1", "GAMMA2")
SETUP = DetectorSetup()
EVENTS = 3_000_000
"""Of each file."""
FIRST_EVENTS = 1000
"""Of a file that is read before: the first event has functions compiled, once for each user."""
SILENT_S = 60.0
MAX_SIGMAS = 3.0

LOW_KEV, HIGH_KEV, BINS = 0.0, 2048.0, 4096
KEV_PER_BIN = (HIGH_KEV - LOW_KEV) / BINS
DETECTORS = [f"det.e.{number}" for number in range(1, SETUP.detectors + 1)]
FIRST_KEV, SECOND_KEV = SETUP.cascades[0].energies
"""The cascade of 60-Co: two gamma rays at once, in two detectors."""
LINE = (SECOND_KEV - 6.0, SECOND_KEV + 6.0)
CONTOUR = [(1165.3, 1332.6), (1169.1, 1325.4), (1178.2, 1325.3), (1181.4, 1333.2)]
CONTOUR += [(1177.7, 1339.8), (1168.6, 1339.7)]
"""Around the cascade, with no point on the border of a bin."""

Counts = npt.NDArray[np.float64]


def write_configuration(folder: Path, manager: int) -> Path:
    """Write the array's file: two histogrammers on this host, each found under its own name."""
    lines = [
        "[instrument]",
        'player_port = "service:"',
        f'portmanager = "127.0.0.1:{manager}"',
        "[dealer]",
        f"players = {list(BANKS)!r}".replace("'", '"'),
    ]
    for bank in BANKS:
        home = folder / bank.lower()
        home.mkdir()
        lines += [
            f"[banks.{bank}]",
            'kind = "histogrammer"',
            'hpc_host = "localhost"',
            f'home = "{home}"  # for the display memory',
            f'roots = ["{home}"]  # files of events are there',
            f"[banks.{bank}.endpoints.spectcl]",
            f'port = "service:REST_{bank}"',
        ]
    path = folder / "array.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def start_histogrammers(processes: Processes, config: Path) -> None:
    """Start both at once; return when they are ready."""
    started = {
        bank: processes.start(bank, "histogrammer", "--config", config, "--bank", bank)
        for bank in BANKS
    }
    for bank, process in started.items():
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], START_S)
        if not ready or not process.stdout.readline().startswith("ready:"):
            raise DemoError(f"{bank} did not start:\n{processes.log(bank)}")


def write_runs(folder: Path, events: int, name: str) -> dict[str, tuple[Path, Truth]]:
    """Write a run for each Bank; Bank -> its file, and what is in it."""
    written = {}
    for seed, bank in enumerate(BANKS, 1):
        path, run = folder / bank.lower() / name, SimulatedDetectors(SETUP, events, seed)
        with path.open("wb") as file:
            for piece in run.pieces():
                file.write(piece)
        written[bank] = (path, run.truth)
    return written


def spectra() -> list[tuple[str, str, list[str], list[tuple[float, float, int]]]]:
    """Spectra that are booked: name, kind, parameters, axes (low, high, bins)."""
    energy = (LOW_KEV, HIGH_KEV, BINS)
    near = (1140.3, 1370.3, 230)
    return [
        *((f"e{number}", "1", [each], [energy]) for number, each in enumerate(DETECTORS, 1)),
        ("all", "g1", DETECTORS, [energy]),
        ("partners", "g1", DETECTORS, [energy]),
        ("e1.e2", "2", DETECTORS[:2], [near, near]),
        ("e1 inside", "1", DETECTORS[:1], [energy]),
    ]


def book_by_rest(rest: SpecTclRest) -> None:
    """Book spectra and gates as clients of SpecTcl do: parameters have to be there first."""
    for name in DETECTORS:
        rest.ask("parameter/create", name=name, low=LOW_KEV, high=HIGH_KEV, bins=BINS, units="keV")
    for name, kind, parameters, axes in spectra():
        text = " ".join(f"{{{low:.17g} {high:.17g} {bins}}}" for low, high, bins in axes)
        rest.ask(
            "spectrum/create", name=name, type=kind, parameters=" ".join(parameters), axes=text
        )
    low, high = LINE
    rest.ask("gate/edit", name="line", type="s", parameter=DETECTORS[0], low=low, high=high)
    rest.ask("gate/edit", name="any line", type="gs", parameter=DETECTORS, low=low, high=high)
    x, y = zip(*CONTOUR, strict=True)
    rest.ask(
        "gate/edit",
        name="cascade",
        type="c",
        xparameter=DETECTORS[0],
        yparameter=DETECTORS[1],
        xcoord=x,
        ycoord=y,
    )
    rest.ask("apply/apply", gate="any line", spectrum="partners")
    rest.ask("fold/apply", gate="any line", spectrum="partners")
    rest.ask("apply/apply", gate="cascade", spectrum="e1 inside")


def book_by_dealer(bank: Any) -> None:
    """Book the same by calls."""
    for name, kind, parameters, axes in spectra():
        bank.create_spectrum(name, kind, parameters, axes)
    low, high = LINE
    bank.create_gate("line", "s", DETECTORS[:1], low=low, high=high)
    bank.create_gate("any line", "gs", DETECTORS, low=low, high=high)
    bank.create_gate("cascade", "c", DETECTORS[:2], points=CONTOUR)
    bank.apply_gate("any line", "partners")
    bank.fold("any line", "partners")
    bank.apply_gate("cascade", "e1 inside")


@dataclass(slots=True)
class Followed:
    """Updates of a subscription to an analysis.

    Attributes:
        seconds: Bank -> from the begin of its run to the end.
        received: Updates that came.
        lost: Updates that did not.
    """

    seconds: Mapping[str, float]
    received: int
    lost: int


def analyze(
    d: dealer.Dealer, rest: SpecTclRest, files: Mapping[str, Path], events: int
) -> Followed:
    """Have both read their files, the first by REST, and follow them to their ends.

    Raises:
        DemoError: An analysis ended early.
        TimeoutError: Nothing came for a minute.
    """
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    states: dict[str, Mapping[str, Any]] = {}
    line = ProgressLine()
    first, second = BANKS
    with d.subscribe(["analysis", "run_changed"]) as sub:
        while len(states) < len(BANKS):  # their present states: both are subscribed to
            update = sub.next(SILENT_S)
            states[update.source] = update.value
        rest.ask("attach/attach", type="file", source=files[first], format="ring")
        d[second].attach(str(files[second]))
        d[second].start()
        rest.ask("analyze/start")
        while len(ended) < len(BANKS) or not all(is_over(states[b], events) for b in BANKS):
            update = sub.next(SILENT_S)
            if update.name == "analysis":
                states[update.source] = update.value
                if update.value["error"]:
                    raise DemoError(f"{update.source}: {update.value['error']}")
            elif update.value["change"] == "begin":
                begun[update.source] = update.time
            elif update.value["change"] == "end":
                ended[update.source] = update.time
            line.write(", ".join(f"{b} {states[b]['events']} events" for b in sorted(states)))
        line.clear()
        return Followed({b: ended[b] - begun[b] for b in BANKS}, sub.received, sub.lost)


def is_over(state: Mapping[str, Any], events: int) -> bool:
    """Tell whether an analysis has read all its events."""
    return not state["active"] and state["events"] == events


@dataclass(frozen=True, slots=True)
class Findings:
    """Results of both histogrammers.

    Attributes:
        whole: Sum of the spectra of all detectors.
        combined: "e1" of a Dealer over both, as one.
        e1: The same spectrum of each, by REST.
        partners: Counts of the folded spectrum of both.
        cascade: "e1.e2" of the first.
        inside: Counts inside the gates of the first: gate -> ways -> counts.
    """

    whole: Counts
    combined: Counts
    e1: Sequence[Counts]
    partners: int
    cascade: Counts
    inside: Mapping[str, Mapping[str, int]]


def find(d: dealer.Dealer, rests: Sequence[SpecTclRest]) -> Findings:
    """Read spectra and integrals."""
    first = rests[0]
    e1 = [rest.contents("e1") for rest in rests]
    cascade = first.contents("e1.e2")
    low, high = LINE
    edges = LOW_KEV + KEV_PER_BIN * np.arange(BINS)
    inside = {
        "line": {
            "integrate": first.ask("integrate", spectrum="e1", gate="line")["counts"],
            "numpy": int(e1[0][(edges >= low) & (edges <= high)].sum()),
        },
        "cascade": {
            "integrate": first.ask("integrate", spectrum="e1.e2", gate="cascade")["counts"],
            "numpy": int(cascade[corners_inside(CONTOUR)].sum()),
            "events": int(first.contents("e1 inside").sum()),
        },
    }
    return Findings(
        whole=d.spectrum("all", combine="sum")["data"],
        combined=d.spectrum("e1", combine="sum")["data"],
        e1=e1,
        partners=int(d.spectrum("partners", combine="sum")["data"].sum()),
        cascade=cascade,
        inside=inside,
    )


def corners_inside(contour: Sequence[tuple[float, float]]) -> npt.NDArray[np.bool_]:
    """Tell which bins of "e1.e2" have their lower corners inside a contour, by a program that is none
    of this project's."""
    from matplotlib.path import Path as Outline

    ((_, _, _, axes),) = (each for each in spectra() if each[0] == "e1.e2")
    x, y = (low + (high - low) / bins * np.arange(bins) for low, high, bins in axes)
    corners = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    closed = Outline([*contour, contour[0]], closed=True)
    return np.asarray(closed.contains_points(corners)).reshape(len(y), len(x))


def conclude(found: Findings, truths: Sequence[Truth]) -> int:
    """Print what was found beside what was put in; the exit status, 0 if it is the same."""
    print(f"\n{'peak':>8} {'found':>10} {'+-':>6} {'true':>8} {'pull':>6}   (keV, counts of both)")
    right = True
    for peaks in zip(*(truth.peaks for truth in truths), strict=True):
        energy, true = peaks[0].energy, sum(peak.area for peak in peaks)
        area = peak_area(found.whole, LOW_KEV, KEV_PER_BIN, energy=energy, fwhm=peaks[0].fwhm)
        pull = area.pull(true)
        is_off = abs(pull) > MAX_SIGMAS
        right = right and not is_off
        print(
            f"{energy:8.2f} {area.counts:10.1f} {area.sigma:6.1f} {true:8d} {pull:6.2f}"
            + ("   off by more than 3 sigma" if is_off else "")
        )
    by_rest: Counts = np.sum(found.e1, axis=0)
    checks = {
        "sum of both by the Dealer, and of what REST tells of each": [
            int(found.combined.sum()),
            int(by_rest.sum()),
        ],
        "beside the line at 1332 keV (gate and fold), and cascades": [
            found.partners,
            sum(truth.coincidences for truth in truths),
        ],
        'inside the gate "line": integrate, numpy': list(found.inside["line"].values()),
        "inside the contour: integrate, numpy, events": list(found.inside["cascade"].values()),
    }
    are_same = bool(np.array_equal(found.combined, by_rest))
    print()
    for what, values in checks.items():
        differs = len(set(values)) > 1
        are_same = are_same and not differs
        print(f"{what + ':':60} {', '.join(map(str, values))}{'   differ' if differs else ''}")
    if not right:
        print("demo: an area is not what was put in", file=sys.stderr)
    if not are_same:
        print("demo: counts differ that have to be the same", file=sys.stderr)
    return 0 if right and are_same else 1


def draw(folder: Path, found: Findings) -> None:
    """Write pictures: the lines, and a gate around one; the cascade, and the contour around it."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure
    from matplotlib.patches import Polygon

    folder.mkdir(parents=True, exist_ok=True)
    edges = LOW_KEV + KEV_PER_BIN * np.arange(BINS + 1)
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    whole, near = figure.subplots(1, 2, width_ratios=(2, 1))
    whole.stairs(found.whole, edges, linewidth=0.7)
    whole.set(yscale="log", xlim=(0, 1600), xlabel="energy, keV", ylabel="counts")
    whole.set_title("all detectors of both histogrammers", fontsize="medium")
    for energy in [line.energy for line in SETUP.lines] + [FIRST_KEV, SECOND_KEV]:
        at = int((energy - LOW_KEV) / KEV_PER_BIN)
        top = found.whole[at - 3 : at + 4].max()
        place = {"xytext": (0, 4), "textcoords": "offset points", "fontsize": "x-small"}
        whole.annotate(
            f"{energy:.1f}", (energy, top), ha="center", rotation=90, va="bottom", **place
        )
    whole.set_ylim(top=8 * found.whole.max())
    near.stairs(found.e1[0], edges, linewidth=1)
    counts = found.inside["line"]["integrate"]
    near.axvspan(*LINE, color="tab:orange", alpha=0.25, label=f'gate "line": {counts} counts')
    near.set(xlim=(SECOND_KEV - 20, SECOND_KEV + 20), xlabel="energy, keV", ylabel="counts")
    near.set_title(f"{DETECTORS[0]} of {BANKS[0]}", fontsize="medium")
    near.legend(loc="upper right", fontsize="small")
    figure.suptitle("simulated gamma rays of 152-Eu and 60-Co", fontsize="medium")
    figure.savefig(folder / "lines.png", dpi=110)

    ((_, _, _, ((low, high, _), _)),) = (each for each in spectra() if each[0] == "e1.e2")
    figure = Figure(figsize=(6.5, 5.5), layout="constrained")
    axis = figure.subplots()
    shown = np.ma.masked_equal(found.cascade, 0)
    extent, colours = (low, high, low, high), LogNorm(1, max(10, found.cascade.max()))
    image = axis.imshow(shown, norm=colours, origin="lower", extent=extent, aspect="auto")
    figure.colorbar(image, label="counts")
    counts = found.inside["cascade"]["integrate"]
    label = f'gate "cascade": {counts} counts'
    axis.add_patch(Polygon(CONTOUR, fill=False, edgecolor="tab:red", label=label))
    axis.set(xlabel=f"{DETECTORS[0]}, keV", ylabel=f"{DETECTORS[1]}, keV")
    axis.set_title("two gamma rays of 60-Co at once, simulated", fontsize="medium")
    axis.legend(loc="upper right", fontsize="small")
    figure.savefig(folder / "cascade.png", dpi=110)


def run(processes: Processes, events: int, output: Path) -> int:
    """Carry out the demo; its exit status."""
    begun = time.monotonic()
    print(f"starting a port manager, and {len(BANKS)} histogrammers with ports from it", flush=True)
    manager = start_port_manager(processes)
    config = write_configuration(processes.folder, manager)
    start_histogrammers(processes, config)
    with PortManager("127.0.0.1", manager) as client:
        rests = [SpecTclRest(client.locate(f"REST_{bank}").port) for bank in BANKS]
    with dealer.Dealer(config=config) as d:
        d.add_active_player(*BANKS)
        book_by_rest(rests[0])
        book_by_dealer(d[BANKS[1]])
        first = write_runs(processes.folder, FIRST_EVENTS, "first.evt")
        analyze(d, rests[0], {bank: path for bank, (path, _) in first.items()}, FIRST_EVENTS)
        for rest in rests:
            rest.ask("spectrum/zero", pattern="*")
        print(f"writing {len(BANKS)} ring files of {events} events", flush=True)
        runs = write_runs(processes.folder, events, "run.evt")
        print("filling", flush=True)
        followed = analyze(d, rests[0], {bank: path for bank, (path, _) in runs.items()}, events)
        found = find(d, rests)
    truths = [truth for _, truth in runs.values()]
    status = conclude(found, truths)
    draw(output, found)
    size = sum(path.stat().st_size for path, _ in runs.values())
    seconds = max(followed.seconds.values())
    rates = ", ".join(f"{b} {events / s:.3g}" for b, s in followed.seconds.items())
    print(
        f"\n{BANKS[0]} was booked through REST, {BANKS[1]} by a Dealer: {len(spectra())} spectra and 3 "
        f"gates each\n"
        f"filled {len(BANKS) * events} events, {size / 1e6:.0f} MB, in {seconds:.2f} s: "
        f"{len(BANKS) * events / seconds:.3g} events/s ({rates}), reading included\n"
        f"followed by subscription: {followed.received} updates received, {followed.lost} lost\n"
        f"pictures: {output / 'lines.png'}, {output / 'cascade.png'}\n"
        f"took {time.monotonic() - begun:.1f} s"
    )
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when all is as it was put in."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--events", type=int, default=EVENTS, help="of each of both files")
    parser.add_argument("--output", type=Path, default=RUN, help="folder of the pictures")
    options = parser.parse_args(argv)

    def carry_out(processes: Processes, stack: ExitStack) -> int:
        return run(processes, options.events, options.output)

    return run_demo("demo-histogrammer", carry_out, dealer.DealerError)


if __name__ == "__main__":
    sys.exit(main())
