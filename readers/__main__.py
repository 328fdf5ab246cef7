"""`python -m readers`: the whole matrix.

Exit status: 0 all is right, 1 a reader found something else than was put in, or refused a file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from readers.environments import readers
from readers.matrix import CASES, Result, results
from readers.report import PAGE, write_tables


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m readers", description="Give our files to foreign readers."
    )
    parser.add_argument("name", nargs="*", help="reader; default: all")
    parser.add_argument(
        "--set-up", action="store_true", help="first make the environments of those that have none"
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only files whose name has this in it"
    )
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the matrix."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.name) - set(readers()):
        parser.error(f"no reader {', '.join(sorted(unknown))}; there are {', '.join(readers())}")
    wanted = [
        reader for name, reader in readers().items() if not arguments.name or name in arguments.name
    ]
    for reader in wanted:
        why_not = reader.set_up() if arguments.set_up else "" if reader.command else reader.why_not
        if why_not:
            print(f"left out: {why_not}", flush=True)
    found: list[Result] = []
    for case in CASES:
        if arguments.only not in case.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for result in results(case, wanted, Path(folder)):
                found.append(result)
                wrong = result.refusal or "; ".join(
                    str(figure) for figure in result.figures if not figure.is_right
                )
                print(f"{result.reader.name:10} {case.name:45} {wrong or 'right'}", flush=True)
    if arguments.write:
        write_tables(found)
        print(PAGE)
    wrong_ones = sum(not result.is_right for result in found)
    print(f"{len(found) - wrong_ones} of {len(found)} answers are right")
    return 1 if wrong_ones or not found else 0


if __name__ == "__main__":
    sys.exit(main())
