"""The commands `difx run`, `stop` and `status`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import posixpath
import sys
from collections.abc import Mapping
from dataclasses import asdict

from commandline import (
    DONE,
    FAILED,
    PARTLY,
    ProgressLine,
    ProgressState,
    argument,
    command,
    flag,
    number_of_seconds,
    one_of,
    render_rows,
    tell,
    tell_line,
)
from gateways.difx.client.aio import AsyncDifxClient
from gateways.difx.client.connecting import complain, connected, connecting
from gateways.difx.client.errors import RequestRefusedError
from gateways.difx.client.jobverbs import SILENCE_S
from gateways.difx.client.protocol.results import JobEnd, JobResult, TaskEvent
from gateways.difx.client.watchverbs import RelayedMessage
from gateways.difx.protocol.commands import JobFunction
from gateways.difx.protocol.jobs import INPUT_SUFFIX, JobNodes, job_name
from gateways.difx.protocol.messages import MessageType
from gateways.difx.protocol.taskids import JobPacket
from groundwork.printable import printable

__all__ = ["COMMANDS"]

VERSION = "DIFX_VERSION"
USUAL_VERSION = "DIFX-DEVEL"
"""Version that the script client asks for unless it is told otherwise."""
STATUSES = {JobEnd.DONE: DONE, JobEnd.CHECKED: DONE, JobEnd.DONE_WITH_ERRORS: PARTLY}
OUTPUT = {
    JobPacket.DIFX_MESSAGE: "",
    JobPacket.DIFX_WARNING: "warning: ",
    JobPacket.DIFX_ERROR: "error: ",
}


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of seconds")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _processors(text: str) -> tuple[tuple[str, int], ...]:
    found = []
    for word in _names(text):
        name, _, threads = word.partition(":")
        if not name or (threads and not (threads.isascii() and threads.isdecimal())):
            raise argparse.ArgumentTypeError(f"{word!r} is no node, as A, or A:4 with 4 threads")
        found.append((name, int(threads or 1)))
    return tuple(found)


class _JobView:
    """Shows the events of a job, and how far it is."""

    def __init__(self, options: argparse.Namespace, job: str) -> None:
        self._options, self._job = options, job
        self._line = ProgressLine()
        self._fraction: float | None = None
        self._state = ""

    def take(self, event: TaskEvent) -> None:
        """Show an event."""
        self._line.clear()
        if self._options.json:
            tell_line(True, {"event": event.name, "text": event.text}, "")
        elif event.id in OUTPUT:
            text = f"{OUTPUT[JobPacket(event.id)]}{printable(event.text)}"
            out = sys.stdout if event.id == JobPacket.DIFX_MESSAGE else sys.stderr
            print(text, file=out, flush=True)
        else:
            self._state = event.name.lower().replace("_", " ")
        self._draw()

    def note(self, message: RelayedMessage) -> None:
        """Take note of the progress that a relayed message tells."""
        if message.type == MessageType.STATUS and message.identifier == self._job:
            self._fraction = progress_of(message.values)
            self._state = message.values.get("state", self._state)
            self._draw()

    def _draw(self) -> None:
        words = (printable(self._job),)
        self._line.write(ProgressState(fraction=self._fraction, text=self._state, words=words))

    def end(self, result: JobResult) -> None:
        """Show the end."""
        self._line.clear()
        if self._options.json:
            told = asdict(result) | {"end": result.end.value}
            tell_line(True, {"result": told}, "")
        elif result.end in STATUSES:
            print(result.end.value)
        else:
            because = f": {result.reason}" if result.reason else ""
            complain(f"run {self._options.input}: {result.end.value}{because}")

    def interrupted(self) -> None:
        """Tell what became of it."""
        self._line.clear()
        path = self._options.input
        complain(f"interrupted; the job is left to the server: difx stop {path} stops it")


def progress_of(values: Mapping[str, str]) -> float | None:
    """Return how far a job is by its status message, 0 to 1; None: it does not say."""
    if values.get("state") in ("Done", "MpiDone"):
        return 1.0
    try:
        now, start, stop = (
            float(values[name]) for name in ("visibilityMJD", "jobstartMJD", "jobstopMJD")
        )
        return min(max((now - start) / (stop - start), 0.0), 1.0)
    except (KeyError, ValueError, ZeroDivisionError):
        return None


def _run(options: argparse.Namespace) -> int:
    view = _JobView(options, job_name(options.input))
    try:
        return asyncio.run(_run_to_end(options, view))
    except KeyboardInterrupt:
        view.interrupted()
        return FAILED


async def _run_to_end(options: argparse.Namespace, view: _JobView) -> int:
    function = JobFunction.USNO
    for wanted, other in (
        (options.check, JobFunction.CONFIG_ONLY),
        (options.if_valid, JobFunction.BAIL_ON_CONFIG_FAIL),
        (options.monitor, JobFunction.RUN_MONITOR),
    ):
        function = other if wanted else function
    nodes = JobNodes(
        manager=options.manager, sources=options.sources or (), processors=options.processors or ()
    )
    async with connecting(options) as client:
        version = await _choose_version(client, options)
        noting = asyncio.create_task(_note_progress(client, view))
        try:
            result = await client.run(
                options.input,
                on_event=view.take,
                nodes=nodes,
                force=options.force,
                restart_seconds=options.restart,
                function=function,
                version=version,
                silence=options.silence,
            )
        finally:
            noting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await noting
    view.end(result)
    return STATUSES.get(result.end, FAILED)


async def _note_progress(client: AsyncDifxClient, view: _JobView) -> None:
    if sys.stderr.isatty():
        async for message in await client.relay(["STATUS_MESSAGES"]):
            view.note(message)


async def _choose_version(client: AsyncDifxClient, options: argparse.Namespace) -> str:
    """Select the DiFX version that is wanted; empty: the server's own choice."""
    wanted = options.difx_version or options.environment.get(VERSION, "")
    info = await client.info()
    if wanted:
        await client.select_version(wanted, info)
    elif USUAL_VERSION in info.versions:
        wanted = USUAL_VERSION
        await client.select_version(wanted, info)
    return str(wanted)


def _stop(options: argparse.Namespace) -> int:
    status = DONE
    told = {}
    with connected(options) as client:
        for path in options.inputs:
            try:
                told[path] = client.stop(path)
            except RequestRefusedError as error:
                complain(str(error))
                status = FAILED
                continue
            if not options.verbose:
                for warning in told[path]:
                    complain(f"stop {path}: {warning}")
    if options.json:
        tell(True, told, "")
    return status


def _status(options: argparse.Namespace) -> int:
    found = []
    with connected(options) as client:
        for pattern in options.patterns:
            path = pattern
            if not pattern.endswith(INPUT_SUFFIX):
                path = posixpath.join(pattern, f"*{INPUT_SUFFIX}")
            found += client.job_status(path, short=not options.all)
    rows = [(printable(s.input), s.state or "-", s.time or "-", printable(s.text)) for s in found]
    text = render_rows(("JOB", "STATE", "SINCE", "REMARK"), rows) if rows else ""
    if text or options.json:
        tell(options.json, [asdict(each) for each in found], text)
    if not found:
        complain(f"status {' '.join(options.patterns)}: there is no such job")
    return DONE if found else FAILED


COMMANDS = (
    command(
        "run",
        _run,
        "run a job to its end, and show what it says",
        argument("input INPUT", "path of its .input file at the server"),
        one_of(
            flag("--check", "only check it"),
            flag("--if-valid", "do not run it if the check fails"),
            flag("--monitor", "run it with live products; see `difx monitor`"),
        ),
        flag("--force", "remove output that exists first"),
        argument(
            "--restart S",
            "start so far into the job, s; default: at its begin",
            type=_seconds,
            default=0,
        ),
        argument(
            "--difx-version NAME", f"default: ${VERSION}, else {USUAL_VERSION} if it is offered"
        ),
        argument("--manager NODE", "head node; without one a job is refused", default=""),
        argument("--sources NODES", "nodes that have the data, as A,B", default="", type=_names),
        argument(
            "--processors NODES",
            "processing nodes with threads, as A:4,B",
            default="",
            type=_processors,
        ),
        argument(
            "--silence S",
            "give up a job that says nothing for so long, s; default: %(default)g",
            type=number_of_seconds,
            default=SILENCE_S,
        ),
        description="Run a job to its end, and show what it says. Ctrl-C leaves it to the server; "
        "`difx stop` stops it.",
    ),
    command(
        "stop",
        _stop,
        "stop jobs",
        argument("inputs INPUTS", "paths of their .input files at the server", nargs="+"),
    ),
    command(
        "status",
        _status,
        "show the states of jobs; exit status 1 if there is none",
        argument("patterns PATTERNS", "of .input files, or folders that have them", nargs="+"),
        flag("-a --all", "all states that they had; servers of the original do not know them"),
    ),
)
