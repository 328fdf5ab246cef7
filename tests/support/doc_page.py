"""Runs the examples of one page of the documentation, against simulated Players on ports of the
system.

A command: `python -m support.doc_page PAGE FOLDER`. Run are fenced blocks of README.md and of
docs/, in the order of the page and in one folder of its own:

- `python`: executed; all blocks of a page share their names. One that begins with `>>>` is compared
  with its output.
- `console`: lines that begin with `$ ` are run by bash, the venv first in PATH, and have to
  succeed; one that ends in `&` runs until the end of the page. Lines below a command are its
  output; where there are none it is not compared.

`...` in an output stands for any text. A comment before a block changes what is done with it: `<!--
file: NAME -->` writes it to a file of that name, `<!-- append: NAME -->` adds it to one, `<!-- not
run: REASON -->` leaves it out. The folder has the project's `conf/` and `examples/`. Of the text
only what belongs to one machine is replaced: ports, names of shared memory, the recording's path,
and the length of the README's scan.
"""

from __future__ import annotations

import contextlib
import ctypes
import doctest
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from support.memory import free_key
from support.player_run import clean_environment, free_port
from support.recordings import recording

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(
    r"(?:^<!-- (?P<marker>[^>]+) -->\n+)?^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PLAYER = "player BANKA tcp://127.0.0.1:6667 simulate --config conf/dibas.toml &"
BEFORE = {"README.md": PLAYER, "docs/index.md": PLAYER}
"""Things that a page takes for granted."""
READY = "player ready BANKA tcp://127.0.0.1:6667 --timeout 30"
ENDS_WITHIN_S = 20.0
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Ask the kernel for SIGTERM when our parent dies: a run of the tests that is killed leaves no
    Player behind."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


@dataclass(frozen=True)
class Block:
    """One fenced block and the comment before it."""

    line: int
    language: str
    marker: str
    body: str

    @property
    def is_used(self) -> bool:
        """True if anything is done with it."""
        return not self.marker.startswith("not run:") and (
            self.marker.startswith(("file:", "append:")) or self.language in ("python", "console")
        )


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page that name a language."""
    return [
        Block(
            text.count("\n", 0, m.start("body")),
            m["language"],
            (m["marker"] or "").strip(),
            m["body"],
        )
        for m in BLOCK.finditer(text)
    ]


def commands_of(body: str) -> list[tuple[str, str]]:
    """(command, expected output) of a console session."""
    found: list[tuple[str, str]] = []
    for line in body.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            found.append((line[2:].strip(), ""))
        else:
            assert found, f"output before the first command: {line!r}"
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


class Page:
    """Runs the blocks of one page.

    Args:
        name: Path below the project.
        folder: Where it runs.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.names: dict[str, Any] = {"__name__": "__example__"}
        self._there: dict[str, str] = {}
        self._background: list[subprocess.Popen[bytes]] = []
        paths = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
        self._environment = clean_environment(
            DIBAS_DATA=str(folder / "data"),
            PATH=os.pathsep.join(paths),
            PYTHONWARNINGS="ignore",
            COLUMNS="100",
            HOME=str(folder / "home"),  # a reader's own; nothing is written into ours
        )
        del self._environment["DIBAS_KEYS"]  # a reader's own keys are below their home
        (folder / "home").mkdir()
        (folder / "conf").mkdir()
        shutil.copytree(ROOT / "examples", folder / "examples")
        (folder / "conf" / "dibas.toml").write_text(self._shipped())

    def _shipped(self) -> str:
        """The shipped configuration, its Banks with memories of their own and the shortest waits
        there are."""
        text = (ROOT / "conf" / "dibas.toml").read_text(encoding="utf-8")
        assert "[spectrometer]" not in text
        text += "\n[spectrometer]\ntime_scale = 0.01\n"  # behind: pages show line numbers
        for number in range(8):
            bank = f"[banks.BANK{chr(ord('A') + number)}]\n"
            assert bank in text
            memory = f'status_memory = {{ key = 0xD0C{number}, semaphore = "/shipped_{number}" }}\n'
            text = text.replace(bank, bank + memory)
        return self.here(text)

    def here(self, text: str) -> str:
        """Text with what belongs to one machine replaced, the same by the same."""

        def instead(match: re.Match[str]) -> str:
            shown = match[0]
            if shown not in self._there:
                kind = match.lastgroup
                self._there[shown] = {
                    "port": lambda: str(free_port()),
                    "key": lambda: f"key = {free_key()}",
                    "semaphore": lambda: f'semaphore = "/test_docs_{free_key():x}"',
                    "recording": lambda: str(recording()),
                    "scan": lambda: "scan_length=1.0",
                }[str(kind)]()
            return self._there[shown]

        return re.sub(
            r"(?P<port>\b66[67]\d\b|\b30999\b)|(?P<key>\bkey = 0x\w+)|(?P<semaphore>semaphore = \"/\w+\")"
            r"|(?P<recording>/data/recordings/\w+\.raw)|(?P<scan>scan_length=30\.0)",
            instead,
            text,
        )

    def run(self, block: Block) -> None:
        """Do what a block says."""
        body = self.here(block.body)
        kind, _, name = block.marker.partition(":")
        if kind in ("file", "append"):
            with (self.folder / name.strip()).open("w" if kind == "file" else "a") as file:
                file.write(body)
        elif block.language == "console":
            for command, expected in commands_of(body):
                self.command(command, expected)
        elif body.startswith(">>> "):
            self._session(body, block.line)
        else:
            exec(compile("\n" * block.line + body, self.name, "exec"), self.names)

    def command(self, command: str, expected: str = "") -> None:
        """Run a command line of bash to its end, or behind us if it ends in `&`."""
        if command.endswith("&"):
            assert expected == "", f"{command} runs behind: its output cannot be told from others'"
            with (self.folder / f"background-{len(self._background)}.log").open("wb") as log:
                process = subprocess.Popen(
                    ["bash", "-c", f"exec {command.removesuffix('&')}"],
                    cwd=self.folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=end_with_parent,
                )
            self._background.append(process)
            return
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{self.logs()}"
        if expected and not doctest.OutputChecker().check_output(expected, done.stdout, FLAGS):
            raise AssertionError(f"$ {command}\nshown:\n{expected}\nfound:\n{done.stdout}")

    def _session(self, body: str, line: int) -> None:
        test = doctest.DocTestParser().get_doctest(body, self.names, self.name, self.name, line)
        said: list[str] = []
        runner = doctest.DocTestRunner(optionflags=FLAGS | doctest.FAIL_FAST)
        result = runner.run(test, out=said.append, clear_globs=False)
        self.names.update(test.globs)
        assert result.failed == 0, "".join(said) + self.logs()

    def logs(self) -> str:
        """Output of the commands behind us."""
        return "".join(
            f"\n--- {log.name}\n{log.read_text()}"
            for log in sorted(self.folder.glob("background-*.log"))
        )

    def close(self) -> None:
        """End what the page started."""
        for value in list(self.names.values()):
            if type(value).__module__.split(".")[0] in ("dealer", "zmqjsonproxy") and hasattr(
                value, "close"
            ):
                value.close()
        for process in reversed(self._background):
            children = (
                psutil.Process(process.pid).children(recursive=True)
                if process.poll() is None
                else []
            )
            process.terminate()
            try:
                process.wait(ENDS_WITHIN_S)
            finally:
                for child in children:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.kill()
                process.kill()


def used_pages() -> list[str]:
    """The pages that have something to run."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        str(page.relative_to(ROOT))
        for page in found
        if any(block.is_used for block in blocks_of(page.read_text(encoding="utf-8")))
    ]


def main(argv: list[str]) -> int:
    """Run a page in an empty folder; 0 if all of it is true."""
    name, folder = argv[0], Path(argv[1])
    end_with_parent()
    os.chdir(folder)
    for variable in [key for key in os.environ if key.startswith("DIBAS_")]:
        del os.environ[variable]
    with contextlib.closing(Page(name, folder)) as page:
        if name in BEFORE:
            page.command(page.here(BEFORE[name]))
            page.command(page.here(READY))
        for block in blocks_of((ROOT / name).read_text(encoding="utf-8")):
            if block.is_used:
                page.run(block)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
