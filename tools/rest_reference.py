"""The page of all REST requests of a histogrammer, each with a request and its answer, as it is
answered now.

`python tools/rest_reference.py > docs/reference/rest.md` writes it. A histogrammer is made for it,
and asked without a socket.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from histogrammer.display.protocol.directory import MirrorEntry
from histogrammer.rest.answering import Answerer
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.requests import ROUTES
from histogrammer.rest.protocol.routes import Need, QueryParameter, Route
from histogrammer.rest.protocol.spectclroutes import NOT_THERE, SPECTCL_ROUTES, matrix
from histogrammer.rest.protocol.stubs import STUBS
from histogrammer.service import Histogrammer, HistogrammerSettings

HOME = "/home/daq"
MEMORY = ".tmpAbC123"

# Asked in this order; the last one of a request stands in its section.
ASKED: list[tuple[str, str]] = [
    ("parameter/create", "name=e&low=0&high=4096&bins=512&units=keV"),
    ("rawparameter/new", "name=de"),
    ("parameter/edit", "name=de&low=0&high=1024"),
    ("parameter/promote", "name=de&low=0&high=1024&bins=256"),
    ("parameter/list", "filter=d*"),
    ("parameter/version", ""),
    ("parameter/check", "name=e"),
    ("parameter/uncheck", "name=e"),
    ("parameter/listnew", ""),
    ("rawparameter/list", "id=1"),
    ("trace/establish", "retention=30"),
    ("spectrum/create", "name=h.e&type=1&parameters=e&axes={0 4096 512}"),
    ("spectrum/create", "name=pair&type=g1&parameters=e de&axes={0 4096 512}"),
    ("spectrum/create", "name=de.e&type=2&parameters=e de&axes={0 4096 512} {0 1024 256}"),
    ("spectrum/list", "filter=de*"),
    ("channel/set", "spectrum=h.e&xchannel=16&value=17"),
    ("channel/get", "spectrum=h.e&xchannel=16"),
    ("spectrum/contents", "name=h.e&xlow=100&xhigh=200"),
    ("specstats", "pattern=h*"),
    ("gate/edit", "name=win&type=s&parameter=e&low=100&high=355"),
    ("gate/edit", "name=both&type=gs&parameter=e&parameter=de&low=0&high=9"),
    ("gate/edit", "name=not&type=-&gate=win"),
    ("gate/edit", "name=fired&type=am&parameter=de&value=0x6"),
    ("gate/list", "pattern=[wf]i*"),
    ("gate/delete", "name=not"),
    ("apply/apply", "gate=win&spectrum=h.e&spectrum=de.e"),
    ("apply/list", "pattern=*"),
    ("ungate", "name=de.e"),
    ("fold/apply", "gate=both&spectrum=pair"),
    ("fold/list", "pattern=*"),
    ("fold/remove", "spectrum=pair"),
    ("integrate", "spectrum=h.e&low=100&high=200"),
    ("project", "snapshot=no&source=de.e&newname=px&direction=x&contour=&bind=no"),
    ("sbind/sbind", "spectrum=h.e"),
    ("sbind/all", ""),
    ("sbind/list", "pattern=h*"),
    ("sbind/set_update", "seconds=2"),
    ("sbind/get_update", ""),
    ("unbind/byname", "name=px"),
    ("unbind/all", ""),
    ("shmem/key", ""),
    ("shmem/size", ""),
    ("shmem/variables", ""),
    ("mirror", "pattern=*"),
    ("swrite", "file={home}/h.json&format=json&spectrum=h.e"),
    ("sread", "filename={home}/h.json&format=json&replace=yes"),
    ("spectrum/zero", "pattern=h*"),
    ("spectrum/delete", "name=px"),
    ("trace/fetch", "token=0"),
    ("trace/done", "token=0"),
    ("attach/attach", "type=file&source={home}/run.evt"),
    ("attach/list", ""),
    ("analyze/size", "events=500"),
    ("ringformat", "major=12"),
    ("ringformat/get", ""),
    ("analyze/stop", ""),
    ("analyze/start", ""),
    ("attach/detach", ""),
    ("version", ""),
    ("exit", ""),
]

HEADING = """# REST requests

Made by `tools/rest_reference.py` of the table of requests, and of what a histogrammer answers to them. `*`: any number
of times, `+`: once or more, `!`: needed. Failures have another `status` than `OK`, and HTTP 200; a needed parameter
that is missing has HTTP 422. `/openapi.json` of a server describes the same for programs.

The server is an endpoint of a Bank of the kind `histogrammer`:

```toml
[banks.DAQ]
kind = "histogrammer"
hpc_host = "daq1"

[banks.DAQ.endpoints.rest]
kind = "spectcl"
port = 8000                    # or service:NAME
peers = ["192.168.1.0/24=operate"]     # who may ask besides this host, and their role; without it nobody
```

Nothing asks who somebody is: the address that a request comes from has a role. In `peers` it is `observe`
unless it says more; `=operate` allows all but `exit`, and `=admin`, which this host has, that too. What a role
does not allow is answered with HTTP 403. Pages of other origins may not ask, and a browser has to call the host
by a name of its own, or by one in `hosts`.
"""
FLAVOR = """
## With the flavor of SpecTcl

With `flavor = "spectcl"` in the Bank's table, or `--flavor spectcl`, requests that only SpecTcl has are carried out,
and others are answered in its way. A parameter that is missing, or no such value, is a status then,
`missing parameter` or `bad parameter`, with its name as the detail.

| request | flavor of Rustogramer | flavor of SpecTcl |
|---|---|---|"""
TAKEN = """
Requests that are there with this flavor alone, or take something else with it:

| request | parameters | what it does |
|---|---|---|"""
_MARKS = {Need.REQUIRED: "!", Need.SOME: "+", Need.ANY: "*", Need.OPTIONAL: ""}


async def _answer(answerer: Answerer, path: str, query: bytes) -> bytes:
    async with answerer.answering(path, query, "application/json") as answer:
        assert isinstance(answer.body, bytes), path
        return answer.body


def answers(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Ask all requests; yield each with its query and its answer."""
    settings = HistogrammerSettings(home=folder, shm_mbytes=1, roots=[folder], threads=1)
    with Histogrammer(settings) as histogrammer, asyncio.Runner() as runner:
        assert histogrammer.memory is not None
        memory = histogrammer.memory.path.name
        program = Program(
            worker=histogrammer.worker,
            analyzer=histogrammer.analyzer,
            roots=histogrammer.roots,
            folder="/usr/bin",
            end=lambda: None,
            mirrors=lambda: [MirrorEntry("192.0.2.17", "k3Zp")],
        )
        answerer = Answerer(program)
        stubs = [(path, _needed(ROUTES[path])) for path in STUBS]
        for path, query in [*ASKED, *stubs]:
            raw = quote(query.replace("{home}", str(folder)), safe="=&/").encode()
            body = runner.run(_answer(answerer, path, raw))
            told = body.decode().replace(memory, MEMORY).replace(str(folder), HOME)
            yield path, query.replace("{home}", HOME), told


def _needed(route: Route) -> str:
    return "&".join(f"{one.name}=1" for one in route.parameters)


def lines(folder: Path) -> Iterator[str]:
    """Return the lines of the page."""
    yield from HEADING.splitlines()
    told = {path: (query, answer) for path, query, answer in answers(folder)}
    group = ""
    for path, route in ROUTES.items():
        if path.partition("/")[0] != group:
            group = path.partition("/")[0]
            yield from ("", f"## {group}")
        query, answer = told[path]
        yield from ("", f"### `{path}`", "", route.summary, "")
        if route.parameters:
            yield from ("| parameter | type | meaning |", "|---|---|---|")
            yield from (_row(one) for one in route.parameters)
            yield ""
        yield from ("```text", f"GET /spectcl/{path}{'?' if query else ''}{query}", answer, "```")

    yield from FLAVOR.splitlines()
    yield from (f"| `{path}` | {ours} | {theirs} |" for path, ours, theirs in matrix())
    yield from TAKEN.splitlines()
    for path, route in SPECTCL_ROUTES.items():
        if path not in NOT_THERE:
            taken = ", ".join(
                f"`{one.name}`{_MARKS[one.need]} {one.summary}" for one in route.parameters
            )
            yield f"| `{path}` | {taken or 'none'} | {route.summary} |"


def _row(parameter: QueryParameter) -> str:
    default = parameter.default
    said = f"; default `{default}`" if default is not None else ""
    also = f", also called `{', '.join(parameter.aliases)}`" if parameter.aliases else ""
    name = f"`{parameter.name}`{_MARKS[parameter.need]}"
    return f"| {name} | {parameter.type.value} | {parameter.summary}{also}{said} |"


def page() -> str:
    """Return the page."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run.evt").touch()
        return "".join(line + "\n" for line in lines(Path(folder)))


if __name__ == "__main__":
    sys.stdout.write(page())
