"""REST answers of a histogrammer, of a bare answer of the same bytes by the same framework; refresh of
its display memory.

The floor is a FastAPI route that returns prepared bytes, on the same server (uvicorn, httptools,
uvloop). Each request has a connection of its own, as those of the known clients have. Contents are
asked for again unchanged, as a display does that looks at a spectrum between two blocks of events, and
in a row of their own after a channel of them has changed.
"""

from __future__ import annotations

import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.floors import Telling, cores, in_pinned_process, ready, serving
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from groundwork.addresses import split_url, tcp_url
from histogrammer.axes import Axis
from histogrammer.display.binder import Binder
from histogrammer.display.filememory import FileMemory
from histogrammer.engine import Engine
from histogrammer.spectra import KINDS

REPEATS = 60
SPECTRA = 1000
PATHS = {
    "list": "/spectcl/spectrum/list",
    "line": "/spectcl/spectrum/contents?name=line",
    "plane": "/spectcl/spectrum/contents?name=plane",
}
CHANGES = {
    "line": "/spectcl/channel/set?spectrum=line&xchannel=7&value=",
    "plane": "/spectcl/channel/set?spectrum=plane&xchannel=7&ychannel=7&value=",
}
CHANGED_MUSTS = {"plane": 1.3}
"""Writing 4096 bins takes 0.05 ms, an eighth of a bare answer."""
WHAT = {
    "list": f"list of {SPECTRA} spectra",
    "line": "contents of 4096 bins",
    "plane": "contents of 512 x 512 bins",
}
HOST = "127.0.0.1"


def _serve(connection: Telling, application: Any, protocol: Any) -> None:
    from uvicorn import Config, Server

    listening = socket.create_server((HOST, 0))
    ready(connection, tcp_url(HOST, listening.getsockname()[1]))
    Server(
        Config(
            application, http=protocol, ws="none", loop="uvloop", log_config=None, access_log=False
        )
    ).run(sockets=[listening])


def _book(engine: Engine) -> None:
    """Book what is asked for: two spectra that are full, and many that are listed."""
    rng = np.random.default_rng(1)
    for name in ("x", "y"):
        engine.create_parameter(name)
    axes = [Axis(0, 512, 512)] * 2
    engine.create_spectrum(KINDS["1"].define("line", [["x"]], [Axis(0, 4096, 4096)]))
    engine.create_spectrum(KINDS["2"].define("plane", [["x"], ["y"]], axes))
    for name in ("line", "plane"):
        cells = engine.spectrum(name).contents.cells
        cells[...] = rng.integers(1, 1000, cells.shape)
    for number in range(SPECTRA - 2):
        engine.create_spectrum(KINDS["1"].define(f"s{number}", [["x"]], [Axis(0, 100, 100)]))


def _ours(connection: Telling) -> None:
    from histogrammer.rest.application import RestApplication
    from histogrammer.rest.program import Program
    from histogrammer.service import Histogrammer, HistogrammerSettings

    with Histogrammer(HistogrammerSettings(threads=1)) as one:
        one.worker.ask(_book)
        program = Program(
            worker=one.worker, analyzer=one.analyzer, roots=one.roots, folder="/", end=lambda: None
        )
        application = RestApplication(program, names={"localhost"})
        _serve(connection, application.asgi, application.watch.protocol)


def _floor(connection: Telling, bodies: Mapping[str, bytes]) -> None:
    from fastapi import FastAPI, Response

    application = FastAPI()

    @application.get("/{key}")
    async def answer(key: str) -> Response:
        return Response(bodies[key], media_type="application/json")

    _serve(connection, application, "httptools")


def _get(address: tuple[str, int], path: str) -> bytes:
    """Return the body of an answer, over a connection of its own."""
    with socket.create_connection(address) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        found = bytearray()
        while piece := peer.recv(1 << 18):
            found += piece
    head, _, body = bytes(found).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"{path}: {head[:200]!r}")
    return body


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _answers(effort: Effort) -> list[Row]:
    found = []
    with serving(cores()[0], 1, _ours) as [(ours_url, _)]:
        ours = split_url(ours_url)
        bodies = {key: _get(ours, path) for key, path in PATHS.items()}
        with serving(cores()[0], 1, _floor, bodies) as [(floor_url, _)]:
            floor = split_url(floor_url)
            for key in PATHS:
                if _get(floor, f"/{key}") != bodies[key]:
                    raise RuntimeError(f"{key}: floor and ours do not answer the same")
                found.append(_compared(WHAT[key], ours, floor, key, None, 1.3))
            for key, change in CHANGES.items():
                what = f"{WHAT[key]}, just changed"
                found.append(_compared(what, ours, floor, key, change, CHANGED_MUSTS.get(key)))
    return found


def _compared(
    what: str,
    ours: tuple[str, int],
    floor: tuple[str, int],
    key: str,
    change: str | None,
    must: float | None,
) -> Row:
    times: list[tuple[float, float]] = []
    for repeat in range(REPEATS):
        if change is not None:
            _get(ours, f"{change}{repeat + 1}")
        own = _seconds(lambda: _get(ours, PATHS[key]))
        times.append((own, _seconds(lambda: _get(floor, f"/{key}"))))
    own_ms, floor_ms = (1e3 * statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(own / other for own, other in times)
    return Row(what, floor_ms, own_ms, ratio, must, None, "ms")


def _refreshes(repeats: int) -> float:
    with tempfile.TemporaryDirectory() as folder, FileMemory(Path(folder), 32) as memory:
        binder, rng = Binder(memory.header, memory.channels), np.random.default_rng(1)
        cells = {}
        for number in range(210):
            name = f"s{number}"
            if number < 200:
                made = KINDS["1"].define(name, [["x"]], [Axis(0, 4096, 4096)])
            else:
                made = KINDS["2"].define(name, [["x"], ["y"]], [Axis(0, 512, 512)] * 2)
            cells[name] = rng.integers(0, 1000, made.shape).astype(np.float64)
            binder.bind(name, made)
        binder.refresh(cells)
        return statistics.median(_seconds(lambda: binder.refresh(cells)) for _ in range(repeats))


def _display(effort: Effort) -> list[Row]:
    ms = 1e3 * in_pinned_process(cores()[0], _refreshes, REPEATS)
    what = "refresh of the display memory, 200 spectra of 4096 and 10 of 512 x 512"
    return [Row(what, None, ms, None, 10.0, 3.0, "ms")]


PARTS: dict[str, Part] = {"answers": _answers, "display": _display}
