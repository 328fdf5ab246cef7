"""XML messages as both families of clients read them, written and read back."""

from __future__ import annotations

from xml.dom import minidom

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.errors import DocumentError
from gateways.difx.protocol import messagebodies as bodies
from gateways.difx.protocol.messagebodies import Body, encoded, read_body
from gateways.difx.protocol.messages import (
    MAX_MESSAGE_BYTES,
    MessageHeader,
    MessageType,
    Node,
    encode_message,
    look_into,
    read_message,
)

HEAD = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def document(sender: str, identifier: str, kind: str, body: str, process: int = -1) -> bytes:
    """Write a message by the sheet."""
    return (
        HEAD
        + (
            f"<difxMessage><header><from>{sender}</from><mpiProcessId>{process}</mpiProcessId>"
            f"<identifier>{identifier}</identifier><type>{kind}</type></header>"
            f"<body><seqNumber>17</seqNumber>{body}</body></difxMessage>"
        ).encode()
    )


EXAMPLES: list[tuple[Body, str]] = [
    (
        bodies.JobStateBody(
            input="/d/j.input",
            state="Running",
            message="at work",
            visibility_mjd=60000.25,
            start_mjd=60000.0,
            stop_mjd=60001.0,
            weights=((0, 0.5), (2, 1.0)),
        ),
        "<difxStatus><input>/d/j.input</input><state>Running</state><message>at work</message>"
        "<visibilityMJD>60000.2500000</visibilityMJD><jobstartMJD>60000.0000000</jobstartMJD>"
        '<jobstopMJD>60001.0000000</jobstopMJD><weight ant="0" wt="0.500"/>'
        '<weight ant="2" wt="1.000"/></difxStatus>',
    ),
    (
        bodies.JobStateBody(state="Spawning"),
        "<difxStatus><state>Spawning</state><message></message>"
        "<visibilityMJD>0.0000000</visibilityMJD></difxStatus>",
    ),
    (
        bodies.Alert(text="a < b & \"c\" 'd' >", severity=3),
        "<difxAlert><alertMessage>a &lt; b &amp; &quot;c&quot; &apos;d&apos; &gt;</alertMessage>"
        "<severity>3</severity></difxAlert>",
    ),
    (
        bodies.Load(
            cpu_load=2.5, total_memory=16384, used_memory=1024, rx_rate=5, tx_rate=6, cores=4
        ),
        "<difxLoad><cpuLoad>2.50</cpuLoad><totalMemory>16384</totalMemory>"
        "<usedMemory>1024</usedMemory><netRXRate>5</netRXRate><netTXRate>6</netTXRate>"
        "<nCore>4</nCore></difxLoad>",
    ),
    (
        bodies.Mark5Status(
            bank_a="NRAO+123",
            status_word=0x1234,
            active_bank="A",
            state="Recording",
            scan_number=7,
            scan_name="exp_1",
            position=2**40,
            play_rate=1024.5,
            data_mjd=60000.5,
        ),
        "<mark5Status><bankAVSN>NRAO+123</bankAVSN><bankBVSN>none</bankBVSN>"
        "<statusWord>0x00001234</statusWord><activeBank>A</activeBank><state>Recording</state>"
        "<scanNumber>7</scanNumber><scanName>exp_1</scanName><position>1099511627776</position>"
        "<playRate>1024.500</playRate><dataMJD>60000.5000000</dataMJD></mark5Status>",
    ),
    (bodies.Info(message="hello"), "<difxInfo><message>hello</message></difxInfo>"),
    (
        bodies.DiagnosticBody(kind="BufferStatus", values=(1, 32, 4, 9)),
        "<difxDiagnostic><diagnosticType>BufferStatus</diagnosticType><threadId>1</threadId>"
        "<numBufElements>32</numBufElements><startBufElement>4</startBufElement>"
        "<activeBufElements>9</activeBufElements></difxDiagnostic>",
    ),
    (
        bodies.DiagnosticBody(kind="NumSubintsLost", values=(3,)),
        "<difxDiagnostic><diagnosticType>NumSubintsLost</diagnosticType>"
        "<numSubintsLost>3</numSubintsLost></difxDiagnostic>",
    ),
    (
        bodies.Smart(mjd=60000.0, vsn="NRAO-1", slot=2, values=((5, 100), (9, 12345))),
        "<difxSmart><mjd>60000.0000000</mjd><vsn>NRAO-1</vsn><slot>2</slot>"
        '<smart id="5" value="100"/><smart id="9" value="12345"/></difxSmart>',
    ),
    (
        bodies.DriveStats(
            serial="S1",
            model="M",
            size=250,
            module="V",
            slot=0,
            start_mjd=1.0,
            stop_mjd=2.0,
            kind="read",
            start_byte=7,
            bins=(1, 2, 3, 4, 5, 6, 7, 8),
        ),
        "<difxDriveStats><serialNumber>S1</serialNumber><modelNumber>M</modelNumber>"
        "<size>250</size><moduleVSN>V</moduleVSN><moduleSlot>0</moduleSlot>"
        "<startMJD>1.00000</startMJD><stopMJD>2.00000</stopMJD><type>read</type>"
        "<startByte>7</startByte>"
        + "".join(f"<bin{n}>{n + 1}</bin{n}>" for n in range(8))
        + "</difxDriveStats>",
    ),
    (
        bodies.ParameterBody(target=-2, name="fftbuffer", indices=(3, 4), value="on"),
        "<difxParameter><targetMpiId>-2</targetMpiId><name>fftbuffer</name><index1>3</index1>"
        "<index2>4</index2><value>on</value></difxParameter>",
    ),
    (bodies.RecorderCommand(command="stop"), "<difxCommand><command>stop</command></difxCommand>"),
    (
        bodies.Mark6SlotStatus(
            slot=1, module="M%1", group="G", disks=8, missing=1, state=3, message="m"
        ),
        "<mark6SlotStatus><slot>1</slot><msn>M%1</msn><group>G</group><numDisks>8</numDisks>"
        "<numMissingDisks>1</numMissingDisks><state>3</state><message>m</message>"
        "</mark6SlotStatus>",
    ),
]


@pytest.mark.parametrize(("body", "text"), EXAMPLES)
def test_message_has_the_bytes_of_the_sheet_and_is_read_back(body: Body, text: str) -> None:
    expected = document("node1", "job_1", body.TYPE, text)
    assert encoded("node1", body, identifier="job_1").numbered(17) == expected
    message = read_message(expected)
    assert (message.sequence, message.header.sender) == (17, "node1")
    assert read_body(message) == body


OTHERS: list[Body] = [
    bodies.Transient(job="j", start_mjd=1.5, stop_mjd=2.5, priority=1.0, folder="/d", dm=56.5),
    bodies.Mark5Version(
        versions=dict.fromkeys(bodies._VERSIONS.split(), "1"),
        daughter_board=dict.fromkeys(bodies._DAUGHTER_BOARD.split(), "2"),
    ),
    bodies.Mark5Version(versions=dict.fromkeys(bodies._VERSIONS.split(), "1")),
    bodies.Mark6Activity(active_vsn="V", status_word=3, state="Play", scan_name="s"),
    bodies.Mark6Status(
        modules=("a", "b", "c", "d"),
        groups=("g",) * 4,
        disks=(8, 8, 8, 0),
        missing=(0, 0, 1, 0),
        state="Idle",
        position=5,
    ),
]


@pytest.mark.parametrize("body", OTHERS)
def test_other_messages_are_read_as_they_were_written(body: Body) -> None:
    assert read_body(read_message(encoded("n", body).numbered(1))) == body


def test_every_type_with_a_body_is_written() -> None:
    assert {type(body) for body, _ in EXAMPLES} | {type(body) for body in OTHERS} == set(
        bodies.BODIES.values()
    )


def test_commands_name_their_receivers() -> None:
    header = MessageHeader(sender="a", type="DifxCommand", identifier="x", to=("b", "c"))
    data = encode_message(header, Node("difxCommand")).numbered(1)
    assert b"<from>a</from><to>b</to><to>c</to><mpiProcessId>-1</mpiProcessId>" in data
    assert read_message(data).header == header


TEXTS = st.text(max_size=200) | st.text("<&\0\n\ud800\uffff]", max_size=50)


@given(TEXTS, TEXTS, TEXTS)
@settings(max_examples=60)
def test_any_text_gives_a_document_whose_first_child_is_the_header_and_last_the_body(
    sender: str, identifier: str, text: str
) -> None:
    alert = bodies.Alert(text=text, severity=2)
    data = encoded(sender, alert, identifier=identifier).numbered(2**32 - 1)
    assert len(data) <= MAX_MESSAGE_BYTES
    root = minidom.parseString(data).documentElement
    assert root is not None
    first, last = root.childNodes[0], root.childNodes[-1]
    assert (first.nodeName, last.nodeName) == ("header", "body")
    assert [node.nodeName for node in last.childNodes] == ["seqNumber", "difxAlert"]
    assert len(read_message(data).header.sender.encode()) <= 31
    assert not any(node.nodeType == node.TEXT_NODE for node in root.childNodes)


def test_control_characters_become_bracketed_numbers() -> None:
    data = encoded("n", bodies.Info(message="a\x00b\nc\x1f")).numbered(1)
    assert b"<message>a[0]b[10]c[31]</message>" in data


def test_names_are_cut_to_31_bytes_without_halving_a_character() -> None:
    data = encoded("ä" * 20, bodies.Info(message=""), identifier="j" * 40).numbered(1)
    assert f"<from>{'ä' * 15}</from>".encode() in data
    assert b"<identifier>" + b"j" * 31 + b"</identifier>" in data


@pytest.mark.parametrize("letter", ["x", "&", "ä", "\n"])
def test_text_that_is_too_long_is_cut_and_says_so(letter: str) -> None:
    data = encoded("n", bodies.Alert(text=letter * 9000, severity=4)).numbered(2**32 - 1)
    assert MAX_MESSAGE_BYTES - 60 < len(data) <= MAX_MESSAGE_BYTES
    body = read_body(read_message(data))
    assert isinstance(body, bodies.Alert)
    assert body.text.endswith(" [...]")


def test_message_that_cannot_be_cut_is_refused() -> None:
    with pytest.raises(DocumentError, match="above 8000"):
        encoded("n", bodies.RecorderCommand(command="x" * 9000))


def test_rates_stay_below_what_the_gui_reads() -> None:
    load = bodies.Load(
        cpu_load=float("nan"), total_memory=1, used_memory=1, rx_rate=2**40, tx_rate=-1, cores=1
    )
    data = encoded("n", load).numbered(1)
    assert b"<cpuLoad>0.00</cpuLoad>" in data
    assert b"<netRXRate>2147483647</netRXRate><netTXRate>0</netTXRate>" in data


def test_message_of_a_network_is_read_with_white_space_and_without_numbers() -> None:
    data = b"""<difxMessage>
      <body> <difxAlert> <severity> 4 </severity> <alertMessage> x </alertMessage> </difxAlert> </body>
      <header> <type> DifxAlertMessage </type> </header>
    </difxMessage>\0\0"""
    message = read_message(data)
    assert message.sequence is None
    assert read_body(message) == bodies.Alert(text="x", severity=4)


def test_values_that_are_no_numbers_are_read_as_zeros() -> None:
    data = document("n", "", "DifxAlertMessage", "<difxAlert><severity>high</severity></difxAlert>")
    assert read_body(read_message(data)) == bodies.Alert(text="", severity=0)


def test_type_that_nobody_knows_has_no_body() -> None:
    assert read_body(read_message(document("n", "", "Other", "<x/>"))) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"<a b c>",
        b"<difxMessage/>",
        b"\xff",
        b"<!DOCTYPE x><difxMessage/>",
        document("n", "", "T", "&undefined;"),
        document("n", "", "T", "x" * 11_000),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        read_message(data)


@pytest.mark.parametrize("data", [b"", b"text", b"\xff\0", b"<type>", b"<a b c>", b"&"])
def test_datagram_of_any_bytes_goes_on_unchanged_as_of_no_type(data: bytes) -> None:
    found = look_into(data)
    assert (found.header.type, found.numbered(5), found.is_final) == ("", data, False)


@pytest.mark.parametrize("state", ["Done", "MpiDone", "Crashed", "Terminated", "Running"])
def test_datagram_shows_its_header_and_whether_it_is_final(state: str) -> None:
    status = bodies.JobStateBody(state=state)
    found = look_into(encoded("n", status, identifier="j").numbered(1))
    assert found.header == MessageHeader(sender="n", type=MessageType.STATUS, identifier="j")
    assert found.is_final == (state != "Running")
    assert found.is_status
