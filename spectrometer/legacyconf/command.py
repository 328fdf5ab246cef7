"""The command `player migrate`: files in and out, and what is said about them."""

from __future__ import annotations

import argparse
import codecs
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from commandline import DONE, FAILED, argument, command, flag, json_text, say
from player.config import load
from player.errors import ConfigError, Fault
from spectrometer.legacyconf import Migration, MigrationFinding, Sort, migrate, report

__all__ = ["COMMAND"]

MAX_BYTES = 16 << 20


def _old_text(path: Path) -> tuple[str, list[MigrationFinding]]:
    """Read the old file; Latin-1 if it is no UTF-8.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:  # may be a pipe
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with NUL
        text = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError([Fault(path, None, "", f"cannot be read: {text}")]) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(
            [Fault(path, None, "", f"cannot be read: more than {MAX_BYTES >> 20} MiB")]
        )
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        said = MigrationFinding(
            1, "", "", Sort.DOUBTFUL, "UTF-16 text, which the original could not read; read as such"
        )
        return data.decode("utf-16", "replace"), [said]
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise ConfigError([Fault(path, line, "", "is no text: it has NUL bytes; save it as UTF-8")])
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return data.decode("latin-1"), [
            MigrationFinding(line, "", "", Sort.DOUBTFUL, "not UTF-8 text; read as Latin-1")
        ]


@cache
def _resolve(host: str) -> str | None:
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)
    except (OSError, ValueError):  # ValueError: what no name can be
        return None
    return str(found[0][4][0])


def _checked(toml: str, shown: Path) -> list[Fault]:
    """Return what `player check` would say of a text if it stood in the file that is shown."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dibas.toml"
        file.write_text(toml, encoding="utf-8")
        try:
            load(file, {})
        except ConfigError as error:
            return [Fault(shown, fault.line, fault.key, fault.text) for fault in error.faults]
    return []


def _write(path: Path, old: Path, text: str, *, over: bool) -> None:
    """Write the new file as a whole or not at all.

    Raises:
        ConfigError: It is there already, or cannot be written.
    """
    try:
        if path.exists() and path.samefile(old):
            raise ConfigError([Fault(path, None, "", "is the old file; give another name to -o")])
        if not over and (path.exists() or path.is_symlink()):
            raise ConfigError([Fault(path, None, "", "is there already; --force writes over it")])
        target = path.resolve()
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as stream:
            try:
                stream.write(text)
                stream.flush()
                Path(stream.name).chmod(0o644)
                os.replace(stream.name, target)
            except OSError:
                Path(stream.name).unlink()
                raise
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError([Fault(path, None, "", f"cannot be written: {text}")]) from error


def _say(
    old: Path, findings: Sequence[MigrationFinding], faults: Sequence[Fault], *, is_written: bool
) -> None:
    for line in report(findings, str(old)):
        print(line, file=sys.stderr)
    for fault in faults:  # lines of a file that is not there help nobody
        shown = fault if is_written else Fault(fault.file, None, fault.key, fault.text)
        say("player check", shown)
    counts = {sort: sum(finding.sort is sort for finding in findings) for sort in Sort}
    wrong = counts[Sort.FAULT] + len(faults)
    tail = (
        " fault"
        if wrong == 1
        else " faults"
        if wrong
        else " faults; the new file passes `player check`"
    )
    print(
        f"{old}: {counts[Sort.DROPPED]} dropped, {counts[Sort.DOUBTFUL]} doubtful, {wrong}{tail}",
        file=sys.stderr,
    )
    if not is_written:
        print(f"{old}: nothing is written; put the faults right, or give --force", file=sys.stderr)


def _answer(
    migration: Migration,
    findings: Sequence[MigrationFinding],
    faults: Sequence[Fault],
    output: Path | None,
) -> str:
    answer = {
        "passes": not faults and not migration.faults,
        "findings": [finding.describe() for finding in findings],
        "check": [{"line": fault.line, "key": fault.key, "text": fault.text} for fault in faults],
        "output": None if output is None else str(output),
    }
    return json_text(answer | ({"toml": migration.toml} if output is None else {}))


def _run(args: argparse.Namespace) -> int:
    text, findings = _old_text(args.file)
    migration = migrate(text, _resolve if args.resolve else None)
    findings += migration.findings
    faults = _checked(migration.toml, args.output or Path("dibas.toml"))
    passes = not faults and not migration.faults
    is_written = passes or args.force
    if args.output is not None and is_written:
        _write(args.output, args.file, migration.toml, over=args.force)
    if args.json:
        print(_answer(migration, findings, faults, args.output if is_written else None))
    else:
        _say(args.file, findings, faults, is_written=is_written)
        if args.output is None and is_written:
            sys.stdout.write(migration.toml)
    return DONE if passes else FAILED


COMMAND = command(
    "migrate",
    _run,
    "turn the original's dibas.conf into dibas.toml, and list every key that is dropped or doubtful",
    argument("file FILE", "the original's INI file", type=Path),
    argument("-o --output FILE", "the new file; default: standard output", type=Path),
    flag("--force", "write over a file that is there, and write what does not pass the check"),
    flag("--resolve", "look up hosts from here; write addresses, list hosts that have none"),
    flag("--json", "print the list as JSON, and the new file in it without -o"),
    epilog="The list goes to standard error. Exit status: 0 the new file passes `player check`, 1 it does not, "
    "and is written with --force only, 2 usage, or a file that cannot be read or written.",
)
