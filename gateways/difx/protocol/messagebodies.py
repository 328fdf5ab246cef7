"""Bodies of the messages of a DiFX network, a class for each type, with the elements of each field."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, Self

from gateways.difx.protocol.messages import (
    EncodedMessage,
    MessageHeader,
    MessageType,
    Node,
    ReadMessage,
    encode_message,
)
from gateways.difx.protocol.xmltexts import Element

__all__ = [
    "BODIES",
    "Alert",
    "AlertSeverity",
    "Body",
    "DiagnosticBody",
    "DiagnosticType",
    "DifxState",
    "DriveStats",
    "Info",
    "JobStateBody",
    "Load",
    "Mark5State",
    "Mark5Status",
    "Mark5Version",
    "Mark6Activity",
    "Mark6SlotStatus",
    "Mark6Status",
    "ParameterBody",
    "RecorderCommand",
    "Smart",
    "Transient",
    "encoded",
    "read_body",
]

_MAX_RATE = 2**31 - 1
"""The GUI reads rates as signed integers."""


class DifxState(StrEnum):
    """States of a job, as they follow each other."""

    SPAWNING = "Spawning"
    STARTING = "Starting"
    RUNNING = "Running"
    ENDING = "Ending"
    DONE = "Done"
    ABORTING = "Aborting"
    TERMINATING = "Terminating"
    TERMINATED = "Terminated"
    MPI_DONE = "MpiDone"
    CRASHED = "Crashed"


class AlertSeverity(IntEnum):
    """Severities; clients show the last two not at all."""

    FATAL = 0
    SEVERE = 1
    ERROR = 2
    WARNING = 3
    INFO = 4
    VERBOSE = 5
    DEBUG = 6


class Mark5State(StrEnum):
    """States of a recorder."""

    OPENING = "Opening"
    OPEN = "Open"
    CLOSE = "Close"
    GET_DIRECTORY = "GetDirectory"
    GOT_DIRECTORY = "GotDirectory"
    PLAY = "Play"
    IDLE = "Idle"
    ERROR = "Error"
    BUSY = "Busy"
    INITIALIZING = "Initializing"
    RESETTING = "Resetting"
    REBOOTING = "Rebooting"
    POWER_OFF = "PowerOff"
    NO_DATA = "NoData"
    NO_MORE_DATA = "NoMoreData"
    PLAY_INVALID = "PlayInvalid"
    PLAY_START = "PlayStart"
    COPY = "Copy"
    CONDITION = "Condition"
    COND_ERROR = "CondError"
    TEST = "Test"
    TEST_WRITE = "TestWrite"
    TEST_READ = "TestRead"
    BOOTING = "Booting"
    RECORDING = "Recording"
    COPY_TO = "CopyTo"
    FUSE_MK5 = "FuseMk5"


@dataclass(frozen=True, slots=True)
class _Form:
    """The text of a value, both ways; `read` may raise ValueError."""

    write: Callable[[Any], str]
    read: Callable[[str], Any]
    empty: Any
    may_be_cut: bool = False


def _decimals(places: int) -> _Form:
    return _Form(lambda v: f"{v if math.isfinite(v) else 0.0:.{places}f}", float, 0.0)


_TEXT = _Form(str, str, "")
_LONG_TEXT = _Form(str, str, "", may_be_cut=True)
_NAME = _Form(lambda v: str(v)[:63], str, "")
_BLANK = _Form(lambda v: v or " ", str, "")
_INTEGER = _Form(lambda v: str(int(v)), int, 0)
_RATE = _Form(lambda v: str(min(max(int(v), 0), _MAX_RATE)), lambda t: int(float(t)), 0)
_HEX = _Form(lambda v: f"0x{v & 0xFFFFFFFF:08x}", lambda t: int(t, 16), 0)
_MJD, _SHORT_MJD, _LONG_MJD = _decimals(7), _decimals(5), _decimals(8)


@dataclass(frozen=True, slots=True)
class _Child:
    """Elements of a field.

    Attributes:
        name: Of the element; with `{}`, numbered elements of a sequence.
        form: Of its text.
        is_optional: None is no element.
        first: Number of the first of numbered elements.
        attributes: Of elements that repeat, the names and forms of their attributes.
    """

    name: str
    form: _Form = _TEXT
    is_optional: bool = False
    first: int = 0
    attributes: tuple[tuple[str, _Form], ...] = ()

    def write(self, value: Any) -> Iterator[Node]:
        if self.attributes:
            for each in value:
                pairs = zip(self.attributes, each, strict=True)
                yield Node(self.name, attributes={name: form.write(v) for (name, form), v in pairs})
        elif "{}" in self.name:
            for number, each in enumerate(value, self.first):
                yield Node(self.name.format(number), self.form.write(each))
        elif value is not None:
            yield Node(self.name, self.form.write(value), may_be_cut=self.form.may_be_cut)

    def read(self, elements: Sequence[Element]) -> Any:
        if self.attributes:
            found = [e.attributes for e in elements if e.name == self.name]
            return tuple(
                tuple(_value(form, each.get(name, "")) for name, form in self.attributes)
                for each in found
            )
        texts = {e.name: e.text.strip() for e in reversed(elements)}  # the first one counts
        if "{}" in self.name:
            values, number = [], self.first
            while (name := self.name.format(number)) in texts:
                values.append(_value(self.form, texts[name]))
                number += 1
            return tuple(values)
        if self.is_optional and self.name not in texts:
            return None
        return _value(self.form, texts.get(self.name, ""))


def _value(form: _Form, text: str) -> Any:
    try:
        return form.read(text)
    except (ValueError, OverflowError):
        return form.empty


def _is(name: str, form: _Form = _TEXT, *, is_optional: bool = False, first: int = 0) -> Any:
    return {"child": _Child(name, form, is_optional, first)}


def _repeats(name: str, *attributes: tuple[str, _Form]) -> Any:
    return {"child": _Child(name, attributes=attributes)}


class Body:
    """Base of all bodies.

    Attributes:
        TYPE: Of the message.
        ELEMENT: Inside the body.
    """

    __slots__ = ()
    TYPE: ClassVar[MessageType]
    ELEMENT: ClassVar[str]

    def node(self) -> Node:
        """Return it as an element."""
        children: list[Node] = []
        for each in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            children += each.metadata["child"].write(getattr(self, each.name))
        return Node(self.ELEMENT, children=tuple(children))

    @classmethod
    def read(cls, elements: Sequence[Element]) -> Self:
        """Read it from the elements below a body; what is missing is empty, or 0."""
        found = {each.name: each.metadata["child"].read(elements) for each in fields(cls)}  # type: ignore[arg-type]  # as above
        return cls(**found)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStateBody(Body):
    """State of a job.

    Attributes:
        input: Its input file.
        state: A `DifxState`.
        visibility_mjd: Time reached in the data; 0: none.
        weights: Index of a stream, and its fraction of valid data; none of those that are unknown.
    """

    TYPE, ELEMENT = MessageType.STATUS, "difxStatus"
    input: str | None = field(default=None, metadata=_is("input", is_optional=True))
    state: str = field(metadata=_is("state"))
    message: str = field(default="", metadata=_is("message", _LONG_TEXT))
    visibility_mjd: float = field(default=0.0, metadata=_is("visibilityMJD", _MJD))
    start_mjd: float | None = field(
        default=None, metadata=_is("jobstartMJD", _MJD, is_optional=True)
    )
    stop_mjd: float | None = field(default=None, metadata=_is("jobstopMJD", _MJD, is_optional=True))
    weights: tuple[tuple[int, float], ...] = field(
        default=(), metadata=_repeats("weight", ("ant", _INTEGER), ("wt", _decimals(3)))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Body):
    """Something that people should know."""

    TYPE, ELEMENT = MessageType.ALERT, "difxAlert"
    input: str | None = field(default=None, metadata=_is("input", is_optional=True))
    text: str = field(metadata=_is("alertMessage", _LONG_TEXT))
    severity: int = field(metadata=_is("severity", _INTEGER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Body):
    """Load of a host: CPU (1.0: one core), memory in KiB, network in bytes per second."""

    TYPE, ELEMENT = MessageType.LOAD, "difxLoad"
    cpu_load: float = field(metadata=_is("cpuLoad", _decimals(2)))
    total_memory: int = field(metadata=_is("totalMemory", _INTEGER))
    used_memory: int = field(metadata=_is("usedMemory", _INTEGER))
    rx_rate: int = field(metadata=_is("netRXRate", _RATE))
    tx_rate: int = field(metadata=_is("netTXRate", _RATE))
    cores: int = field(metadata=_is("nCore", _INTEGER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark5Status(Body):
    """State of a recorder.

    Attributes:
        bank_a: Medium, 8 characters, or `none`.
        bank_b: Likewise.
        active_bank: A, B or empty, which is written as a blank.
        state: A `Mark5State`.
        position: Bytes.
        play_rate: Mbit/s.
    """

    TYPE, ELEMENT = MessageType.MARK5_STATUS, "mark5Status"
    input: str | None = field(default=None, metadata=_is("input", is_optional=True))
    bank_a: str = field(default="none", metadata=_is("bankAVSN"))
    bank_b: str = field(default="none", metadata=_is("bankBVSN"))
    status_word: int = field(default=0, metadata=_is("statusWord", _HEX))
    active_bank: str = field(default="", metadata=_is("activeBank", _BLANK))
    state: str = field(metadata=_is("state"))
    scan_number: int = field(default=0, metadata=_is("scanNumber", _INTEGER))
    scan_name: str = field(default="", metadata=_is("scanName", _NAME))
    position: int = field(default=0, metadata=_is("position", _INTEGER))
    play_rate: float = field(default=0.0, metadata=_is("playRate", _decimals(3)))
    data_mjd: float = field(default=0.0, metadata=_is("dataMJD", _MJD))


@dataclass(frozen=True, slots=True, kw_only=True)
class Info(Body):
    """Free text."""

    TYPE, ELEMENT = MessageType.INFO, "difxInfo"
    message: str = field(metadata=_is("message", _LONG_TEXT))


class DiagnosticType(StrEnum):
    """Types of a diagnostic."""

    MEMORY_USAGE = "MemoryUsage"
    BUFFER_STATUS = "BufferStatus"
    PROCESSING_TIME = "ProcessingTime"
    DATA_CONSUMED = "DataConsumed"
    INPUT_DATARATE = "InputDatarate"
    NUM_SUBINTS_LOST = "NumSubintsLost"


_DIAGNOSTIC_VALUES: Mapping[str, tuple[str, ...]] = {
    DiagnosticType.MEMORY_USAGE: ("bytes",),
    DiagnosticType.BUFFER_STATUS: (
        "threadId",
        "numBufElements",
        "startBufElement",
        "activeBufElements",
    ),
    DiagnosticType.PROCESSING_TIME: ("threadId", "microsec"),
    DiagnosticType.DATA_CONSUMED: ("bytes",),
    DiagnosticType.INPUT_DATARATE: ("bytespersec",),
    DiagnosticType.NUM_SUBINTS_LOST: ("numSubintsLost",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticBody(Body):
    """Numbers on buffers, rates and losses.

    Attributes:
        kind: A `DiagnosticType`.
        values: Numbers, in the order of the type's elements.
    """

    TYPE, ELEMENT = MessageType.DIAGNOSTIC, "difxDiagnostic"
    kind: str
    values: tuple[int, ...]

    def node(self) -> Node:
        """Return it as an element."""
        names = _DIAGNOSTIC_VALUES.get(self.kind, ())
        numbers = (Node(n, str(int(v))) for n, v in zip(names, self.values, strict=True))
        return Node(self.ELEMENT, children=(Node("diagnosticType", self.kind), *numbers))

    @classmethod
    def read(cls, elements: Sequence[Element]) -> Self:
        """Read it from the elements below a body."""
        texts = {e.name: e.text.strip() for e in elements}
        kind = texts.get("diagnosticType", "")
        names = _DIAGNOSTIC_VALUES.get(kind, ())
        return cls(kind=kind, values=tuple(_value(_WHOLE, texts.get(n, "")) for n in names))


_WHOLE = _Form(str, lambda t: int(float(t)), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Smart(Body):
    """Health of a disk: attributes by number."""

    TYPE, ELEMENT = MessageType.SMART, "difxSmart"
    mjd: float = field(metadata=_is("mjd", _MJD))
    vsn: str = field(metadata=_is("vsn"))
    slot: int = field(metadata=_is("slot", _INTEGER))
    values: tuple[tuple[int, int], ...] = field(
        metadata=_repeats("smart", ("id", _INTEGER), ("value", _INTEGER))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveStats(Body):
    """Statistics of a drive; size in GB."""

    TYPE, ELEMENT = MessageType.MARK5_DRIVE_STATS, "difxDriveStats"
    serial: str = field(metadata=_is("serialNumber"))
    model: str = field(metadata=_is("modelNumber"))
    size: int = field(metadata=_is("size", _INTEGER))
    module: str = field(metadata=_is("moduleVSN"))
    slot: int = field(metadata=_is("moduleSlot", _INTEGER))
    start_mjd: float = field(metadata=_is("startMJD", _SHORT_MJD))
    stop_mjd: float = field(metadata=_is("stopMJD", _SHORT_MJD))
    kind: str = field(metadata=_is("type"))
    start_byte: int | None = field(
        default=None, metadata=_is("startByte", _INTEGER, is_optional=True)
    )
    bins: tuple[int, ...] = field(default=(), metadata=_is("bin{}", _INTEGER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Transient(Body):
    """Data to be kept, because of an event in them."""

    TYPE, ELEMENT = MessageType.TRANSIENT, "difxTransient"
    job: str = field(metadata=_is("jobId"))
    start_mjd: float = field(metadata=_is("startMJD", _LONG_MJD))
    stop_mjd: float = field(metadata=_is("stopMJD", _LONG_MJD))
    priority: float = field(metadata=_is("priority", _decimals(6)))
    folder: str = field(metadata=_is("destDir"))
    comment: str = field(default="", metadata=_is("comment", _LONG_TEXT))
    dm: float = field(default=0.0, metadata=_is("dm", _decimals(3)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterBody(Body):
    """A value for processes of a job.

    Attributes:
        target: One process from 0 on; -1 all, -2 all cores, -3 all data streams.
    """

    TYPE, ELEMENT = MessageType.PARAMETER, "difxParameter"
    target: int = field(metadata=_is("targetMpiId", _INTEGER))
    name: str = field(metadata=_is("name"))
    indices: tuple[int, ...] = field(default=(), metadata=_is("index{}", _INTEGER, first=1))
    value: str = field(default="", metadata=_is("value"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderCommand(Body):
    """A command for recorders."""

    TYPE, ELEMENT = MessageType.COMMAND, "difxCommand"
    command: str = field(metadata=_is("command"))


_VERSIONS = (
    "ApiVer ApiDate FirmVer FirmDate MonVer XbarVer AtaVer UAtaVer DriverVer BoardType SerialNum"
)
_DAUGHTER_BOARD = "PCBVer PCBType PCBSubType FPGAConfig FPGAConfigVer SerialNum NumChannels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark5Version(Body):
    """Versions of a recorder's software and boards, by the names of their elements.

    Attributes:
        daughter_board: Empty: there is none.
    """

    TYPE, ELEMENT = MessageType.MARK5_VERSION, "mark5Version"
    versions: Mapping[str, str]
    daughter_board: Mapping[str, str] = field(default_factory=dict)

    def node(self) -> Node:
        """Return it as an element."""
        children = [Node(name, self.versions.get(name, "")) for name in _VERSIONS.split()]
        if board := self.daughter_board:
            inside = tuple(Node(name, board.get(name, "")) for name in _DAUGHTER_BOARD.split())
            children.append(Node("DaughterBoard", children=inside))
        return Node(self.ELEMENT, children=tuple(children))

    @classmethod
    def read(cls, elements: Sequence[Element]) -> Self:
        """Read it from the elements below a body."""
        own = [e for e in elements if e.name in _VERSIONS.split()]
        versions = {e.name: e.text.strip() for e in reversed(own)}  # the board's number is second
        board: dict[str, str] = {}
        if any(e.name == "DaughterBoard" for e in elements):
            inside = [e for e in elements if e.name in _DAUGHTER_BOARD.split()]
            board = {e.name: e.text.strip() for e in inside}
        return cls(versions=versions, daughter_board=board)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark6Status(Body):
    """State of a recorder with four slots."""

    TYPE, ELEMENT = MessageType.MARK6_STATUS, "mark6Status"
    modules: tuple[str, ...] = field(metadata=_is("slot{}MSN", first=1))
    groups: tuple[str, ...] = field(metadata=_is("slot{}Group", first=1))
    disks: tuple[int, ...] = field(metadata=_is("slot{}NDisks", _INTEGER, first=1))
    missing: tuple[int, ...] = field(metadata=_is("slot{}NMissingDisks", _INTEGER, first=1))
    state: str = field(metadata=_is("state"))
    scan_number: int = field(default=0, metadata=_is("scanNumber", _INTEGER))
    scan_name: str = field(default="", metadata=_is("scanName", _NAME))
    position: int = field(default=0, metadata=_is("position", _INTEGER))
    play_rate: float = field(default=0.0, metadata=_is("playRate", _decimals(3)))
    data_mjd: float = field(default=0.0, metadata=_is("dataMJD", _MJD))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark6SlotStatus(Body):
    """State of one slot of a recorder."""

    TYPE, ELEMENT = MessageType.MARK6_SLOT_STATUS, "mark6SlotStatus"
    slot: int = field(metadata=_is("slot", _INTEGER))
    module: str = field(metadata=_is("msn"))
    group: str = field(metadata=_is("group"))
    disks: int = field(metadata=_is("numDisks", _INTEGER))
    missing: int = field(metadata=_is("numMissingDisks", _INTEGER))
    state: int = field(metadata=_is("state", _INTEGER))
    message: str = field(default="", metadata=_is("message", _LONG_TEXT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark6Activity(Body):
    """Activity of a recorder."""

    TYPE, ELEMENT = MessageType.MARK6_ACTIVITY, "mark6Activity"
    active_vsn: str = field(metadata=_is("activeVSN"))
    status_word: int = field(default=0, metadata=_is("statusWord", _HEX))
    state: str = field(metadata=_is("state"))
    scan_number: int = field(default=0, metadata=_is("scanNumber", _INTEGER))
    scan_name: str = field(default="", metadata=_is("scanName", _NAME))
    position: int = field(default=0, metadata=_is("position", _INTEGER))
    play_rate: float = field(default=0.0, metadata=_is("playRate", _decimals(3)))
    data_mjd: float = field(default=0.0, metadata=_is("dataMJD", _MJD))


BODIES: Mapping[str, type[Body]] = {
    body.TYPE: body
    for body in (
        Alert,
        RecorderCommand,
        DiagnosticBody,
        DriveStats,
        Info,
        Load,
        Mark5Status,
        Mark5Version,
        Mark6Activity,
        Mark6SlotStatus,
        Mark6Status,
        ParameterBody,
        Smart,
        JobStateBody,
        Transient,
    )
}
"""Those that are read and written here; commands are documents."""


def encoded(
    sender: str,
    body: Body,
    *,
    identifier: str = "",
    mpi_id: int = -1,
    to: Sequence[str] = (),
    is_final: bool = False,
) -> EncodedMessage:
    """Encode a body; arguments as of `MessageHeader` and `EncodedMessage`."""
    header = MessageHeader(
        sender=sender, type=body.TYPE, identifier=identifier, mpi_id=mpi_id, to=tuple(to)
    )
    return encode_message(header, body.node(), is_final=is_final)


def read_body(message: ReadMessage) -> Body | None:
    """Return the body of a message; None: its type is another, or unknown."""
    kind: type[Body] | None = BODIES.get(message.header.type)
    return None if kind is None else kind.read(message.document.body)
