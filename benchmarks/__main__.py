"""Measure and print floor, bare design, ours, ratios, must, aim; exit status 1 if a must is missed.

With --against, measure another revision of this repository and the present tree in turn, and print
what has changed; exit status 1 if a row is worse.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from benchmarks import against
from benchmarks.parts import NAMES, Effort, selected
from benchmarks.rows import Row, cpu_table, machine, results_page, table

RESULTS = Path(__file__).with_name("RESULTS.md")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"what to measure: {', '.join(NAMES)}, or a part, as calls.query; default: all",
    )
    parser.add_argument(
        "--write", action="store_true", help=f"write {RESULTS.name}; only with all measured"
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=Effort().runs,
        help="of a row beside the bare design; default: %(default)s",
    )
    parser.add_argument(
        "--against",
        metavar="REVISION",
        help="compare with this commit, tag or branch, instead of with the floors",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=against.ROUNDS,
        help="of --against, fewer of what takes long; default: %(default)s",
    )
    return parser


def _measure(names: Sequence[str], effort: Effort) -> list[Row]:
    rows: list[Row] = []
    for name, parts in groupby(selected(names).items(), lambda item: item[0].partition(".")[0]):
        found = [row for _, part in parts for row in part(effort)]
        print(f"\n{name}\n{table(found)}", flush=True)
        if cpu := cpu_table(found):
            print(f"\n{cpu}", flush=True)
        rows += found
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.write and (options.names or options.against):
        parser.error("--write needs all measurements beside the floors")
    if options.runs < 1 or options.rounds < 1:
        parser.error("--runs and --rounds are at least 1")
    try:
        selected(options.names)
    except KeyError as error:
        parser.error(f"unknown: {error.args[0]}")
    print(machine())
    if options.against:
        try:
            return against.run(options.against, options.names, options.rounds)
        except against.RevisionError as error:
            parser.error(str(error))
    rows = _measure(options.names, Effort(runs=options.runs))
    if options.write:
        RESULTS.write_text(results_page(rows), encoding="utf-8")
    missed = [row.what for row in rows if not row.holds]
    if missed:
        print(f"\nmissed: {'; '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
