"""Jobs at a guiServer, what prepares them, and the recorders that they need. No sockets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateways.difx.client.conversation import GatewayConversation
from gateways.difx.client.errors import RequestRefusedError
from gateways.difx.client.links import TaskStream
from gateways.difx.client.protocol.primary import Level
from gateways.difx.client.protocol.results import (
    CopyResult,
    FilelistResult,
    JobEnd,
    JobResult,
    JobStatus,
    MachinesResult,
    MediumDirectory,
    TaskEvent,
    UnitAnswer,
    copy_result,
    directory_result,
    filelist_result,
    job_result,
    job_statuses,
    machines_result,
    unit_answer,
)
from gateways.difx.protocol import taskids
from gateways.difx.protocol.commands import (
    GetDirectory,
    JobFunction,
    MachinesDefinition,
    Mark5Copy,
    StartJob,
    StopJob,
    UnitCommand,
    Vex2DifxRun,
)
from gateways.difx.protocol.frames import pack_frame
from gateways.difx.protocol.items import integer
from gateways.difx.protocol.jobs import JobNodes
from gateways.difx.protocol.packets import (
    FilelistRequest,
    JobStatusRequest,
    Packet,
    write_filelist_request,
    write_job_status_request,
)

__all__ = ["SILENCE_S", "EventCallback", "JobVerbs"]

SILENCE_S = 300.0
"""A task that runs programs may say nothing for so long, s, as in the script client's program."""
PREPARATION_S = 600.0
"""The GUI client waits so long for the connection of a preparation, s."""
NO_NODES = JobNodes()

EventCallback = Callable[[TaskEvent], None]

_DIRECTORY_ENDS = frozenset(
    {taskids.DirectoryPacket.GETDIRECTORY_COMPLETED, taskids.DirectoryPacket.GETDIRECTORY_FAILED}
)
"""The original sends nothing behind the second."""
_COPY_ENDS = taskids.COPY_ENDS | {taskids.CopyPacket.FAILED}


class JobVerbs(GatewayConversation):
    """Verbs for jobs and recorders; paths are the server's, absolute."""

    async def start(
        self,
        input: str,
        *,
        nodes: JobNodes = NO_NODES,
        force: bool = False,
        restart_seconds: int = 0,
        function: JobFunction = JobFunction.USNO,
        version: str = "",
        silence: float | None = SILENCE_S,
    ) -> TaskStream:
        """Start a job; its events are those of `JobPacket`.

        Args:
            input: Path of its `.input` file.
            nodes: Where it runs. The original wants them named, and runs it by its machines file.
            force: Output that exists is removed first.
            restart_seconds: Start so far into the job, s.
            function: Way to run, or only check, it.
            version: DiFX version, for servers that look at it; see `select_version`.
            silence: s; give up a job that says nothing for so long. None: never.

        Raises:
            RequestRefusedError: The server does not begin it.
        """
        asked = StartJob(
            input=input,
            nodes=nodes,
            force=force,
            restart_seconds=restart_seconds,
            function=function,
            version=version,
            port=0,
        )
        link = await self._begin_command(f"run {input}", asked)
        return TaskStream(link, taskids.JobPacket, taskids.JOB_ENDS, silence)

    async def run(
        self,
        input: str,
        *,
        on_event: EventCallback | None = None,
        nodes: JobNodes = NO_NODES,
        force: bool = False,
        restart_seconds: int = 0,
        function: JobFunction = JobFunction.USNO,
        version: str = "",
        silence: float | None = SILENCE_S,
    ) -> JobResult:
        """Run a job to its end; as `start`.

        Args:
            on_event: Called with each event.
        """
        told = self._primary.told
        stream = await self.start(
            input,
            nodes=nodes,
            force=force,
            restart_seconds=restart_seconds,
            function=function,
            version=version,
            silence=silence,
        )
        result = job_result(await _all_events(stream, on_event))
        if result.end is JobEnd.REFUSED and not result.reason:
            said = [text for text in self._errors_since(told) if input in text]
            result = replace(result, reason=said[-1] if said else "")
        return result

    async def stop(self, input: str) -> list[str]:
        """Stop a job; returns what the server says of it meanwhile, of a job that does not run, for
        instance. The original says nothing.

        Raises:
            RequestRefusedError: The server complains.
        """
        told = self._primary.told
        await self._command(StopJob(input=input))
        await self.job_status(input)  # the answers to both come one after the other
        if refusal := self._refusal(told):
            raise RequestRefusedError(f"stop {input}", refusal)
        return self._primary.said_since(told, Level.WARNING)

    async def job_status(self, pattern: str, *, short: bool = True) -> list[JobStatus]:
        """Return the states of jobs.

        Args:
            pattern: Of `.input` files, with wildcards.
            short: The last state of each; False: all of them, which the original does not know.
        """

        def packet(address: str, port: int) -> bytes:
            asked = JobStatusRequest(short=short, pattern=pattern, address=address, port=port)
            return pack_frame(Packet.GET_JOB_STATUS, write_job_status_request(asked))

        link = await self._begin_task(f"status {pattern}", packet)
        stream = TaskStream(link, taskids.StatusPacket, taskids.STATUS_ENDS, self.timeout)
        return job_statuses(await _all_events(stream, None))

    async def assign(
        self,
        input: str,
        nodes: JobNodes,
        *,
        test_processors: bool = False,
        machines_file: str = "",
        threads_file: str = "",
        on_event: EventCallback | None = None,
    ) -> MachinesResult:
        """Write the machines and threads files of a job.

        Args:
            input: Path of its `.input` file.
            nodes: Head node, sources of data, processing nodes with their threads.
            test_processors: Try each processing node first, and leave out those that fail.
            machines_file: Path; empty: by the name of the input file.
            threads_file: Path; empty: by the name of the input file.
            on_event: Called with each event.
        """
        asked = MachinesDefinition(
            input=input,
            nodes=nodes,
            test_processors=test_processors,
            machines_file=machines_file,
            threads_file=threads_file,
            port=0,
        )
        link = await self._begin_command(f"machines of {input}", asked)
        stream = TaskStream(link, taskids.MachinesPacket, taskids.MACHINES_ENDS, SILENCE_S)
        return machines_result(await _all_events(stream, on_event))

    async def prepare(
        self,
        folder: str,
        file: str,
        *,
        model_only: bool = False,
        on_file: Callable[[str], None] | None = None,
        silence: float | None = PREPARATION_S,
    ) -> list[str]:
        """Prepare jobs; returns the paths of the files that were made.

        Args:
            folder: Jobs are prepared there.
            file: A `.v2d` file, or with `model_only` a job, or pattern of jobs, without suffix.
            model_only: Only make their delay models.
            on_file: Called with each path.
            silence: s; give up when nothing comes for so long. None: never.
        """
        asked = Vex2DifxRun(folder=folder, file=file, model_only=model_only, port=0)
        made: list[str] = []
        async with self._command_task(f"prepare {file}", asked, PREPARATION_S) as link:
            while (line := await link.read_line(silence)) is not None:
                made.append(line.decode(errors="replace"))
                if on_file is not None:
                    on_file(made[-1])
        return made

    async def make_filelist(
        self,
        files: Sequence[str],
        destination: str,
        format: str,
        *,
        reference_mjd: int = 0,
        overwrite: bool = False,
        on_event: EventCallback | None = None,
    ) -> FilelistResult:
        """Write a list of recordings with their start and stop times.

        Args:
            files: Recordings.
            destination: File of the list.
            format: Begins with `MKIV`, `VLBA`, `MARK5B` or `VDIF`.
            reference_mjd: Day near the recordings.
            overwrite: Replace a list that exists.
            on_event: Called with each event.
        """

        def packet(address: str, port: int) -> bytes:
            asked = FilelistRequest(
                files=tuple(files),
                destination=destination,
                format=format,
                reference_mjd=reference_mjd,
                address=address,
                port=port,
            )
            return pack_frame(Packet.GENERATE_FILELIST, write_filelist_request(asked))

        link = await self._begin_task(f"file list {destination}", packet)
        stream = TaskStream(link, taskids.FilelistPacket, taskids.FILELIST_ENDS, SILENCE_S)
        events: list[TaskEvent] = []
        async for event in stream:
            if event.id == taskids.FilelistPacket.DESTINATION_EXISTS:
                answer = (
                    taskids.FilelistPacket.OVERWRITE if overwrite else taskids.FilelistPacket.CANCEL
                )
                await link.send(integer(answer))  # bare, no sub-packet
            events.append(event)
            if on_event is not None:
                on_event(event)
        return filelist_result(events)

    async def directory(
        self,
        unit: str,
        medium: str,
        *,
        generate: bool = False,
        on_event: EventCallback | None = None,
    ) -> MediumDirectory:
        """Return the directory of a recorder's medium.

        Args:
            unit: Host of the recorder.
            medium: Its module.
            generate: Make it anew from the medium.
            on_event: Called with each event.
        """
        asked = GetDirectory(unit=unit, medium=medium, generate=generate, port=0)
        link = await self._begin_command(f"directory of {medium}", asked)
        stream = TaskStream(link, taskids.DirectoryPacket, _DIRECTORY_ENDS, SILENCE_S)
        return directory_result(await _all_events(stream, on_event))

    async def copy_scans(
        self,
        unit: str,
        medium: str,
        scans: str,
        destination: str,
        *,
        on_event: EventCallback | None = None,
    ) -> CopyResult:
        """Copy recordings of a medium into files; arguments as of `directory`."""
        asked = Mark5Copy(unit=unit, medium=medium, scans=scans, destination=destination, port=0)
        link = await self._begin_command(f"copy of {medium}", asked)
        stream = TaskStream(link, taskids.CopyPacket, _COPY_ENDS, SILENCE_S)
        return copy_result(await _all_events(stream, on_event))

    async def unit_command(self, command: str, target: str) -> UnitAnswer:
        """Have a recorder carry out a command, and return what it says."""
        link = await self._begin_command(
            command, UnitCommand(command=command, target=target, port=0)
        )
        stream = TaskStream(
            link,
            taskids.UnitPacket,
            taskids.UNIT_ENDS,
            SILENCE_S,
            ends_by_close=taskids.UnitPacket.TASK_STARTED,
        )
        return unit_answer(await _all_events(stream, None))


async def _all_events(stream: TaskStream, on_event: EventCallback | None) -> list[TaskEvent]:
    events: list[TaskEvent] = []
    try:
        async for event in stream:
            events.append(event)
            if on_event is not None:
                on_event(event)
    finally:
        await stream.close()
    return events
