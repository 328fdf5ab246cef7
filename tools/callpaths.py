"""Record the functions that one call passes, at its caller and at the server; prints them as JSON.

`tools/measures.py`, which describes what is counted, runs this as a process of its own that imports
the packages from the source tree to be measured: `python tools/callpaths.py TREE PACKAGE ...`
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from types import CodeType, FrameType
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from dealer import Dealer

WARM_CALLS, ROUNDS = 5, 21
QUIET_S, QUIET_WITHIN_S = 0.03, 1.0
"""A call is over at the server, or in another thread, when nothing has been called for so long."""
PAUSE_S = 0.1
"""Before each call, so that none is one of a quick series, which may have a path of its own."""
READY_WITHIN_S = 60.0
TAKES_S = 0.02
"""Of `set_mode` at the server whose path is recorded."""
NO_FUNCTIONS = ("<module>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
"""Code that is no function of its own to a reader; some of it is none to later interpreters."""

CALLS: dict[str, Callable[[Dealer], Mapping[str, Any]]] = {
    "d.get_status()": lambda d: d.get_status(),
    'd.set_mode("MODE1")': lambda d: d.set_mode("MODE1"),
    'd.begin("set_mode", "MODE1").result()': lambda d: d.begin("set_mode", "MODE1").result(),
}


class Function(NamedTuple):
    """A function of the source tree."""

    file: str
    name: str
    line: int


class Recorder:
    """Functions of some packages that are called while it records, by any thread.

    Args:
        tree: Folder of the packages.
        packages: Their names; functions of other files are left out.
    """

    def __init__(self, tree: Path, packages: Iterable[str]) -> None:
        self._tree = tree.resolve()
        self._packages = frozenset(packages)
        self._known: dict[CodeType, Function | None] = {}
        self._seen: dict[int, dict[Function, None]] = {}  # by thread, in the order of first calls
        self._calls = 0
        self._records = False

    def install(self) -> None:
        """Profile this thread, and all that are started from now on."""
        threading.setprofile(self)
        sys.setprofile(self)

    def remove(self) -> None:
        """Profile neither this thread nor those started from now on."""
        sys.setprofile(None)
        threading.setprofile(None)

    def begin(self) -> None:
        """Forget what was recorded, and record."""
        self._seen.clear()
        self._records = True

    def end(self) -> list[Function]:
        """Wait until nothing is called any more; return the functions in order of first calls.

        Those of one thread come after those of another, as which of two goes on first is chance.
        """
        give_up, before = time.monotonic() + QUIET_WITHIN_S, -1
        while before != self._calls and time.monotonic() < give_up:
            before = self._calls
            time.sleep(QUIET_S)
        self._records = False
        return list(dict.fromkeys(chain.from_iterable(self._seen.values())))

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Take note of a call, as a function for `sys.setprofile`."""
        if event != "call" or not self._records:
            return
        code = frame.f_code
        if code not in self._known:
            self._known[code] = self._function(code)
        if (function := self._known[code]) is not None:
            self._calls += 1
            self._seen.setdefault(threading.get_ident(), {}).setdefault(function)

    def _function(self, code: CodeType) -> Function | None:
        path = Path(code.co_filename)
        if code.co_name in NO_FUNCTIONS or not path.is_relative_to(self._tree):
            return None
        file = path.relative_to(self._tree)
        if file.parts[0] not in self._packages:
            return None
        return Function(file.as_posix(), code.co_qualname, code.co_firstlineno)


def most_common(paths: Sequence[Sequence[Function]]) -> tuple[list[Function], int]:
    """Return the first path with the set of functions that most have, and how many have it."""
    sets = Counter(frozenset(path) for path in paths)
    common, count = sets.most_common(1)[0]
    return list(next(path for path in paths if common == frozenset(path))), count


# the server's end


def serve(recorder: Recorder) -> None:
    """Serve an idle Bank until stdin is closed; prints the URL, and a path for each `end`."""
    recorder.install()
    import zmq

    from zmqjsonproxy import ZMQJSONProxyServer, operation, query

    class IdleBank:
        """A Bank without functions that count: what is counted is the server's."""

        @query
        def get_status(self, keys: list[str] | None = None) -> dict[str, str]:
            """Return all keys."""
            return {f"KEY{n:05d}": f"value of {n}" for n in range(50) if keys is None}

        @operation(refusal_pair=True)
        def set_mode(
            self, mode: str, bandwidth: float | None = None, force: bool = False
        ) -> tuple[bool, str]:
            """Take long enough that a caller has begun to wait for it."""
            time.sleep(TAKES_S)
            return True, f"new mode {mode} set!"

    server = ZMQJSONProxyServer(zmq.Context.instance(), "tcp://127.0.0.1:*")
    server.expose("bank", IdleBank())
    loop = threading.Thread(target=server.run_loop, daemon=True)
    loop.start()
    print(server.url, flush=True)
    for line in sys.stdin:
        if line.strip() == "begin":
            recorder.begin()
            print("begun", flush=True)
        else:
            print(json.dumps(recorder.end()), flush=True)
    server.quit_loop()
    loop.join()


class RecordingServer:
    """The process of `serve`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = self._read()

    def _read(self) -> str:
        line = _pipe(self._process.stdout).readline()
        if not line:
            raise RuntimeError("the server ended")
        return line.strip()

    def _ask(self, word: str) -> str:
        stdin = _pipe(self._process.stdin)
        stdin.write(f"{word}\n")
        stdin.flush()
        return self._read()

    def begin(self) -> None:
        """Record."""
        self._ask("begin")

    def end(self) -> list[Function]:
        """Return what was recorded."""
        return [Function(*function) for function in json.loads(self._ask("end"))]


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@contextmanager
def recording_server(tree: Path, packages: Sequence[str]) -> Iterator[RecordingServer]:
    """Run `serve` in a process of its own."""
    words = [sys.executable, __file__, "--serve", str(tree), *packages]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield RecordingServer(process)
        finally:
            _pipe(process.stdin).close()
            process.wait(10)


# the caller's end


@contextmanager
def players(tree: Path, banks: Sequence[str]) -> Iterator[dict[str, str]]:
    """Run Players of simulated spectrometers; Bank -> URL."""
    with tempfile.TemporaryDirectory(prefix="measures-") as text, ExitStack() as running:
        folder, urls = Path(text), {}
        config = (tree / "conf" / "dibas.toml").read_text(encoding="utf-8")
        for number, bank in enumerate(banks):
            with socket.create_server(("127.0.0.1", 0)) as held:
                port = held.getsockname()[1]
            key = 0x4D000000 | (os.getpid() << 2 & 0xFFFFFF) | number
            memory = f'{{ key = {key}, semaphore = "/measures_{key:x}" }}'
            head = f"[banks.{bank}]\n"
            own = f"{head}player_port = {port}\nstatus_memory = {memory}\n"
            config = config.replace(head, own, 1)
            urls[bank] = f"tcp://127.0.0.1:{port}"
        path = folder / "dibas.toml"
        path.write_text(config, encoding="utf-8")
        options = ["simulate", "--config", str(path), "--log-level", "error"]
        for bank, url in urls.items():
            running.enter_context(_player([bank, url, *options], folder))
        yield urls


@contextmanager
def _player(arguments: Sequence[str], folder: Path) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "player.cli", *arguments],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "DIBAS_DATA": str(folder)},
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(d: Dealer) -> None:
    give_up = time.monotonic() + READY_WITHIN_S
    while not all(outcome.ok for outcome in d.outcomes("get_status").values()):
        if time.monotonic() > give_up:
            raise TimeoutError(f"the Players did not come up within {READY_WITHIN_S:g} s")
        time.sleep(0.2)


def record(
    urls: Mapping[str, str], recorder: Recorder | RecordingServer
) -> Iterator[tuple[str, tuple[list[Function], int]]]:
    """Yield each of CALLS and its most common path, and in how many of ROUNDS it was taken."""
    from dealer import Dealer

    with Dealer(urls) as d:
        d.add_active_player(*urls)
        _await(d)
        for name, call in CALLS.items():
            for _ in range(WARM_CALLS):
                call(d)
            paths = []
            for _ in range(ROUNDS):
                time.sleep(PAUSE_S)
                recorder.begin()
                found = call(d)
                paths.append(recorder.end())
                if list(found) != list(urls):
                    raise RuntimeError(f"{name}: {found}")
            yield name, most_common(paths)


def main(arguments: Sequence[str]) -> int:
    """Print where -> call -> (functions, rounds that passed just these)."""
    serves = arguments[0] == "--serve"
    folder, *packages = arguments[1:] if serves else arguments
    tree = Path(folder)
    recorder = Recorder(tree, packages)
    if serves:
        serve(recorder)
        return 0
    with recording_server(tree, packages) as server:
        served = dict(record({"BANKA": server.url}, server))
    recorder.install()
    with players(tree, ("BANKA", "BANKB")) as urls:
        called = dict(record(urls, recorder))
    print(json.dumps({"Dealer": called, "server": served}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
