"""Measure and print floor, ours, ratio, must and aim; exit status 1 if a "must" is missed."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.rows import Row, machine, results_page, table

NAMES = (
    "calls",
    "arrays",
    "fanout",
    "operations",
    "channelizer",
    "portmanager",
    "instrument",
    "scans",
    "starting",
    "plan",
)
RESULTS = Path(__file__).with_name("RESULTS.md")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"what to measure: {', '.join(NAMES)}; default: all",
    )
    parser.add_argument(
        "--write", action="store_true", help=f"write {RESULTS.name}; only with all measured"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = build_parser()
    options = parser.parse_args(argv)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    if options.write and options.names:
        parser.error("--write needs all measurements")
    print(machine())
    rows: list[Row] = []
    for name in options.names or NAMES:
        part: list[Row] = importlib.import_module(f"benchmarks.{name}").rows()
        print(f"\n{name}\n{table(part)}", flush=True)
        rows += part
    if options.write:
        RESULTS.write_text(results_page(rows), encoding="utf-8")
    missed = [row.what for row in rows if not row.holds]
    if missed:
        print(f"\nmissed: {'; '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
