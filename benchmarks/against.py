"""Another revision and the present tree measured in turn: before, now, before, now ...

Both are laid out as folders beside each other: a git worktree of the revision, and a copy of what
is here now. The benchmark programs of the present tree measure both, each in a process of its own,
for which only PYTHONPATH and the current folder differ. They take turns after each block of calls,
a tenth of a second, so that both meet the same load of the machine; a round of all blocks gives a
pair of figures. What is not in blocks is measured whole. A new row has a figure of the revision,
too, if the packages of that have what the program calls.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from multiprocessing import Pipe
from pathlib import Path

from benchmarks.pairing import PairedRow, is_enough, paired_rows, paired_table, tolerance
from benchmarks.parts import selected
from benchmarks.rows import Row
from groundwork.closing import Closing

__all__ = ["ROUNDS", "RevisionError", "run", "trees"]

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 7
BUDGET_S = 90.0
"""Time for a part of the measurements, s; what takes long has fewer rounds."""
TURN_WITHIN_S = 600.0
"""A process whose turn it is says something within so long, s."""


class RevisionError(Exception):
    """There is no such revision, or no repository."""


class MeasuringError(Exception):
    """A part could not be measured; the last line that its process wrote."""


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, check=True, text=True
        )
    except FileNotFoundError:
        raise RevisionError("--against needs git") from None
    except subprocess.CalledProcessError as error:
        raise RevisionError(f"git {words[0]}: {error.stderr.strip()}") from None
    return done.stdout


def _commit(root: Path, revision: str) -> str:
    _git(root, "rev-parse", "--git-dir")
    try:
        words = ("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        return _git(root, *words).strip()
    except RevisionError:
        raise RevisionError(f"there is no revision {revision}") from None


@contextlib.contextmanager
def trees(revision: str, root: Path = ROOT) -> Iterator[tuple[Path, Path]]:
    """Lay out a revision and the present tree, both with the benchmarks of the present tree.

    Args:
        revision: As git calls it.
        root: Of the present tree.

    Raises:
        RevisionError: There is no such revision.
    """
    commit = _commit(root, revision)
    with tempfile.TemporaryDirectory(prefix="dealer-player-against-") as folder:
        before, now = Path(folder, "was"), Path(folder, "now")  # of one length
        _git(root, "worktree", "add", "--quiet", "--detach", str(before), commit)
        try:
            _copy_present(root, now)
            shutil.rmtree(before / "benchmarks", ignore_errors=True)
            shutil.copytree(now / "benchmarks", before / "benchmarks")
            for tree in (before, now):
                _describe(tree)
            yield before, now
        finally:
            _git(root, "worktree", "remove", "--force", str(before))


def _copy_present(root: Path, target: Path) -> None:
    """Copy what git knows or would know: work that is not committed is measured, caches are not."""
    known = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in known.split("\0"):
        source = root / name
        if name and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def _describe(tree: Path) -> None:
    """Write the tree's entry points as an installation does; Python looks along PYTHONPATH."""
    project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = tree / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    folder.mkdir()
    lines = [f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"]
    (folder / "METADATA").write_text(lines[0], encoding="utf-8")
    groups = {"console_scripts": project.get("scripts", {}), **project.get("entry-points", {})}
    text = "".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
        for group, points in groups.items()
    )
    (folder / "entry_points.txt").write_text(text, encoding="utf-8")


class _Measuring(Closing):
    """A part that is measured with the packages of a tree, in a process that goes on when told."""

    def __init__(self, tree: Path, part: str) -> None:
        self.rows: list[Row] | None = None
        self._connection, theirs = Pipe()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.parts", part, str(theirs.fileno())],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree)},
            pass_fds=[theirs.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )
        theirs.close()

    def close(self) -> None:
        """End it."""
        self._connection.close()
        self._process.terminate()
        self._process.wait()
        self._errors.close()

    def hear(self) -> None:
        """Wait until it passes the turn on, or has ended; then there are its rows.

        Raises:
            MeasuringError: It could not be measured.
        """
        try:
            if not self._connection.poll(TURN_WITHIN_S):
                raise MeasuringError(f"nothing within {TURN_WITHIN_S:g} s")
            self.rows = self._connection.recv()
        except (EOFError, OSError):
            raise MeasuringError(self._last_line()) from None
        if self.rows is not None:
            self._process.wait()

    def go_on(self) -> None:
        """Let it measure; errors as of `hear`."""
        with contextlib.suppress(OSError):  # it has ended: `hear` says why
            self._connection.send(None)
        self.hear()

    def _last_line(self) -> str:
        status = self._process.wait()
        self._errors.seek(0)
        text = self._errors.read().decode(errors="replace").strip()
        return text.rpartition("\n")[2] or f"exit status {status}"


def _rows_in_turn(
    before: Path, now: Path, part: str, now_begins: bool
) -> tuple[list[Row], list[Row]]:
    with _Measuring(before, part) as first, _Measuring(now, part) as second:
        sides = (second, first) if now_begins else (first, second)
        for side in sides:
            side.hear()
        while first.rows is None or second.rows is None:
            for side in sides:
                if side.rows is None:
                    side.go_on()
        return first.rows, second.rows


def _rounds(before: Path, now: Path, part: str, rounds: int) -> list[PairedRow]:
    """Measure a part some times; once more as often, if a row is worse: then all rounds count."""
    found: list[tuple[list[Row], list[Row]]] = []
    rows: list[PairedRow] = []
    begun = time.monotonic()
    for times in (1, 2):
        most, budget_s = times * rounds, times * BUDGET_S
        while not is_enough(len(found), time.monotonic() - begun, most, budget_s):
            now_begins = bool(len(found) % 2)  # so that neither always has the better place
            found.append(_rows_in_turn(before, now, part, now_begins))
        rows = paired_rows(found, tolerance(part.partition(".")[0]))
        if not any(row.verdict == "worse" for row in rows):
            break
    return rows


def _works(tree: Path, part: str) -> bool:
    with _Measuring(tree, part) as alone:
        try:
            alone.hear()
            while alone.rows is None:
                alone.go_on()
        except MeasuringError:
            return False
    return True


def run(revision: str, names: Sequence[str], rounds: int = ROUNDS) -> int:
    """Measure, print a table per part as it is done, and a summary; 1 if a row is worse.

    Args:
        revision: What git calls it.
        names: Measurements or parts; none: all.
        rounds: Pairs of each part that is quick.

    Raises:
        RevisionError: There is no such revision.
    """
    rows: list[PairedRow] = []
    notes: list[str] = []
    failed = False
    with trees(revision) as (before, now):
        for part in selected(names):
            try:
                found = _rounds(before, now, part, rounds)
            except MeasuringError as error:
                if _works(now, part):
                    notes.append(f"{part}: not with the packages of {revision}: {error}")
                else:
                    failed = True
                    notes.append(f"{part}: FAILED: {error}")
                print(notes[-1], file=sys.stderr, flush=True)
                continue
            rows += found
            if found:
                print(f"\n{part}\n{paired_table(found)}", flush=True)
    if rows:
        print(f"\nnow, of {revision}\n{paired_table(rows)}")
    for note in notes:
        print(note)
    worse = [row.what for row in rows if row.verdict == "worse"]
    if worse:
        print(f"\nworse: {'; '.join(worse)}", file=sys.stderr)
    return 1 if worse or failed else 0
