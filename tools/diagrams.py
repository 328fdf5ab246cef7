"""Diagrams of docs/architecture.md and the README: `python tools/diagrams.py` writes them into
docs/_static.

Packages and who may import whom come from the contracts in pyproject.toml; the steps of a call and
of a spectrum name modules, and a test finds all of them. Each diagram has a background of its own,
so that it can be read on dark and light pages.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "docs" / "_static"

INK, PALE, PAGE, FRAME = "#1d2329", "#59636e", "#ffffff", "#c9d1d9"
BLUE, GREEN, ORANGE, GREY, VIOLET = "#dbe9ff", "#dff3e0", "#fdebd3", "#eceff2", "#ece3fb"
CORE = "#2f6fd0"
"""Outline of what needs pyzmq and the standard library only."""
LINE = 18

PACKAGE_TEXTS = {
    "spectrometer": "DIBAS Banks, data taking",
    "histogrammer": "spectra and gates of events",
    "gateways": "clients of DiFX (gateways/difx)",
    "dashboard": "the web page of the array",
    "player": "the host of one Bank",
    "dealer": "the client of many Players",
    "zmqjsonproxy": "calls and live channels",
    "portmanager": "names of services to ports",
    "arrayconfig": "the array's file, log lines",
    "commandline": "commands and their output",
    "groundwork": "what needs nothing but Python",
}
ROW_TEXTS = ("kinds of Banks", "host and client", "shared by both", "of all commands", "below all")
ROW_FILLS = (ORANGE, GREEN, GREY, GREY, GREY)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a way.

    Attributes:
        text: What is done.
        module: Where, a path of the repository.
    """

    text: str
    module: str


@dataclass(frozen=True, slots=True)
class Lane:
    """Steps in one process.

    Attributes:
        process: Name of it.
        steps: In their order.
        leaves: What goes on to the next lane, line by line.
    """

    process: str
    fill: str
    steps: tuple[Step, ...]
    leaves: tuple[str, ...] = ()


CALL = (
    Lane(
        "observer's process: Dealer",
        BLUE,
        (
            Step("d.prepare(): a verb", "dealer/verbs.py"),
            Step("one call to all active Banks", "dealer/fanout.py"),
            Step("bytes of the call", "zmqjsonproxy/rpc/calls.py"),
            Step("in-flight calls, deadlines", "zmqjsonproxy/rpc/core.py"),
            Step("one ROUTER socket for all", "zmqjsonproxy/rpc/hub.py"),
        ),
        ("request and reply:", "JSON-RPC 2.0, or", "the original's JSON,", "over ZeroMQ"),
    ),
    Lane(
        "Player's process",
        GREEN,
        (
            Step("endpoint: one ROUTER socket", "zmqjsonproxy/rpc/server.py"),
            Step("message, dialect, batch", "zmqjsonproxy/rpc/dispatch.py"),
            Step("query now, command in its turn", "zmqjsonproxy/engine/calls.py"),
            Step("the method of the Bank", "spectrometer/bank.py"),
            Step("value or error as a reply", "zmqjsonproxy/rpc/replyencoding.py"),
        ),
    ),
)
SPECTRUM = (
    Lane(
        "spectrometer-daq",
        ORANGE,
        (
            Step("voltages, recorded or synthetic", "spectrometer/daq/source.py"),
            Step("filter bank and FFT", "spectrometer/daq/channelizer.py"),
            Step("sums by switching state", "spectrometer/daq/accumulator.py"),
            Step("FITS file", "spectrometer/daq/writer.py"),
            Step("newest integration", "spectrometer/daq/livespectra.py"),
        ),
        ("frames in", "shared memory"),
    ),
    Lane(
        "Player's process",
        GREEN,
        (
            Step("frames out of shared memory", "spectrometer/daq/liveframes.py"),
            Step("frames of a pipe", "spectrometer/spectra/publisher.py"),
            Step("which client hears of it", "zmqjsonproxy/channels/publisher.py"),
            Step("fewer points for a plot", "zmqjsonproxy/channels/reduction.py"),
        ),
        ("updates over", "ZeroMQ, counted"),
    ),
    Lane(
        "observer's process: Dealer",
        BLUE,
        (
            Step("one socket of subscriptions", "zmqjsonproxy/subscriber.py"),
            Step("counts, gaps, heartbeats", "zmqjsonproxy/channels/link.py"),
            Step("queue to its reader", "zmqjsonproxy/channels/subscription.py"),
            Step("file, plot or JSON", "dealer/framesink.py"),
        ),
    ),
)


class Canvas:
    """An SVG with a background of its own.

    Args:
        title: For those who cannot see it.
        width: Pixels.
        height: Pixels.
    """

    def __init__(self, title: str, width: int, height: int) -> None:
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="system-ui, Helvetica, Arial, sans-serif" '
            f'font-size="14" fill="{INK}">',
            f"<title>{escape(title)}</title>",
            '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
            f'markerHeight="8" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{PALE}"/>'
            "</marker></defs>",
            f'<rect width="{width}" height="{height}" rx="10" fill="{PAGE}" stroke="{FRAME}"/>',
        )
        self._parts: list[str] = []

    def text(self, x: float, y: float, line: str, style: str = "") -> None:
        """Write a line; `style` is further attributes."""
        self._parts.append(f'<text x="{x:g}" y="{y:g}"{style}>{escape(line, quote=False)}</text>')

    def box(
        self, x: float, y: float, width: float, height: float, fill: str, outline: str = FRAME
    ) -> None:
        """Draw a box."""
        stroke = 2 if outline == CORE else 1
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" '
            f'fill="{fill}" stroke="{outline}" stroke-width="{stroke}"/>'
        )

    def named_box(
        self, x: float, y: float, width: float, name: str, line: str, fill: str, outline: str
    ) -> None:
        """Draw a box with a bold name and a line below it, `BOX_HEIGHT` high."""
        self.box(x, y, width, BOX_HEIGHT, fill, outline)
        middle = x + width / 2
        self.text(middle, y + 20, name, ' text-anchor="middle" font-weight="bold"')
        self.text(middle, y + 38, line, ' text-anchor="middle" font-size="12"')

    def arrow(self, *points: tuple[float, float], both: bool = False) -> None:
        """Draw a line through some points with a tip at its end, or at both."""
        path = "L".join(f"{x:g} {y:g}" for x, y in points)
        start = ' marker-start="url(#tip)"' if both else ""
        self._parts.append(
            f'<path d="M{path}" fill="none" stroke="{PALE}" stroke-width="1.5"{start} '
            'marker-end="url(#tip)"/>'
        )

    def label(self, x: float, y: float, lines: Sequence[str]) -> None:
        """Write lines, centred, the first at a height."""
        for number, line in enumerate(lines):
            style = f' text-anchor="middle" font-size="12" fill="{PALE}"'
            self.text(x, y + number * (LINE - 3), line, style)

    def svg(self) -> str:
        """Return the text of the file."""
        return "\n".join([*self._head, *self._parts, "</svg>"]) + "\n"


BOX_HEIGHT = 50


def contracts() -> dict[str, Any]:
    """Return the settings of import-linter."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    settings: dict[str, Any] = project["tool"]["importlinter"]
    return settings


def layers(settings: dict[str, Any]) -> list[list[str]]:
    """Return the packages that exist, row by row, the uppermost first."""
    contract = next(each for each in settings["contracts"] if each["type"] == "layers")
    rows = [[name.strip(" ()") for name in row.split("|")] for row in contract["layers"]]
    return [[name for name in row if name in settings["root_packages"]] for row in rows]


def core(settings: dict[str, Any]) -> set[str]:
    """Return the packages that need pyzmq and the standard library only."""
    contract = next(
        each for each in settings["contracts"] if each["name"] == "the core needs only pyzmq"
    )
    return set(contract["source_modules"])


def packages_svg() -> str:
    """Return the diagram of packages: who may import whom."""
    settings = contracts()
    width, box, gap, pitch, left = 860, 208, 20, 96, 150
    rows, light = layers(settings), core(settings)
    canvas = Canvas("Packages, and who may import whom", width, pitch * len(rows) + 88)
    for number, (row, says, fill) in enumerate(zip(rows, ROW_TEXTS, ROW_FILLS, strict=True)):
        y = 24 + number * pitch
        canvas.text(20, y + 30, says, f' fill="{PALE}"')
        if number:
            middle = left + (3 * box + 2 * gap) / 2
            canvas.arrow((middle, y - pitch + BOX_HEIGHT + 4), (middle, y - 4))
            canvas.label(middle + 50, y - 18, ["may import"])
        shift = (3 - len(row)) * (box + gap) / 2
        for place, name in enumerate(row):
            outline = CORE if name in light else FRAME
            x = left + shift + place * (box + gap)
            colour = BLUE if name == "dealer" else fill
            canvas.named_box(x, y, box, name, PACKAGE_TEXTS[name], colour, outline)
    bottom = pitch * len(rows) + 32
    for line, text in enumerate(
        (
            "A package may import those of all rows below it, none of a row above, and none of its own row.",
            "So a Dealer and a Player meet on the wire only. Blue outline: the core, which needs pyzmq "
            "and nothing else.",
        )
    ):
        canvas.text(20, bottom + line * LINE, text, ' font-size="13"')
    return canvas.svg()


def lanes_svg(title: str, lanes: Sequence[Lane]) -> str:
    """Return the diagram of a way through processes, a lane for each."""
    width, gutter, pitch, top = 290, 150, BOX_HEIGHT + 22, 64
    rows = max(len(lane.steps) for lane in lanes)
    places = [20 + number * (width + gutter) for number in range(len(lanes))]
    canvas = Canvas(title, places[-1] + width + 20, top + rows * pitch + 16)
    for x in places:
        canvas.box(x, 16, width, top + rows * pitch - 16, PAGE)
    for x, lane in zip(places, lanes, strict=True):
        canvas.text(x + width / 2, 42, lane.process, ' text-anchor="middle" font-weight="bold"')
        middle = x + width / 2
        for row, step in enumerate(lane.steps):
            y = top + row * pitch
            if row:
                canvas.arrow((middle, y - pitch + BOX_HEIGHT + 2), (middle, y - 2))
            canvas.box(x + 8, y, width - 16, BOX_HEIGHT, lane.fill)
            canvas.text(middle, y + 20, step.text, ' text-anchor="middle"')
            style = ' text-anchor="middle" font-size="12" font-family="ui-monospace, monospace"'
            canvas.text(middle, y + 39, step.module, style)
        if lane.leaves:
            last = top + (len(lane.steps) - 1) * pitch + BOX_HEIGHT / 2
            first, bend = top + BOX_HEIGHT / 2, x + width + 24
            canvas.arrow(
                (x + width - 6, last), (bend, last), (bend, first), (x + width + gutter + 7, first)
            )
            canvas.label(x + width + gutter / 2 + 12, first + 30, lane.leaves)
    return canvas.svg()


@dataclass(frozen=True, slots=True)
class HostedBank:
    """A Player on a host, as the diagram of an array shows it."""

    host: str
    bank: str
    kind: str
    owns: tuple[str, str]


ARRAY = (
    HostedBank("hpc1", "BANKA", "spectrometer", ("ROACH board, synthesizer", "FITS files, status")),
    HostedBank("hpc2", "BANKB", "spectrometer", ("ROACH board, synthesizer", "FITS files, status")),
    HostedBank("daq1", "HISTA", "histogrammer", ("ring items of a detector", "spectra, gates")),
    HostedBank("lab1", "SUPPLY", "a kind of your own", ("a device of yours", "what it publishes")),
)
CLIENTS = (
    (("Dealer", "script, prompt, command"), "calls, live values", BLUE),
    (("browser, Prometheus", "endpoint http"), "", VIOLET),
    (("SpecTcl and DiFX clients", "endpoints of their protocols"), "", VIOLET),
)


def array_svg() -> str:
    """Return the diagram of Dealer, Players and Banks on their hosts."""
    pitch, left, host_width, width = 92, 400, 540, 960
    canvas = Canvas(
        "A Dealer, and Players with their Banks on four hosts", width, len(ARRAY) * pitch + 26
    )
    bus = left - 60
    for number, hosted in enumerate(ARRAY):
        y = 20 + number * pitch
        canvas.box(left, y, host_width, pitch - 14, GREY)
        canvas.text(left + 12, y + 43, hosted.host, f' fill="{PALE}" font-weight="bold"')
        canvas.named_box(left + 70, y + 14, 120, "Player", "the daemon", GREEN, FRAME)
        canvas.named_box(left + 206, y + 14, 116, hosted.bank, "Bank", ORANGE, FRAME)
        canvas.text(left + 338, y + 26, hosted.kind, ' font-size="12" font-weight="bold"')
        for line, text in enumerate(hosted.owns):
            canvas.text(left + 338, y + 44 + 16 * line, text, ' font-size="12"')
        canvas.arrow((bus, y + 39), (left - 2, y + 39))
    first, last = 20 + 39, 20 + (len(ARRAY) - 1) * pitch + 39
    canvas.arrow((bus, last), (bus, first), both=True)
    for number, (lines, says, fill) in enumerate(CLIENTS):
        y = 34 + number * (pitch + 46)
        canvas.named_box(20, y, 210, *lines, fill, FRAME)
        canvas.arrow((232, y + BOX_HEIGHT / 2), (bus - 2, y + BOX_HEIGHT / 2), both=True)
        canvas.label(295, y + 14, [says] if says else [])
    return canvas.svg()


def diagrams() -> dict[str, str]:
    """Return all diagrams by the names of their files."""
    return {
        "array.svg": array_svg(),
        "packages.svg": packages_svg(),
        "call.svg": lanes_svg("The way of a call", CALL),
        "spectrum.svg": lanes_svg("The way of a spectrum", SPECTRUM),
    }


def main() -> int:
    """Write all diagrams."""
    for name, text in diagrams().items():
        (STATIC / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
