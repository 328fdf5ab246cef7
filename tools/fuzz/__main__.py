"""The command `python -m tools.fuzz`."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType

from tools.fuzz.targets import TARGETS

ABSENT = "tools.fuzz: atheris is not installed here; install it with `pip install atheris`, or run `make fuzz`"
LONGEST_BYTES, LONGEST_WORD = 4096, 24
ONE_INPUT_WITHIN_S = 10
MEMORY_MIB = 2048


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="of each target; default: %(default)g"
    )
    parser.add_argument(
        "--targets", nargs="+", choices=sorted(TARGETS), metavar="NAME", help="default: all"
    )
    parser.add_argument(
        "--found",
        type=Path,
        default=Path("fuzz-found"),
        metavar="FOLDER",
        help="bytes that broke something go there",
    )
    parser.add_argument("--list", action="store_true", help="show the targets")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("options", nargs="*", help=argparse.SUPPRESS)
    return parser


def fuzz_one(name: str, options: Sequence[str]) -> int:
    """Look for bytes that break one target, until libFuzzer ends the process."""
    import atheris  # type: ignore[import-untyped]  # of this command alone

    target = TARGETS[name]

    def test(data: bytes) -> None:
        target.try_bytes(data)

    for function in _functions():
        atheris.instrument_func(function)
    atheris.Setup([name, *options], test)
    atheris.Fuzz()
    return 0


def _functions() -> Iterator[FunctionType]:
    """Yield the functions of the readers: what they stand on is neither counted nor searched."""
    for name, module in list(sys.modules.items()):
        if ".protocol" not in name and not name.endswith((".wirejson", ".ndarray")):
            continue
        for value in list(vars(module).values()):
            if getattr(value, "__module__", None) != name:
                continue
            inside = list(vars(value).values()) if isinstance(value, type) else [value]
            yield from (one for one in inside if isinstance(one, FunctionType))


def _constants(code: CodeType) -> Iterator[bytes]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _constants(constant)
        elif isinstance(constant, str):
            yield constant.encode()
        elif isinstance(constant, bytes):
            yield constant


def dictionary(samples: Sequence[bytes]) -> str:
    """Return words that readers look for, as libFuzzer takes them: those of their code and of the
    samples."""
    words = {word for function in _functions() for word in _constants(function.__code__)}
    words |= {word for sample in samples for word in re.findall(rb"[A-Za-z_.]{2,}", sample)}
    words |= {b'"', b"{", b"}", b"[", b"]", b":", b",", b"null", b"true", b"1e999", b"NaN", b"-1"}
    return "".join(
        f'"{"".join(f"{chr(92)}x{byte:02x}" for byte in word)}"\n'
        for word in sorted(words)
        if 0 < len(word) <= LONGEST_WORD
    )


def run(name: str, minutes: float, found: Path) -> bool:
    """Run a target in a process of its own; False: it broke."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        corpus, words_file = Path(folder) / "corpus", Path(folder) / "words"
        corpus.mkdir()
        words_file.write_text(dictionary(TARGETS[name].samples), encoding="ascii")
        for number, sample in enumerate(TARGETS[name].samples):
            (corpus / f"sample-{number}").write_bytes(sample)
        options = [
            f"-max_total_time={max(int(60 * minutes), 1)}",
            f"-max_len={LONGEST_BYTES}",
            "-print_final_stats=1",
        ]
        options += [
            f"-timeout={ONE_INPUT_WITHIN_S}",
            f"-rss_limit_mb={MEMORY_MIB}",
            f"-artifact_prefix={found / name}-",
            f"-dict={words_file}",
            str(corpus),
        ]
        words = [sys.executable, "-m", "tools.fuzz", "--one", name, "--", *options]
        done = subprocess.run(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    runs = [
        line.split()[-1] for line in done.stdout.splitlines() if "number_of_executed_units" in line
    ]
    print(
        f"{name:24} {runs[-1] if runs else '?':>10} inputs  {'fine' if done.returncode == 0 else 'BROKEN'}",
        flush=True,
    )
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-40:]), flush=True)
    return done.returncode == 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command: 1 if a target broke."""
    options = build_parser().parse_args(argv)
    if options.list:
        for target in TARGETS.values():
            print(f"{target.name:24} {target.folder}")
        return 0
    if importlib.util.find_spec("atheris") is None:
        print(ABSENT, file=sys.stderr)
        return 1
    if options.one:
        return fuzz_one(options.one, options.options)
    options.found.mkdir(parents=True, exist_ok=True)
    names = options.targets or list(TARGETS)
    broken = [name for name in names if not run(name, options.minutes, options.found)]
    if not broken and not os.listdir(options.found):
        options.found.rmdir()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
