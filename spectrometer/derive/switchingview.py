"""A switching cycle for people: as text for a terminal, and as a picture (SVG) for a notebook."""

from __future__ import annotations

from collections.abc import Iterator

from spectrometer.derive.switching import SsgPhase, SwitchingCycle

__all__ = ["as_svg", "as_text"]

WIDTH = 64  # characters of a time line
PLOT, LABELS, ROW = 640, 90, 34  # pixels of the picture: time line, its labels, one signal

_SIGNALS = (("noise diode", "cal"), ("reference", "sr1"), ("blanking", "blank"))


def _time(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds == 0 or abs(seconds) * factor >= 1:
            return f"{seconds * factor:.6g} {unit}"
    return f"{seconds * 1e9:.6g} ns"


def _spans(cycle: SwitchingCycle) -> Iterator[tuple[SsgPhase, float, float]]:
    """(phase, begin, end) with times as fractions of the cycle."""
    whole, begun = max(cycle.granules, 1), 0
    for phase in cycle.phases:
        yield phase, begun / whole, (begun + phase.granules) / whole
        begun += phase.granules


def _seconds(cycle: SwitchingCycle) -> float:
    """The cycle's real duration; its `period` is 1 for a single phase."""
    return cycle.granules * cycle.spec_tick


def as_text(cycle: SwitchingCycle) -> str:
    """A table of the states, and a time line of each signal: `#` on, `.` off.

    Raises:
        SwitchingError: There is no phase.
    """
    gbt, seconds = cycle.gbt(), _seconds(cycle)
    lines = [
        f"switching cycle of {_time(seconds)}: {len(gbt.starts)} states, {len(cycle.phases)} phases, "
        f"granule {_time(cycle.spec_tick)}",
        "",
        f"{'state':5}  {'begins':>12}  {'lasts':>12}  {'blanked':>12}  noise diode  sig/ref",
    ]
    ends = [*gbt.starts[1:], 1.0]
    for number, (start, end) in enumerate(zip(gbt.starts, ends, strict=True)):
        lines.append(
            f"{number + 1:5}  {_time(start * seconds):>12}  {_time((end - start) * seconds):>12}  "
            f"{_time(gbt.blanking[number]):>12}  {'on' if gbt.cal[number] else 'off':11}  "
            f"{'ref' if gbt.sig_ref[number] else 'sig'}"
        )
    lines.append("")
    for label, attribute in _SIGNALS:
        line = ["."] * WIDTH
        for phase, begin, end in _spans(cycle):
            if getattr(phase, attribute):
                first = min(int(begin * WIDTH), WIDTH - 1)
                for place in range(
                    first, max(int(end * WIDTH), first + 1)
                ):  # however short, it is seen
                    line[place] = "#"
        lines.append(f"{label:11}  {''.join(line)}")
    return "\n".join(lines)


def as_svg(cycle: SwitchingCycle) -> str:
    """The signals over one cycle, drawn.

    Raises:
        SwitchingError: There is no phase.
    """
    gbt, seconds = cycle.gbt(), _seconds(cycle)
    height = ROW * len(_SIGNALS) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABELS + PLOT + 20}" height="{height}" '
        f'viewBox="0 0 {LABELS + PLOT + 20} {height}" font-family="sans-serif" font-size="12">',
        f"<title>switching cycle of {_time(seconds)}, {len(gbt.starts)} states</title>",
    ]
    for start in gbt.starts:
        x = LABELS + start * PLOT
        place = f'x1="{x:.2f}" y1="8" x2="{x:.2f}" y2="{height - 26}"'
        parts.append(f'<line {place} stroke="#bbb" stroke-dasharray="3 3"/>')
    for row, (label, attribute) in enumerate(_SIGNALS):
        base = 8 + ROW * (row + 1) - 8
        points: list[str] = []
        for phase, begin, end in _spans(cycle):
            y = base - (ROW - 14 if getattr(phase, attribute) else 0)
            points += [f"{LABELS + begin * PLOT:.2f},{y}", f"{LABELS + end * PLOT:.2f},{y}"]
        parts.append(f'<text x="0" y="{base - 4}">{label}</text>')
        parts.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="#1f5fa8" stroke-width="2"/>'
        )
    parts.append(f'<text x="{LABELS}" y="{height - 8}">0</text>')
    parts.append(
        f'<text x="{LABELS + PLOT}" y="{height - 8}" text-anchor="end">{_time(seconds)}</text>'
    )
    return "\n".join([*parts, "</svg>"])
