"""Command documents: XML of clients to commands and back.

Elements are found by name at any depth below the body, in any order, with and without the wrapper
element of the GUI client; of two with one name the last holds. Paths and commands are taken as they
stand, white space included; all else is trimmed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any

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
from gateways.difx.protocol.items import MAX_INTEGER
from gateways.difx.protocol.jobs import JobNodes
from gateways.difx.protocol.xmltexts import (
    MAX_DOCUMENT_BYTES,
    Element,
    XmlDocument,
    escape,
    read_xml,
)
from groundwork.truncation import cut

__all__ = ["COMMAND_TYPES", "read_command", "split_nodes", "write_command"]

_NOTHING = "None"
"""Text of the script client where it has no value."""
_SEPARATORS = re.compile(r"[\s,()\[\]{}]+")
_DECIMAL = re.compile(r"[0-9]{1,10}", re.ASCII)
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class _Field:
    """An element with a text, and the attribute of the command that it becomes."""

    element: str
    attribute: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str


@dataclass(frozen=True, slots=True)
class _Form:
    """A type of document."""

    name: str
    wrapper: str
    command: type[Any]
    fields: tuple[_Field, ...]


def read_command(data: bytes, *, limit: int = MAX_DOCUMENT_BYTES) -> Command:
    """Read a command document.

    Raises:
        UnknownTypeError: Its type is no command.
        DocumentError: It cannot be read.
    """
    document = read_xml(data, limit=limit)
    kind = _text(document.header, "type").strip()
    if not kind:
        raise DocumentError("the document has no <type> in a <header>")
    form = _FORMS.get(kind)
    if form is None:
        raise UnknownTypeError(
            f"{cut(kind, _SHOWN)!r} is no type of commands: {', '.join(COMMAND_TYPES)}"
        )
    try:
        return _read(form, document)
    except DocumentError as error:
        raise DocumentError(f"{kind}: {error}") from None


def write_command(command: Command, *, wrapped: bool = True, sender: str = "difx") -> bytes:
    """Return the document of a command.

    Args:
        command: Its texts need to be such as XML can have.
        wrapped: With the wrapper element of the GUI client; the script client writes none.
        sender: The `from` of the header.
    """
    form = _FORM_OF[type(command)]
    receivers = command.to if isinstance(command, MulticastCommand) else ()
    header = [_written("from", sender)]
    header += [_written("to", name) for name in receivers]
    header += [_written("mpiProcessId", "-1"), _written("identifier", sender)]
    header += [_written("type", form.name)]
    body = _body(form, command)
    if wrapped:
        body = [f"<{form.wrapper}>", *body, f"</{form.wrapper}>"]
    lines = ['<?xml version="1.0" encoding="UTF-8" standalone="yes"?>', "<difxMessage>"]
    lines += ["<header>", *header, "</header>", "<body>", *body, "</body>", "</difxMessage>", ""]
    return "\n".join(lines).encode()


def split_nodes(text: str) -> tuple[str, ...]:
    """Return the names of a list of nodes."""
    return tuple(name for name in _SEPARATORS.split(text) if name and name != _NOTHING)


def _read(form: _Form, document: XmlDocument) -> Command:
    values: dict[str, Any] = {}
    for place in form.fields:
        found = _text(document.body, place.element)
        if found.strip() in ("", _NOTHING):
            continue
        try:
            values[place.attribute] = place.read(found)
        except ValueError as error:
            shown = cut(found, _SHOWN)
            raise DocumentError(f"<{place.element}> is {shown!r}: {error}") from None
    names = form.command.__dataclass_fields__
    if "nodes" in names:
        values["nodes"] = _read_nodes(document.body)
    if "environment" in names:
        values["environment"] = _all_texts(document.body, "env")
    if "sender" in names:
        values["sender"] = _text(document.header, "from").strip()
    if "to" in names:
        values["to"] = _all_texts(document.header, "to")
    _check(form, values)
    command: Command = form.command(**values)
    return command


def _check(form: _Form, values: dict[str, Any]) -> None:
    """Refuse a command that lacks something."""
    wanted = {place.name for place in fields(form.command) if place.default is MISSING}
    if form.command is FileOperation:
        operation = values.get("operation")
        wanted |= {"port"} if operation is FileAction.LS else {"path"}
        wanted |= {"argument"} if operation in (FileAction.MV, FileAction.CP) else set()
    for place in form.fields:
        if place.attribute in wanted and place.attribute not in values:
            raise DocumentError(f"the document has no <{place.element}>, or an empty one")


def _text(elements: tuple[Element, ...], name: str) -> str:
    return next((element.text for element in reversed(elements) if element.name == name), "")


def _all_texts(elements: tuple[Element, ...], name: str) -> tuple[str, ...]:
    texts = (element.text.strip() for element in elements if element.name == name)
    return tuple(text for text in texts if text not in ("", _NOTHING))


def _read_nodes(elements: tuple[Element, ...]) -> JobNodes:
    managers: tuple[str, ...] = ()
    sources: list[str] = []
    processors: list[tuple[str, int]] = []
    for element in elements:
        names = split_nodes(element.attributes.get("nodes", ""))
        if element.name == "manager":
            managers = split_nodes(element.attributes.get("node", ""))
        elif element.name == "datastream":
            sources += names
        elif element.name == "process":
            threads = _read_threads(element.attributes.get("threads", ""))
            processors += [(name, threads) for name in names]
    if len(managers) > 1:
        raise DocumentError(f"<manager> names {len(managers)} nodes, where one is the head node")
    return JobNodes(manager="".join(managers), sources=tuple(sources), processors=tuple(processors))


def _read_threads(text: str) -> int:
    if text.strip() in ("", _NOTHING):
        return 1
    try:
        return _read_decimal(text)
    except ValueError as error:
        raise DocumentError(f"threads of <process> are {cut(text, _SHOWN)!r}: {error}") from None


def _body(form: _Form, command: Command) -> list[str]:
    body: list[str] = []
    for place in form.fields:
        value = getattr(command, place.attribute)
        if value != "":
            body.append(_written(place.element, place.write(value)))
    nodes = getattr(command, "nodes", JobNodes())
    if nodes.manager:
        body.append(f'<manager node="{_written_node(nodes.manager)}"/>')
    if nodes.sources:
        names = " ".join(map(_written_node, nodes.sources))
        body.append(f'<datastream nodes="{names}"/>')
    for name, threads in nodes.processors:
        body.append(f'<process nodes="{_written_node(name)}" threads="{threads}"/>')
    body += [_written("env", value) for value in getattr(command, "environment", ())]
    return body


def _written(element: str, text: str) -> str:
    return f"<{element}>{escape(text)}</{element}>"


def _written_node(name: str) -> str:
    if split_nodes(name) != (name,):
        raise DocumentError(
            f"{cut(name, _SHOWN)!r} is no name of a node: it would be read as a list"
        )
    return escape(name)


def _read_decimal(text: str) -> int:
    text = text.strip()
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_INTEGER:
        raise ValueError(f"not a decimal number within 0..{MAX_INTEGER}")
    return int(text)


def _read_seconds(text: str) -> int:
    seconds = float(text)
    if not math.isfinite(seconds) or abs(seconds) > MAX_INTEGER:
        raise ValueError("no number of seconds")
    return max(0, int(seconds))


def _read_truth(text: str) -> bool:
    """Read a switch: `0`, and texts that start as "no" and "false" do, are off."""
    text = text.strip()
    return text != "0" and text[0] not in "nNfF"


def _write_number(value: bool) -> str:
    return str(int(value))


def _write_word(value: bool) -> str:
    return "true" if value else "false"


def _one_of(kind: type[FileAction | TransferDirection | JobFunction]) -> Callable[[str], Any]:
    def read(text: str) -> FileAction | TransferDirection | JobFunction:
        try:
            return kind(text.strip())
        except ValueError:
            raise ValueError(f"not one of {', '.join(kind)}") from None

    return read


def _as_it_is(element: str, attribute: str) -> _Field:
    return _Field(element, attribute, str)


def _trimmed(element: str, attribute: str) -> _Field:
    return _Field(element, attribute, str.strip)


_TASK = (_trimmed("address", "address"), _Field("port", "port", _read_decimal))
_WRAPPER = _trimmed("mpiWrapper", "mpi_wrapper")
_OPTIONS = _trimmed("mpiOptions", "mpi_options")
_PROGRAM = _trimmed("difxProgram", "program")
_VERSION = _trimmed("difxVersion", "version")
_INPUT = _as_it_is("input", "input")
_UNIT = (_trimmed("mark5", "unit"), _trimmed("vsn", "medium"))

_FORMS = {
    form.name: form
    for form in (
        _Form(
            "DifxFileOperation",
            "difxFileOperation",
            FileOperation,
            (
                _Field("operation", "operation", _one_of(FileAction)),
                _as_it_is("path", "path"),
                _as_it_is("arg", "argument"),
                *_TASK,
            ),
        ),
        _Form(
            "DifxFileTransfer",
            "difxFileTransfer",
            FileTransfer,
            (
                _Field("direction", "direction", _one_of(TransferDirection)),
                _as_it_is("origin", "origin"),
                _as_it_is("destination", "destination"),
                *_TASK,
            ),
        ),
        _Form(
            "DifxStart",
            "difxStart",
            StartJob,
            (
                _INPUT,
                _Field("force", "force", _read_truth, _write_number),
                _Field("restartSeconds", "restart_seconds", _read_seconds),
                _Field("function", "function", _one_of(JobFunction)),
                _WRAPPER,
                _OPTIONS,
                _PROGRAM,
                _VERSION,
                *_TASK,
            ),
        ),
        _Form("DifxStop", "difxStop", StopJob, (_INPUT, _WRAPPER, _PROGRAM, _VERSION)),
        _Form(
            "DifxMachinesDefinition",
            "difxMachinesDefinition",
            MachinesDefinition,
            (
                _INPUT,
                _Field("testProcessors", "test_processors", _read_truth, _write_word),
                _as_it_is("machinesFile", "machines_file"),
                _as_it_is("threadsFile", "threads_file"),
                _WRAPPER,
                _OPTIONS,
                _VERSION,
                *_TASK,
            ),
        ),
        _Form(
            "DifxVex2DifxRun",
            "difxVex2difxRun",
            Vex2DifxRun,
            (
                _as_it_is("passPath", "folder"),
                _as_it_is("file", "file"),
                _Field("calcOnly", "model_only", _read_truth, _write_number),
                _trimmed("calcCommand", "model_program"),
                _trimmed("user", "user"),
                _trimmed("node", "node"),
                _VERSION,
                *_TASK,
            ),
        ),
        _Form(
            "DifxGetDirectory",
            "difxGetDirectory",
            GetDirectory,
            (
                *_UNIT,
                _Field("generateNew", "generate", _read_truth, _write_number),
                _WRAPPER,
                _VERSION,
                *_TASK,
            ),
        ),
        _Form(
            "DifxMark5Copy",
            "difxMark5Copy",
            Mark5Copy,
            (
                *_UNIT,
                _trimmed("scans", "scans"),
                _as_it_is("destination", "destination"),
                _WRAPPER,
                _VERSION,
                *_TASK,
            ),
        ),
        _Form(
            "DifxMk5Control",
            "difxMk5Control",
            UnitCommand,
            (_as_it_is("command", "command"), _trimmed("targetNode", "target"), *_TASK),
        ),
        _Form("DifxCommand", "difxCommand", MulticastCommand, (_as_it_is("command", "command"),)),
    )
}
_FORM_OF = {form.command: form for form in _FORMS.values()}
COMMAND_TYPES = tuple(_FORMS)
"""Types of documents that are commands."""
