"""Command documents, as both clients write them."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.errors import DocumentError, UnknownTypeError
from gateways.difx.protocol.commands import (
    Command,
    FileAction,
    FileOperation,
    FileTransfer,
    GetDirectory,
    JobFunction,
    MachinesDefinition,
    Mark5Copy,
    MulticastCommand,
    StartJob,
    StopJob,
    TransferDirection,
    UnitCommand,
    Vex2DifxRun,
)
from gateways.difx.protocol.documents import (
    COMMAND_TYPES,
    read_command,
    split_nodes,
    write_command,
)
from gateways.difx.protocol.jobs import JobMode, JobNodes

GUI = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<difxMessage>
    <header>
        <from>doi</from>
        <to>hpc1</to>
        <mpiProcessId>-1</mpiProcessId>
        <identifier>doi</identifier>
        <type>{type}</type>
    </header>
    <body>
        <seqNumber>3</seqNumber>
        <{wrapper}>
            {elements}
        </{wrapper}>
    </body>
</difxMessage>
"""
SCRIPT = """<?xml version="1.0" encoding="UTF-8"?>
<difxMessage>
  <header>
    <type>{type}</type>
  </header>
  <body>
    {elements}
  </body>
</difxMessage>
"""
TASK = "<address>10.0.0.1</address><port>12346</port>"
NODES = (
    '<manager node="head"/><datastream nodes="ds1 ds2"/><process nodes="p1" threads="3"/>'
    '<process nodes="head" threads="2"/>'
)
READ_NODES = JobNodes(manager="head", sources=("ds1", "ds2"), processors=(("p1", 3), ("head", 2)))
WHERE = {"address": "10.0.0.1", "port": 12346}

COMMANDS: list[tuple[str, str, str, Command]] = [
    (
        "DifxFileOperation",
        "difxFileOperation",
        f"<path>/data</path><operation>ls</operation><arg>-l -d</arg><dataNode>x</dataNode>{TASK}",
        FileOperation(operation=FileAction.LS, path="/data", argument="-l -d", **WHERE),
    ),
    (
        "DifxFileOperation",
        "difxFileOperation",
        "<operation>mkdir</operation><path>/a;$(b) &quot;&apos;&#10;c</path>",
        FileOperation(operation=FileAction.MKDIR, path="/a;$(b) \"'\nc"),
    ),
    (
        "DifxFileOperation",
        "difxFileOperation",
        "<operation> mv </operation><path>/a </path><arg>/b</arg>",
        FileOperation(operation=FileAction.MV, path="/a ", argument="/b"),
    ),
    (
        "DifxFileTransfer",
        "difxFileTransfer",
        f"<direction>from DiFX</direction><origin>/a</origin>{TASK}",
        FileTransfer(direction=TransferDirection.DOWNLOAD, origin="/a", **WHERE),
    ),
    (
        "DifxFileTransfer",
        "difxFileTransfer",
        f"<direction>to DiFX</direction><origin>None</origin><destination>/b</destination>{TASK}",
        FileTransfer(direction=TransferDirection.UPLOAD, destination="/b", **WHERE),
    ),
    (
        "DifxStart",
        "difxStart",
        f"<input>/j.input</input>{NODES}<force>1</force><restartSeconds>2.9</restartSeconds>"
        "<function>RUN_MONITOR</function><mpiWrapper>mpiexec</mpiWrapper><mpiOptions>-x</mpiOptions>"
        "<difxProgram>prog</difxProgram><env>A=1</env><env>B=2</env>"
        f"<difxVersion>DIFX-DEVEL</difxVersion>{TASK}",
        StartJob(
            input="/j.input",
            nodes=READ_NODES,
            force=True,
            restart_seconds=2,
            function=JobFunction.RUN_MONITOR,
            mpi_wrapper="mpiexec",
            mpi_options="-x",
            program="prog",
            environment=("A=1", "B=2"),
            version="DIFX-DEVEL",
            **WHERE,
        ),
    ),
    (
        "DifxStart",
        "difxStart",
        "<input>/j.input</input><manager node='None'/><datastream nodes='None'/><function>None"
        "</function><mpiWrapper>None</mpiWrapper><force></force><restartSeconds>None</restartSeconds>"
        "<process nodes='None' threads='None'/><env>None</env><port>1</port>",
        StartJob(input="/j.input", port=1),
    ),
    (
        "DifxStop",
        "difxStop",
        "<input>/j.input</input><difxVersion>v</difxVersion>",
        StopJob(input="/j.input", version="v"),
    ),
    (
        "DifxMachinesDefinition",
        "difxMachinesDefinition",
        f"<input>/j.input</input>{NODES}<testProcessors>true</testProcessors>"
        f"<machinesFile>/m</machinesFile><threadsFile>/t</threadsFile>{TASK}",
        MachinesDefinition(
            input="/j.input",
            nodes=READ_NODES,
            test_processors=True,
            machines_file="/m",
            threads_file="/t",
            **WHERE,
        ),
    ),
    (
        "DifxVex2DifxRun",
        "difxVex2difxRun",
        "<passPath>/p</passPath><file>a.v2d</file><calcOnly>1</calcOnly><user>u</user><node>n</node>"
        f"<calcCommand>difxcalc</calcCommand>{TASK}",
        Vex2DifxRun(
            folder="/p",
            file="a.v2d",
            model_only=True,
            model_program="difxcalc",
            user="u",
            node="n",
            **WHERE,
        ),
    ),
    (
        "DifxGetDirectory",
        "difxGetDirectory",
        f"<mark5>mark5-01</mark5><vsn>NRAO-123</vsn><generateNew>0</generateNew>{TASK}",
        GetDirectory(unit="mark5-01", medium="NRAO-123", **WHERE),
    ),
    (
        "DifxMark5Copy",
        "difxMark5Copy",
        f"<mark5>m</mark5><vsn>V</vsn><scans>1-3</scans><destination>/d</destination>{TASK}",
        Mark5Copy(unit="m", medium="V", scans="1-3", destination="/d", **WHERE),
    ),
    (
        "DifxMk5Control",
        "difxMk5Control",
        f"<command>getsmart</command><targetNode>m</targetNode>{TASK}",
        UnitCommand(command="getsmart", target="m", **WHERE),
    ),
    (
        "DifxCommand",
        "difxCommand",
        "<command>stopdir</command>",
        MulticastCommand(command="stopdir"),
    ),
]


@pytest.mark.parametrize(("kind", "wrapper", "elements", "command"), COMMANDS)
def test_a_command_is_read_with_and_without_wrapper(
    kind: str, wrapper: str, elements: str, command: Command
) -> None:
    wrapped = GUI.format(type=kind, wrapper=wrapper, elements=elements)
    read = read_command(wrapped.encode())
    assert read == command or read == dataclasses.replace(command, to=("hpc1",))
    assert read_command(SCRIPT.format(type=kind, elements=elements).encode()) == command


@pytest.mark.parametrize(("kind", "wrapper", "elements", "command"), COMMANDS)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_command_that_is_written_is_read_back(
    kind: str, wrapper: str, elements: str, command: Command, wrapped: bool
) -> None:
    document = write_command(command, wrapped=wrapped)
    assert read_command(document) == command
    assert f"<type>{kind}</type>" in document.decode()
    assert (f"<{wrapper}>" in document.decode()) is wrapped
    assert document.index(b"</header>") < document.index(b"<body>")


def test_the_body_may_come_first_and_elements_in_any_order() -> None:
    document = (
        "<difxMessage><body><w><v><arg>/b</arg></v><path>/a</path></w><operation>cp</operation>"
        "</body><header><type>DifxFileOperation</type></header></difxMessage>"
    )
    expected = FileOperation(operation=FileAction.CP, path="/a", argument="/b")
    assert read_command(document.encode()) == expected


def test_receivers_of_a_command_for_all_are_read_from_the_header() -> None:
    command = MulticastCommand(command="getsmart", to=("mark5-01", "mark5-02"))
    assert read_command(write_command(command)) == command


def test_of_two_elements_of_a_name_the_last_holds() -> None:
    elements = "<operation>mkdir</operation><path>/a</path><path>/b</path>"
    document = SCRIPT.format(type="DifxFileOperation", elements=elements)
    assert read_command(document.encode()) == FileOperation(operation=FileAction.MKDIR, path="/b")


@pytest.mark.parametrize("kind", ["DifxLoadMessage", "difxStart", "DifxStartx", "\u0130"])
def test_a_type_that_is_no_command_is_told_apart(kind: str) -> None:
    with pytest.raises(UnknownTypeError, match="is no type of commands: DifxFileOperation,"):
        read_command(SCRIPT.format(type=kind, elements="").encode())


def test_ten_types_are_commands() -> None:
    assert set(COMMAND_TYPES) == {kind for kind, *_ in COMMANDS}
    assert len(COMMAND_TYPES) == 10


FAULTS = [
    ("", "", "no <type> in a <header>"),
    ("DifxFileOperation", "<path>/a</path>", "DifxFileOperation: the document has no <operation>"),
    ("DifxFileOperation", "<operation>rm</operation><path> </path>", "no <path>, or an empty one"),
    ("DifxFileOperation", "<operation>ls</operation><path>/a</path>", "no <port>"),
    ("DifxFileOperation", "<operation>cp</operation><path>/a</path>", "no <arg>"),
    (
        "DifxFileOperation",
        "<operation>chmod</operation><path>/a</path>",
        "<operation> is 'chmod': not one of mkdir, rmdir, touch, rm, mv, cp, ls",
    ),
    (
        "DifxFileTransfer",
        f"<direction>From DiFX</direction>{TASK}",
        "<direction> is 'From DiFX': not one of from DiFX, to DiFX",
    ),
    ("DifxFileTransfer", "<direction>to DiFX</direction>", "no <port>"),
    ("DifxStart", "<input>/a</input>", "no <port>"),
    ("DifxStart", "<port>-1</port>", "<port> is '-1': not a decimal number within 0..2147483647"),
    ("DifxStart", "<port>2147483648</port>", "not a decimal number"),
    (
        "DifxStart",
        "<port>1</port><function>CONFIG</function>",
        "<function> is 'CONFIG': not one of",
    ),
    ("DifxStart", "<port>1</port><restartSeconds>nan</restartSeconds>", "no number of seconds"),
    ("DifxStart", "<port>1</port><restartSeconds>x</restartSeconds>", "<restartSeconds> is 'x'"),
    ("DifxStart", '<port>1</port><manager node="a b"/>', "<manager> names 2 nodes"),
    (
        "DifxStart",
        '<port>1</port><process nodes="a" threads="x"/>',
        "threads of <process> are 'x': not a decimal number",
    ),
    ("DifxStop", "", "DifxStop: the document has no <input>"),
    ("DifxVex2DifxRun", f"<file>a</file>{TASK}", "no <passPath>"),
    ("DifxGetDirectory", f"<mark5>a</mark5>{TASK}", "no <vsn>"),
    ("DifxMark5Copy", f"<mark5>a</mark5><vsn>b</vsn>{TASK}", "no <destination>"),
    ("DifxMk5Control", TASK, "no <command>"),
    ("DifxCommand", "", "no <command>"),
]


@pytest.mark.parametrize(("kind", "elements", "reason"), FAULTS)
def test_a_command_that_lacks_something_is_refused(kind: str, elements: str, reason: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(reason)) as caught:
        read_command(SCRIPT.format(type=kind, elements=elements).encode())
    assert not isinstance(caught.value, UnknownTypeError)


@pytest.mark.parametrize(
    ("text", "force"),
    [
        ("0", False),
        ("no", False),
        ("N", False),
        ("false", False),
        ("F", False),
        ("1", True),
        ("y", True),
    ],
)
def test_force_is_off_for_zero_and_words_of_denial(text: str, force: bool) -> None:
    document = SCRIPT.format(type="DifxStart", elements=f"<port>1</port><force> {text} </force>")
    assert read_command(document.encode()) == StartJob(port=1, force=force)


@pytest.mark.parametrize(
    ("function", "mode"),
    [
        (JobFunction.USNO, JobMode.RUN),
        (JobFunction.DEFAULT, JobMode.RUN),
        (JobFunction.RUN_MONITOR, JobMode.MONITOR),
        (JobFunction.CONFIG_ONLY, JobMode.CHECK),
        (JobFunction.BAIL_ON_CONFIG_FAIL, JobMode.RUN_IF_VALID),
    ],
)
def test_a_function_is_a_mode_of_jobs(function: JobFunction, mode: JobMode) -> None:
    assert StartJob(port=1, function=function).mode is mode


def test_threads_are_one_unless_told() -> None:
    elements = '<port>1</port><process nodes="a b"/><process nodes="c" threads=""/>'
    read = read_command(SCRIPT.format(type="DifxStart", elements=elements).encode())
    assert isinstance(read, StartJob)
    assert read.nodes.processors == (("a", 1), ("b", 1), ("c", 1))


@pytest.mark.parametrize("text", ["a b,c", "(a)[b]{c}", " a , b ;c".replace(";", ""), "a\n b\tc"])
def test_lists_of_nodes_have_many_separators(text: str) -> None:
    assert split_nodes(text) == ("a", "b", "c")


@pytest.mark.parametrize("name", ["a b", "", "a,b", "None", "(a)"])
def test_a_node_that_would_be_read_as_something_else_is_not_written(name: str) -> None:
    with pytest.raises(DocumentError, match="no name of a node"):
        write_command(StartJob(port=1, nodes=JobNodes(sources=(name,))))


def test_a_text_that_no_document_can_have_is_not_written() -> None:
    with pytest.raises(DocumentError, match=r"U\+0000"):
        write_command(StopJob(input="/a\0"))


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12
)
PATHS = TEXTS.map(lambda text: f"/{text}")
WORDS = st.from_regex(r"[a-zA-Z0-9_.-]{1,8}", fullmatch=True).filter(lambda word: word != "None")
COUNTS = st.integers(0, 2**31 - 1)
NODE_LISTS = st.builds(
    JobNodes,
    manager=WORDS | st.just(""),
    sources=st.lists(WORDS, max_size=3).map(tuple),
    processors=st.lists(st.tuples(WORDS, COUNTS), max_size=3).map(tuple),
)
ANY_COMMAND = st.one_of(
    st.builds(
        FileOperation,
        operation=st.sampled_from(FileAction),
        path=PATHS,
        argument=PATHS,
        address=WORDS,
        port=COUNTS,
    ),
    st.builds(
        FileTransfer,
        direction=st.sampled_from(TransferDirection),
        origin=PATHS,
        destination=PATHS,
        port=COUNTS,
    ),
    st.builds(
        StartJob,
        input=PATHS,
        nodes=NODE_LISTS,
        force=st.booleans(),
        restart_seconds=st.integers(0, 10**6),
        function=st.sampled_from(JobFunction),
        environment=st.lists(WORDS, max_size=3).map(tuple),
        version=WORDS,
        port=COUNTS,
    ),
    st.builds(
        MachinesDefinition,
        input=PATHS,
        nodes=NODE_LISTS,
        test_processors=st.booleans(),
        threads_file=PATHS,
        port=COUNTS,
    ),
    st.builds(MulticastCommand, command=PATHS, to=st.lists(WORDS, max_size=3).map(tuple)),
)


@settings(max_examples=60)
@given(ANY_COMMAND, st.booleans())
def test_any_command_is_read_back(command: Command, wrapped: bool) -> None:
    assert read_command(write_command(command, wrapped=wrapped)) == command
