"""Commands of clients at a gateway with a fake correlator: the sequences that both families expect."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.difx_clients import GuiClient, ScriptClient, document, is_at_end, read_exactly
from support.difx_gateway import Gateway, gateway

ERROR, INFORMATION, WARNING = 6, 4, 5
TEXTS = {114, 115, 116}
NODES = (
    '<manager node="head"/><datastream nodes="ds1 ds2"/>'
    '<process nodes="p1" threads="3"/><process nodes="head" threads="2"/>'
)


def shell(text: str) -> list[str]:
    """A program of a profile."""
    return ["/bin/sh", "-c", text, "sh", "{input}", "{stem}"]


DONE = shell("echo working; echo done >> $2.difx")
RUNNERS: dict[str, dict[str, Any]] = {
    "OK": {"check": shell("echo fine"), "run": DONE},
    "BADCHECK": {"check": shell("echo wrong >&2; exit 1"), "run": DONE},
    "NOCHECK": {"check": ["/none/such/program"], "run": DONE},
    "FAILS": {"check": shell("true"), "run": shell("echo broken >&2; exit 3")},
    "GRUMBLES": {"check": shell("true"), "run": shell("echo trouble >&2; echo went on")},
    "LONG": {"check": shell("true"), "run": shell("echo running; exec sleep 300"), "grace": 0.1},
    "BINARY": {"check": shell("true"), "run": shell("printf 'a\\377b\\n'")},
    "MAKES": {
        "run": DONE,
        "prepare": [
            "/bin/sh",
            "-c",
            'cd "$1"; for n in 1 2; do echo x > job$n.input; echo FILE job$n.input; '
            "echo y > job$n.im; echo FILE job$n.im; done; : > job3.im; echo FILE job3.im; "
            "echo note; echo odd >&2",
            "sh",
            "{folder}",
        ],
    },
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "module").mkdir()
    for name in ("scan1.raw", "scan2.raw"):
        (folder / "module" / name).write_bytes(name.encode() * 100)
    commands = {"getkind": {"player": "DIFX", "call": "get_kind"}}
    files = {"MODULE": str(folder / "module")}
    with gateway(folder, runner=RUNNERS, commands=commands, files=files) as one:
        yield one


@pytest.fixture
def scan(served: Gateway, request: pytest.FixtureRequest) -> str:
    """A folder with one input file."""
    folder = served.root / f"s{abs(hash(request.node.nodeid))}"
    folder.mkdir()
    (folder / "job.input").touch()
    return f"/{folder.name}"


class Tasks:
    """Commands of one client, over TCP as the GUI or in channels as the script.

    Args:
        port: Of the gateway.
        is_channel: As the script.
    """

    def __init__(self, port: int, is_channel: bool) -> None:
        self.script = ScriptClient(port) if is_channel else None
        self.client = self.script or GuiClient(port)

    def choose(self, profile: str) -> None:
        self.client.send(13, f"rungeneric.{profile}".encode())
        self.client.send(15, profile.encode())

    def command(self, kind: str, body: str, ends: set[int]) -> list[tuple[int, bytes]]:
        """Sub-packets up to one that ends the task."""
        if self.script is not None:
            channel = self.script.task_channel(kind, body + "{there}")
            return self._read(lambda: self.script.sub_packet(channel), ends)  # type: ignore[union-attr]
        with self.client.task(kind, body + "{there}") as link:
            return self._all_of(link, ends)

    def request(
        self, number: int, payload: Callable[[bytes], bytes], ends: set[int]
    ) -> list[tuple[int, bytes]]:
        """The same for a packet of its own, whose payload has address and port."""
        if self.script is not None:
            self.script.send(number, payload(struct.pack(">ii", 0, 12345)))
            return self._read(lambda: self.script.sub_packet(12345), ends)  # type: ignore[union-attr]
        with self.client.listen() as listening:
            port = listening.getsockname()[1]
            there = struct.pack(">i", 9) + b"127.0.0.1" + struct.pack(">i", port)
            self.client.send(number, payload(there))
            link, _ = listening.accept()
        with link:
            link.settimeout(60)
            return self._all_of(link, ends)

    def _all_of(self, link: Any, ends: set[int]) -> list[tuple[int, bytes]]:
        def one() -> tuple[int, bytes]:
            number, length = struct.unpack(">ii", read_exactly(link, 8))
            return number, read_exactly(link, length)

        got = self._read(one, ends)
        assert is_at_end(link)
        return got

    @staticmethod
    def _read(one: Callable[[], tuple[int, bytes]], ends: set[int]) -> list[tuple[int, bytes]]:
        got = [one()]
        while got[-1][0] not in ends:
            got.append(one())
        return got

    def start(self, scan: str, more: str = NODES, name: str = "job.input") -> list[int]:
        """Ids of a job, texts left out where any number may be."""
        body = f"<input>{scan}/{name}</input>{more}"
        got = self.command("DifxStart", body, {100, 101, 119, 120, 128})
        return [number for number, _ in got if number not in TEXTS]


@pytest.fixture(params=["tcp", "channels"])
def tasks(served: Gateway, request: pytest.FixtureRequest) -> Iterator[Tasks]:
    found = Tasks(served.port, request.param == "channels")
    yield found
    found.client.close()


CHECK = "<function>CONFIG_ONLY</function>"
BAIL = "<function>BAIL_ON_CONFIG_FAIL</function>"
USNO = "<function>USNO</function>"
WITHOUT_HEAD = NODES.replace('<manager node="head"/>', "")
JOBS: dict[str, tuple[str, str, list[int]]] = {
    "normal": ("OK", NODES, [102, 103, 127, 125, 104, 113, 117, 101]),
    "check only": ("OK", NODES + CHECK, [102, 103, 127, 125, 128]),
    "check failed, check only": ("BADCHECK", NODES + CHECK, [102, 103, 127, 124, 128]),
    "check failed, bail": ("BADCHECK", NODES + BAIL, [102, 103, 127, 124, 128]),
    "check failed, run": ("BADCHECK", NODES + USNO, [102, 103, 127, 124, 104, 113, 117, 101]),
    "no check program": ("NOCHECK", NODES, [102, 103, 127, 126, 125, 104, 113, 117, 101]),
    "no head node": ("OK", WITHOUT_HEAD, [102, 103, 127, 125, 105, 100]),
    "no sources": (
        "OK",
        NODES.replace('"ds1 ds2"', '"None"'),
        [102, 103, 127, 125, 106, 100],
    ),
    "no processors": (
        "OK",
        '<manager node="head"/><datastream nodes="a"/>',
        [102, 103, 127, 125, 107, 100],
    ),
    "the program fails": ("FAILS", NODES, [102, 103, 127, 125, 104, 113, 119]),
    "errors, and goes on": ("GRUMBLES", NODES, [102, 103, 127, 125, 104, 113, 117, 120]),
    "bytes that are no text": ("BINARY", NODES, [102, 103, 127, 125, 104, 113, 117, 101]),
}


@pytest.mark.parametrize("case", list(JOBS))
def test_a_job_tells_its_sequence(tasks: Tasks, scan: str, case: str) -> None:
    profile, more, expected = JOBS[case]
    tasks.choose(profile)
    assert tasks.start(scan, more) == expected


def gui_task(gui: ScriptClient, kind: str, body: str) -> int:
    """Send a command as the GUI client does in channel mode, always with the same number."""
    gui.command(kind, f"{body}<address>127.0.0.1</address><port>50300</port>")
    return 50300


@pytest.mark.parametrize("more", [CHECK, USNO])
def test_the_gui_client_gets_nothing_in_a_channel_behind_its_own_end_of_a_job(
    served: Gateway, scan: str, more: str
) -> None:
    with ScriptClient(served.port) as gui:
        gui.send(15, b"BADCHECK")
        channel = gui_task(gui, "DifxStart", f"<input>{scan}/job.input</input>{NODES}{more}")
        ids = [number for number, _ in Tasks._read(lambda: gui.sub_packet(channel), {124})]
        assert [number for number in ids if number not in TEXTS] == [102, 103, 127, 124]
        ls = f"<operation>ls</operation><path>{scan}/job.input</path>"
        assert gui.lines(gui_task(gui, "DifxFileOperation", ls)) == [f"{scan}/job.input\n".encode()]
        end = "invalid: " if more is CHECK else "finished: "
        while not any(text.startswith(f"job job: {end}") for _, text in gui.said):
            gui.read()
        gui.handshake()
        assert not gui.chunks[channel]


def test_the_gui_client_gets_nothing_in_a_channel_behind_its_own_end_of_a_copy(
    served: Gateway, scan: str
) -> None:
    with ScriptClient(served.port) as gui:
        body = f"<mark5>DIFX</mark5><vsn>NONE</vsn><destination>{scan}</destination>"
        channel = gui_task(gui, "DifxMark5Copy", body)
        got = Tasks._read(lambda: gui.sub_packet(channel), {314})
        assert [number for number, _ in got] == [301, 305, 314]
        ls = f"<operation>ls</operation><path>{scan}</path>"
        assert gui.lines(gui_task(gui, "DifxFileOperation", ls)) == [b"job.input\n"]


def test_a_job_without_its_input_file_is_refused(tasks: Tasks, scan: str) -> None:
    assert tasks.start(scan, name="other.input") == [102, 103, 109, 100]


@pytest.mark.parametrize("force", ["0", "no", "1"])
def test_output_that_exists_is_kept_or_removed(
    tasks: Tasks, served: Gateway, scan: str, force: str
) -> None:
    output = served.root / scan[1:] / "job.difx"
    output.write_text("old\n")
    tasks.choose("OK")
    got = tasks.start(scan, f"{NODES}<force>{force}</force>")
    if force == "1":
        assert got == [102, 103, 127, 125, 104, 112, 113, 117, 101]
        assert output.read_text() == "done\n"
    else:
        assert got == [102, 103, 127, 125, 104, 111, 100]
        assert output.read_text() == "old\n"


def test_what_a_job_says_comes_on_the_clients_connection_too(tasks: Tasks, scan: str) -> None:
    tasks.choose("GRUMBLES")
    tasks.start(scan)
    tasks.client.handshake()
    said = tasks.client.said
    assert (ERROR, "job job: trouble") in said
    assert (INFORMATION, "job job: went on") in said


@pytest.mark.parametrize(
    ("profile", "said"),
    [("BADCHECK", "the check ended with exit status 1"), ("NOCHECK", "the check cannot be made")],
)
def test_a_check_that_does_not_pass_is_a_warning_where_the_job_runs_all_the_same(
    tasks: Tasks, scan: str, profile: str, said: str
) -> None:
    tasks.choose(profile)
    tasks.start(scan)
    tasks.client.handshake()
    (severity,) = [number for number, text in tasks.client.said if said in text]
    assert severity == WARNING


def test_a_stopped_job_ends_with_its_number(served: Gateway, scan: str) -> None:
    with GuiClient(served.port) as stopper:
        tasks = Tasks(served.port, True)
        assert tasks.script is not None
        with tasks.client:
            tasks.choose("LONG")
            body = f"<input>{scan}/job.input</input>{NODES}{{there}}"
            channel = tasks.script.task_channel("DifxStart", body)
            while tasks.script.sub_packet(channel) != (114, b"running"):
                pass
            stopper.command("DifxStop", f"<input>{scan}/job.input</input>")
            got = tasks._read(lambda: tasks.script.sub_packet(channel), {100, 101, 119, 120})  # type: ignore[union-attr]
            assert [number for number, _ in got if number not in TEXTS] == [100]
        assert stopper.settle() == []
        stopper.command("DifxStop", f"<input>{scan}/job.input</input>")
        while not stopper.said:
            stopper.read()
        assert [number for number, _ in stopper.said] == [WARNING]


def test_two_jobs_run_beside_each_other_and_outlive_their_client(
    served: Gateway, scan: str
) -> None:
    (served.root / scan[1:] / "second.input").touch()
    tasks = Tasks(served.port, True)
    assert tasks.script is not None
    with tasks.client:
        tasks.choose("LONG")
        channels = [
            tasks.script.task_channel("DifxStart", f"<input>{scan}/{name}</input>{NODES}{{there}}")
            for name in ("job.input", "second.input")
        ]
        for channel in channels:
            while tasks.script.sub_packet(channel) != (114, b"running"):
                pass
    service = served.hosted.bank.service  # type: ignore[attr-defined]
    jobs = [service.jobs.active(f"{scan}/{name}") for name in ("job.input", "second.input")]
    assert None not in jobs
    with GuiClient(served.port) as other:
        for job in jobs:
            other.command("DifxStop", f"<input>{job.request.input}</input>")
            assert job.wait(60)
            assert job.state.value == "stopped"


def test_the_state_of_a_job_is_told_shortly_and_at_length(tasks: Tasks, scan: str) -> None:
    def asked(short: int) -> Callable[[bytes], bytes]:
        pattern = f"{scan}/*.input".encode()
        return lambda there: struct.pack(">ii", short, len(pattern)) + pattern + there

    tasks.choose("OK")
    tasks.start(scan)
    got = tasks.request(24, asked(1), {101, 109})
    assert [number for number, _ in got] == [102, 110, 104, 106, 101]
    assert len(got[1][1]) == 24
    assert got[2][1] == f"{scan}/job.input".encode()
    assert got[3][1][24:28] in (b"Done", b"MpiD")
    whole = tasks.request(24, asked(0), {101, 109})
    states = [data[24:] for number, data in whole if number == 106]
    assert states[0].startswith((b"Spawning", b"Starting"))
    assert len(states) > 3


def test_machines_and_threads_are_written(tasks: Tasks, served: Gateway, scan: str) -> None:
    body = f"<input>{scan}/job.input</input>{NODES}"
    got = tasks.command("DifxMachinesDefinition", body, {100, 101})
    assert [number for number, _ in got] == [102, 103, 108, 111, 109, 110, 104, 115, 116, 101]
    folder = served.root / scan[1:]
    assert (folder / "job.machines").read_text() == "head\nds1\nds2\np1\nhead\n"
    assert (folder / "job.threads").read_text() == "NUMBER OF CORES:    2\n3\n1\n"


def test_processors_are_tested_and_left_out(tasks: Tasks, served: Gateway, scan: str) -> None:
    nodes = '<manager node="h"/><datastream nodes="d"/><process nodes="DIFX NONE" threads="2"/>'
    files = f"<machinesFile>{scan}/m</machinesFile><threadsFile>{scan}/t</threadsFile>"
    body = f"<input>{scan}/job.input</input>{nodes}{files}<testProcessors>true</testProcessors>"
    got = tasks.command("DifxMachinesDefinition", body, {100, 101})
    assert [number for number, _ in got] == [102, 103, 111, 110, 104, 122, 120, 119, 115, 116, 101]
    assert [data for number, data in got if number in (119, 120)] == [b"DIFX", b"NONE"]
    assert (served.root / scan[1:] / "m").read_text() == "h\nd\nDIFX\n"


@pytest.mark.parametrize(
    ("nodes", "number"), [("", 105), ('<manager node="h"/>', 106), (WITHOUT_HEAD, 105)]
)
def test_machines_are_refused_with_a_number_and_one_error(
    tasks: Tasks, scan: str, nodes: str, number: int
) -> None:
    body = f"<input>{scan}/job.input</input>{nodes}"
    got = tasks.command("DifxMachinesDefinition", body, {100, 101})
    assert [each for each, _ in got] == [102, 103, number, 100]
    tasks.client.handshake()
    assert len(tasks.client.errors()) == 1


def test_prepared_jobs_are_listed_without_line_feeds(served: Gateway, scan: str) -> None:
    (served.root / scan[1:] / "x.v2d").touch()
    body = f"<passPath>{scan}</passPath><file>x.v2d</file>"
    with ScriptClient(served.port) as script:
        script.send(15, b"MAKES")
        lines = script.lines(script.task_channel("DifxVex2DifxRun", body + "{there}"))
        names = ("job1.input", "job1.im", "job2.input", "job2.im")
        assert lines == [f"{scan}/{name}".encode() for name in names]
        script.handshake()
        texts = [text for _, text in script.said]
        assert "note" in texts
        assert (ERROR, "odd") in script.said
        assert (WARNING, f"{scan}/job3.im: has no delay model in it") in script.said
        models = script.task_channel("DifxVex2DifxRun", f"{body}<calcOnly>1</calcOnly>{{there}}")
        assert script.lines(models) == [f"{scan}/job1.im".encode(), f"{scan}/job2.im".encode()]


def file_list(files: list[str], destination: str, form: str) -> Callable[[bytes], bytes]:
    """Payload of GENERATE_FILELIST."""

    def counted(text: str) -> bytes:
        return struct.pack(">i", len(text)) + text.encode()

    head = struct.pack(">i", len(files)) + b"".join(map(counted, files))
    return lambda there: (
        head + counted(destination) + counted(form) + struct.pack(">i", 60000) + there
    )


def test_a_list_of_an_unknown_format_is_refused(tasks: Tasks, scan: str) -> None:
    got = tasks.request(23, file_list([f"{scan}/a"], f"{scan}/list", "TAPE"), {100, 101})
    assert got == [(102, b""), (109, b"TAPE"), (100, b"")]
    got = tasks.request(23, file_list([f"{scan}/a"], "/none/list", "VDIF"), {100, 101})
    assert got == [(102, b""), (105, b"/none/list"), (100, b"")]


@pytest.mark.parametrize(("answer", "end"), [(106, [104, 111, 110, 112, 101]), (107, [100])])
def test_an_existing_list_is_replaced_only_if_the_client_says_so(
    served: Gateway, scan: str, answer: int, end: list[int]
) -> None:
    path = served.root / scan[1:] / "list"
    path.write_text("old")
    (served.root / scan[1:] / "recording").write_bytes(b"too short")
    with ScriptClient(served.port) as script:
        payload = file_list([f"{scan}/recording"], f"{scan}/list", "VDIF")
        script.send(23, payload(struct.pack(">ii", 0, 777)))
        assert script.sub_packet(777) == (102, b"")
        assert script.sub_packet(777) == (103, f"{scan}/list".encode())
        script.chunk(777, struct.pack(">i", answer))
        got = Tasks._read(lambda: script.sub_packet(777), {100, 101})
    assert [number for number, _ in got] == end
    assert path.read_text() == ("" if answer == 106 else "old")


def test_the_directory_of_a_medium_is_read(tasks: Tasks) -> None:
    body = "<mark5>difx</mark5><vsn>MODULE</vsn>"
    got = tasks.command("DifxGetDirectory", body, {302})
    assert [number for number, _ in got] == [301, 303, 307, 309, 310, 310, 310, 302]
    assert len(got[2][1]) == 12
    assert got[4][1].split()[:2] == [b"MODULE", b"2"]
    again = tasks.command("DifxGetDirectory", f"{body}<generateNew>1</generateNew>", {302})
    assert [number for number, _ in again][:5] == [301, 303, 311, 312, 313]
    assert again[3][1] == b"Number of scans = 2"


def test_a_medium_that_is_not_there_ends_as_both_clients_know(tasks: Tasks) -> None:
    got = tasks.command("DifxGetDirectory", "<mark5>difx</mark5><vsn>NONE</vsn>", {302})
    assert [number for number, _ in got] == [301, 303, 308, 304, 302]
    tasks.client.handshake()
    assert len(tasks.client.errors()) == 1


def test_recordings_are_copied(tasks: Tasks, served: Gateway, scan: str) -> None:
    body = (
        f"<mark5>DIFX</mark5><vsn>MODULE</vsn><scans>1-2</scans><destination>{scan}</destination>"
    )
    got = tasks.command("DifxMark5Copy", body, {302})
    numbers = [number for number, _ in got]
    assert (numbers[0], numbers[-1]) == (301, 302)
    named = [data for number, data in got if number == 305]
    assert named == [f"outName = {scan}/scan{n}.raw".encode() for n in (1, 2)]
    assert (served.root / scan[1:] / "scan2.raw").read_bytes() == b"scan2.raw" * 100


def test_a_copy_that_fails_says_why(tasks: Tasks, scan: str) -> None:
    body = f"<mark5>DIFX</mark5><vsn>NONE</vsn><destination>{scan}</destination>"
    got = tasks.command("DifxMark5Copy", body, {302})
    assert [number for number, _ in got] == [301, 305, 314, 302]


def test_a_command_for_a_unit_is_answered(tasks: Tasks) -> None:
    body = "<command>getkind</command><targetNode>difx</targetNode>"
    assert tasks.command("DifxMk5Control", body, {101}) == [
        (102, b""),
        (108, b"DIFX: difx\n"),
        (101, b""),
    ]


@pytest.mark.parametrize("name", ["reboot", "getkind; reboot", "$(reboot)"])
def test_a_command_that_is_not_allowed_is_refused(tasks: Tasks, name: str) -> None:
    got = tasks.command("DifxMk5Control", f"<command>{name}</command>", {101})
    assert [number for number, _ in got] == [102, 110, 101]
    tasks.client.handshake()
    (error,) = tasks.client.errors()
    assert "commands" in error


@pytest.mark.parametrize("as_packet", [True, False])
def test_a_command_for_the_network_is_carried_out_by_players(
    served: Gateway, as_packet: bool
) -> None:
    with GuiClient(served.port) as client:
        if as_packet:
            client.send(2, document("DifxCommand", "<command>getkind</command>"))
        else:
            client.command("DifxCommand", "<command>getkind</command>")
        while not client.said:
            client.read()
        ((number, text),) = client.said
        assert (number, text.split(": ")[-2:]) == (INFORMATION, ["DIFX", "difx"])


def test_a_message_for_the_network_is_refused_without_a_bridge(served: Gateway) -> None:
    with GuiClient(served.port) as client:
        client.send(2, b"<difxMessage><header><type>DifxStop</type></header></difxMessage>")
        client.wait_for_errors()
        client.send(7, b"224.2.2.2\n50201")
        while len(client.said) < 2:
            client.read()
        assert client.said[1][0] == INFORMATION
        assert "no effect" in client.said[1][1]


STATUS = re.compile(rb"<type>DifxStatusMessage</type>.*<state>(\w+)</state>", re.DOTALL)


def test_states_of_a_job_are_relayed_to_who_selected_them(served: Gateway, scan: str) -> None:
    with GuiClient(served.port) as listener, GuiClient(served.port) as other:
        listener.send(17, b"SELECTED_MESSAGES\nSTATUS_MESSAGES\n")
        other.send(17, b"SELECTED_MESSAGES\nSMART_MESSAGES\n")
        for client in (listener, other):
            client.send(1, struct.pack(">i", 1))
            client.handshake()
        tasks = Tasks(served.port, True)
        with tasks.client:
            tasks.choose("OK")
            (served.root / scan[1:] / "relayed.input").touch()
            tasks.start(scan, name="relayed.input")
        states: list[bytes] = []
        while states[-1:] != [b"MpiDone"]:
            message = listener.wait_for(1)[1]
            found = STATUS.search(message)
            assert found is not None, "a message of a type that was not selected"
            if b"<identifier>relayed</identifier>" in message:  # others may end meanwhile
                states.append(found[1])
        assert [
            state
            for state in dict.fromkeys(states)
            if state not in (b"Spawning", b"Ending", b"MpiDone")
        ] == [b"Starting", b"Running", b"Done"]
        first = listener.relayed[0]
        assert first.startswith(b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<difxM')
        assert b"> <" not in first
        listener.send(1, bytes(4))
        other.handshake()
        assert other.relayed == []


@pytest.mark.parametrize("path", [b"/none.input", b"bank:NONE", b"/../etc/passwd"])
def test_a_monitor_of_what_is_not_there_says_so_and_ends(
    tasks: Tasks, served: Gateway, path: bytes
) -> None:
    asked = struct.pack(">ii", 103, len(path)) + path
    if tasks.script is not None:
        tasks.script.send(14, struct.pack(">i", 777))
        tasks.script.chunk(777, asked)
        assert tasks.script.sub_packet(777)[0] == 102
        return
    with tasks.client.listen() as listening:
        tasks.client.send(14, struct.pack(">i", listening.getsockname()[1]))
        link, _ = listening.accept()
    with link:
        link.settimeout(60)
        link.sendall(asked)
        number, length = struct.unpack(">ii", read_exactly(link, 8))
        assert number == 102
        assert path.removeprefix(b"bank:")[:6] in read_exactly(link, length)
        assert is_at_end(link)
