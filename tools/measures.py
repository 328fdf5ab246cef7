"""Sizes of the source and lengths of call paths, as Markdown tables.

`python tools/measures.py` measures the working tree, `--revision REV` another commit,
`--against REV` what changed since one, in %; `--list` adds the functions of each path; `sizes` or
`paths` alone is possible.

Sizes, by `ast`, of each package of the wheels (`pyproject.toml` of the measured tree):

- statements: every statement at any depth; a docstring, or another text by itself, is none. How
  the text is laid out does not matter.
- public names: functions, classes and values that a module defines at its top, without an
  underscore at the front and, in a module with `__all__`, named there. What is imported counts
  where it is defined; a module whose own name begins with an underscore has none, but `__init__`.
- exported: names in `__all__` of the package itself.
- long modules: over 600 lines. Long functions: over 60 statements, those of inner functions too.

Paths, by `sys.setprofile` in all threads: distinct functions, and files, of the packages without
`spectrometer` that one call passes. At a Dealer with two Banks, Players of simulated spectrometers,
processes on loopback; their mode is set already. At a server in a process of its own, whose Bank
does nothing. A generator is one function, however often it goes on; comprehensions, C functions and
generated `__init__` are none. Calls are warmed up and come 0.1 s and more apart; work that threads
finish after the answer is included. Of several rounds the set of functions that most had counts, so
that what is due now and then is left out; the last column says how many had it.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from itertools import starmap
from operator import add
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTRUMENT = "spectrometer"
"""The package that the sum leaves out, and paths too."""
MAX_LINES, MAX_STATEMENTS = 600, 60
WITHIN_S = 300.0
"""All calls of one tree."""

Function = tuple[str, str, int]
Paths = Mapping[str, Mapping[str, tuple[Sequence[Function], int]]]
"""Place -> call -> functions (file, name, line) as they are called first, rounds that had them."""

# sizes


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts of a module, or of several."""

    statements: int = 0
    modules: int = 0
    public: int = 0
    exported: int = 0
    long_modules: int = 0
    long_functions: int = 0

    def __add__(self, other: Sizes) -> Sizes:
        return Sizes(*starmap(add, zip(astuple(self), astuple(other), strict=True)))


def statements(tree: ast.AST) -> int:
    """Count the statements below a node."""
    below = (n for n in ast.walk(tree) if isinstance(n, ast.stmt) and n is not tree)
    return sum(not _is_text(node) for node in below)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def long_functions(tree: ast.AST) -> int:
    """Count the functions, methods and inner functions with too many statements."""
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return sum(statements(function) > MAX_STATEMENTS for function in functions)


def defined(body: Sequence[ast.stmt]) -> set[str]:
    """Return the names that statements of a module define, without those that they import."""
    names: set[str] = set()
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Assign(targets=targets):
                names.update(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.If() | ast.Try() | ast.TryStar() | ast.With():
                parts = [node.body, getattr(node, "orelse", []), getattr(node, "finalbody", [])]
                parts += [handler.body for handler in getattr(node, "handlers", [])]
                names.update(*map(defined, parts))
    return names


def exported(body: Sequence[ast.stmt]) -> set[str] | None:
    """Return what `__all__` names; None: there is none, or none that can be read."""
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() | ast.Tuple()):
                return set(ast.literal_eval(node.value))
    return None


def sizes_of(text: str, name: str = "module") -> Sizes:
    """Measure the text of a module; `exported` is left at 0."""
    tree = ast.parse(text)
    public = {each for each in defined(tree.body) if not each.startswith("_")}
    if name.startswith("_") and name != "__init__":
        public.clear()
    if (named := exported(tree.body)) is not None:
        public &= named
    return Sizes(
        statements=statements(tree),
        modules=1,
        public=len(public),
        long_modules=int(len(text.splitlines()) > MAX_LINES),
        long_functions=long_functions(tree),
    )


def sizes_of_package(folder: Path) -> Sizes:
    """Measure all modules of a package."""
    face = exported(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")).body)
    each = (sizes_of(path.read_text(encoding="utf-8"), path.stem) for path in folder.rglob("*.py"))
    return sum(each, Sizes(exported=len(face or ())))


def packages(tree: Path) -> list[str]:
    """Return the names of the packages that are distributed."""
    project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    return list(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


def sizes_of_tree(tree: Path) -> dict[str, Sizes]:
    """Measure all packages; the sum without `INSTRUMENT` and then that package come last."""
    each = {name: sizes_of_package(tree / name) for name in packages(tree)}
    instrument = each.pop(INSTRUMENT)
    return {**each, f"all but {INSTRUMENT}": sum(each.values(), Sizes()), INSTRUMENT: instrument}


# paths


def paths_of_tree(tree: Path) -> Paths:
    """Record the paths of calls, in processes that import the packages from that tree."""
    names = [name for name in packages(tree) if name != INSTRUMENT]
    program = ROOT / "tools" / "callpaths.py"
    done = subprocess.run(
        [sys.executable, str(program), str(tree), *names],
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=WITHIN_S,
        cwd=tree,
    )
    found: Paths = json.loads(done.stdout)
    return found


# tables


def cell(now: int, before: int | None = None) -> str:
    """Return a count, and if there is an older one, that too and the change."""
    if before is None:
        return f"{now:,}"
    change = f" ({100 * (now / before - 1):+.1f} %)" if before and now != before else ""
    return f"{before:,} → {now:,}{change}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """Return a Markdown table; the first columns are `texts`, all others are on the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def put(line: Sequence[str]) -> str:
        pairs = enumerate(zip(line, widths, strict=True))
        cells = [text.ljust(w) if n < texts else text.rjust(w) for n, (text, w) in pairs]
        return f"| {' | '.join(cells)} |"

    rule = ["-" * w if n < texts else "-" * (w - 1) + ":" for n, w in enumerate(widths)]
    return "\n".join([put(head), put(rule), *map(put, rows)])


def sizes_table(now: Mapping[str, Sizes], before: Mapping[str, Sizes] | None = None) -> str:
    """Return the sizes as a table; a package that one of both has not counts nothing there."""
    head = ["package", "statements", "modules", "public names", "exported"]
    head += [f"modules > {MAX_LINES} lines", f"functions > {MAX_STATEMENTS} statements"]
    rows = []
    names = list(now) if before is None else [*now, *(name for name in before if name not in now)]
    for name in names:
        counts: tuple[int, ...] = astuple(now.get(name, Sizes()))
        if before is None:
            rows.append([name, *map(cell, counts)])
        else:
            rows.append([name, *map(cell, counts, astuple(before.get(name, Sizes())))])
    return table(head, rows)


def paths_table(now: Paths, before: Paths | None = None) -> str:
    """Return the lengths of the paths as a table."""
    rows = []
    for where, calls in now.items():
        for call, (functions, agreed) in calls.items():
            old, _ = (None, 0) if before is None else before[where][call]
            lengths = [cell(len(functions), None if old is None else len(old))]
            lengths += [cell(_files(functions), None if old is None else _files(old))]
            rows.append([f"`{call}`", where, *lengths, str(agreed)])
    return table(["call", "at", "functions", "files", "rounds"], rows, texts=2)


def _files(functions: Sequence[Function]) -> int:
    return len({file for file, _, _ in functions})


def paths_lists(paths: Paths, of: str) -> str:
    """Return the functions of each path, in the order of their first calls."""
    parts = []
    for where, calls in paths.items():
        for call, (functions, _) in calls.items():
            lines = [f"{n}. `{file}` {name}" for n, (file, name, _) in enumerate(functions, 1)]
            parts.append("\n".join([f"### `{call}`, {where}, {of}\n", *lines]))
    return "\n\n".join(parts)


# the command


def _git(*words: str) -> bytes:
    return subprocess.run(
        ["git", "-C", str(ROOT), *words], check=True, stdout=subprocess.PIPE
    ).stdout


def _revision(word: str) -> str:
    try:
        return _git("rev-parse", "-q", "--verify", f"{word}^{{commit}}").decode().strip()
    except subprocess.CalledProcessError:
        raise argparse.ArgumentTypeError(f"no commit: {word}") from None


@contextmanager
def _tree(revision: str | None) -> Iterator[tuple[Path, str]]:
    """Yield the folder of a revision, or the working tree, and a name of it."""
    short = _git("rev-parse", "--short", revision or "HEAD").decode().strip()
    if revision is None:
        yield ROOT, short + (" and changes" if _git("status", "--porcelain") else "")
        return
    with tempfile.TemporaryDirectory(prefix="measures-") as folder:
        with tarfile.open(fileobj=io.BytesIO(_git("archive", revision))) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder), short


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", metavar="sizes|paths", help="what to measure; all")
    parser.add_argument("--revision", type=_revision, metavar="REV", help="measure this commit")
    parser.add_argument(
        "--against", type=_revision, metavar="REV", help="measure this one too, and compare"
    )
    parser.add_argument("--list", action="store_true", help="print the functions of the paths")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = build_parser()
    options = parser.parse_args(argv)
    if unknown := set(options.what) - {"sizes", "paths"}:
        parser.error(f"cannot measure {', '.join(sorted(unknown))}; there are: sizes, paths")
    measures = options.what or ["sizes", "paths"]
    revisions = [options.revision] + ([options.against] if options.against else [])
    sizes, paths, names = [], [], []
    for revision in revisions:
        with _tree(revision) as (tree, name):
            names.append(name)
            if "sizes" in measures:
                sizes.append(sizes_of_tree(tree))
            if "paths" in measures:
                paths.append(paths_of_tree(tree))
    print(f"Measured: {' → '.join(reversed(names))}")
    if sizes:
        print(f"\n{sizes_table(*sizes)}")
    if paths:
        print(f"\n{paths_table(*paths)}")
    if options.list:
        for found, name in zip(paths, names, strict=bool(paths)):
            print(f"\n{paths_lists(found, name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
