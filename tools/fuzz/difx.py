"""Targets of the gateway for DiFX clients, and of its client."""

from __future__ import annotations

import struct
from typing import Any

from gateways.difx.client.protocol import monitoring, primary, replaying, results
from gateways.difx.errors import DifxError, FrameError
from gateways.difx.protocol import (
    bankspectra,
    capture,
    commands,
    difxlog,
    documents,
    frames,
    jobs,
    lines,
    listing,
    machinefiles,
    messagebodies,
    messages,
    monitor,
    packets,
    products,
    progress,
    publications,
    recordingtimes,
    session,
    taskids,
    tasksequences,
)
from tools.fuzz.target import Target, json_of, pieces
from zmqjsonproxy.errors import RecordingError

TASKS = (taskids.JobPacket, taskids.MachinesPacket, taskids.DirectoryPacket, taskids.FilelistPacket)


def split_frames(data: bytes) -> list[frames.Frame]:
    """Return the frames that bytes are, up to where they are none."""
    reader, found = frames.FrameReader(), list[frames.Frame]()
    try:
        for piece in pieces(data):
            found += reader.feed(piece)
    except FrameError:
        pass
    return found


def read_client(data: bytes) -> None:
    """Read what a client sends, in pieces; a frame that cannot be read ends no other."""
    client = session.Session(("DIFX-2.6",))
    reader = session.primary_reader(4096)
    for piece in pieces(data):
        for frame in reader.feed(piece):
            try:
                client.take(frame)
            except DifxError:
                pass


def read_document(data: bytes) -> None:
    """Read a command; what is written of it is read as the same one."""
    command = documents.read_command(data, limit=65536)
    assert documents.read_command(documents.write_command(command)) == command


def read_message(data: bytes) -> None:
    """Read a message of the multicast network."""
    messages.look_into(data)
    messagebodies.read_body(messages.read_message(data))


def read_texts(data: bytes) -> None:
    """Read lines that programs and files hold; nothing of them is raised on."""
    reader = lines.LineReader()
    text = [line for piece in pieces(data) for line in reader.feed(piece)] + reader.end()
    difxlog.last_status(text)
    results.read_entries(text)
    for line in text:
        progress.read_progress(line)
        machinefiles.read_machines(line)
        for read in (listing.read_list_options, machinefiles.read_threads):
            try:
                read(line)
            except ValueError:
                pass


def read_capture(data: bytes) -> None:
    """Read a capture, and plan to play it again."""
    for plan in replaying.plans_of(capture.read_capture(data.splitlines(keepends=True))):
        list(replaying.differences(plan, replaying.ReplayedAnswers()))


def read_products(data: bytes) -> None:
    """Read a stream of visibilities, in pieces."""
    reader = products.ProductsReader()
    for piece in pieces(data):
        reader.feed(piece)


def read_recording(data: bytes) -> None:
    """Read the first bytes of recordings of both formats."""
    found = []
    for read in (recordingtimes.read_vdif, lambda one: recordingtimes.read_mark5b(one, 60000)):
        try:
            found.append(read(data))
        except DifxError:
            pass
    if len(found) == 2:
        recordingtimes.times_of(found[0], found[1], found)


def read_published(data: bytes) -> None:
    """Read what Banks publish, which may be anything that JSON holds."""
    value: Any = json_of(data)
    spectra = bankspectra.BankSpectra(("BANKA",), "job")
    if (frame := bankspectra.read_frame(value, 0.0)) is not None:
        spectra.take("BANKA", frame)
    publisher = publications.Publications()
    for name in ("load", "log", "operations", "analysis", "status", "unit", "disks", "job"):
        publisher.read("BANKA", name, value, 0.0)
    if isinstance(value, dict):
        jobs.JobNodes.read(value)  # last: it alone refuses


def read_monitor(data: bytes) -> None:
    """Read what both sides of a monitor connection send."""
    server = monitor.MonitorClient()
    announced, blocks = monitoring.JobProductsReader(), monitoring.BlockReader([])
    for frame in split_frames(data):
        for take in (server.take, announced.take, blocks.take, monitoring.missing_bytes):
            try:
                take(frame.id, frame.payload)
            except DifxError:
                pass


def read_server(data: bytes) -> None:
    """Read what a server sends, in pieces, and the events of all tasks."""
    client = primary.Primary()
    for piece in pieces(data):
        client.receive(piece)
    for ids in TASKS:
        events = []
        for frame in split_frames(data):
            try:
                events.append(results.TaskEvent.read(ids, frame.id, frame.payload))
            except DifxError:
                pass
        if not events:
            continue
        if ids is taskids.JobPacket:
            events.append(results.TaskEvent.read(ids, taskids.JobPacket.JOB_FAILED, b""))
            results.job_result(events)
        for result in (
            results.job_statuses,
            results.machines_result,
            results.directory_result,
            results.filelist_result,
        ):
            try:
                result(events)
            except DifxError:
                pass


def read_answer(data: bytes) -> None:
    """Read the one integer that a task asks for."""
    tasksequences.read_overwrite(data)


def frame(number: int, payload: bytes) -> bytes:
    """Return a frame behind the byte that divides a stream into pieces."""
    return b"\x3c" + frames.pack_frame(number, payload)


START = documents.write_command(
    commands.StartJob(
        input="/a/b.input",
        nodes=jobs.JobNodes(manager="m", sources=("d",), processors=(("p", 1),)),
        port=50401,
    )
)
ALERT = (
    b"<difxMessage><header><from>mpifxcorr</from><mpiProcessId>1</mpiProcessId><identifier>j</identifier>"
    b"<type>DifxAlertMessage</type></header><body><seqNumber>3</seqNumber><difxAlert><alertMessage>x"
    b"</alertMessage><severity>2</severity></difxAlert></body></difxMessage>"
)

TARGETS = (
    Target(
        name="difx-client-packets",
        folder="gateways/difx/protocol",
        read=read_client,
        raises=(FrameError,),
        samples=(
            frame(packets.Packet.COMMAND, START),
            frame(packets.Packet.RELAY, struct.pack(">i", 1)),
            frame(packets.Packet.GENERATE_FILELIST, struct.pack(">i", 50000) + b"host"),
        ),
    ),
    Target(
        name="difx-documents",
        folder="gateways/difx/protocol",
        read=read_document,
        raises=(DifxError,),
        samples=(START,),
    ),
    Target(
        name="difx-messages",
        folder="gateways/difx/protocol",
        read=read_message,
        raises=(DifxError,),
        samples=(ALERT, START),
    ),
    Target(
        name="difx-texts",
        folder="gateways/difx/protocol",
        read=read_texts,
        samples=(
            b"\x3c-rw-r--r-- 1 a b 12 Jan  1 00:00 x\n",
            b"\x3cMon Jan  1 00:00:00 2026   0  A  x  weights\n",
            b"\x3cNUMBER OF CORES: 2\n1\n2\n",
        ),
    ),
    Target(
        name="difx-captures",
        folder="gateways/difx/protocol",
        read=read_capture,
        raises=(RecordingError, DifxError),
    ),
    Target(
        name="difx-products",
        folder="gateways/difx/protocol",
        read=read_products,
        raises=(DifxError,),
    ),
    Target(
        name="difx-recordings",
        folder="gateways/difx/protocol",
        read=read_recording,
        raises=(DifxError,),
        samples=(b"\0" * 32, bytes.fromhex("edadbeab") * 4),
    ),
    Target(
        name="difx-published",
        folder="gateways/difx/protocol",
        read=read_published,
        raises=(DifxError,),
        samples=(b'{"state":"running"}', b'{"rows":["a"],"x_start":1,"data":[1,2]}'),
    ),
    Target(
        name="difx-monitor",
        folder="gateways/difx/client/protocol",
        read=read_monitor,
        samples=(frame(1, b"\0" * 12),),
    ),
    Target(
        name="difx-server-packets",
        folder="gateways/difx/client/protocol",
        read=read_server,
        raises=(FrameError,),
        samples=(frame(1, struct.pack(">i", 4) + b"text"),),
    ),
    Target(
        name="difx-answers",
        folder="gateways/difx/protocol",
        read=read_answer,
        raises=(DifxError,),
        samples=(struct.pack(">i", 1),),
    ),
)
