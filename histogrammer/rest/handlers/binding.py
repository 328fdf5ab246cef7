"""Requests `shmem/`, `sbind/`, `unbind/` and `mirror`."""

from __future__ import annotations

from collections.abc import Iterable

from histogrammer.display.memory import DisplayMemory
from histogrammer.engine import Engine
from histogrammer.errors import RequestFailedError
from histogrammer.patterns import select
from histogrammer.rest.handlers.calls import Handlers, InThread, InWorker, failing
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.answers import (
    UNDEFINED,
    BindingObject,
    MirrorObject,
    VariablesObject,
    variables,
)
from histogrammer.rest.protocol.spectclanswers import named_variables
from histogrammer.rest.protocol.values import RequestValues

__all__ = ["HANDLERS"]

_MIB = 1 << 20


def _memory(engine: Engine) -> DisplayMemory:
    if engine.bindings.memory is None:
        raise RequestFailedError("There is no display memory", "There is no display memory")
    return engine.bindings.memory


def key(engine: Engine, values: RequestValues) -> str:
    """Return where the display memory is."""
    return _memory(engine).key


def size(engine: Engine, values: RequestValues) -> str:
    """Return the size of its channels, bytes."""
    return str(_memory(engine).channel_bytes)


def list_variables(program: Program, values: RequestValues) -> VariablesObject | dict[str, str]:
    """Return the variables of the program."""
    memory, parameters = program.worker.ask(
        lambda engine: (engine.bindings.memory, len(engine.parameters))
    )
    state = program.analyzer.state()
    told = variables(
        megabytes=0 if memory is None else memory.channel_bytes // _MIB,
        batch_events=program.analyzer.batch_events,
        home=program.folder,
        is_active=state.is_active,
        error=state.error,
        run_number=UNDEFINED if state.run is None else str(state.run),
        run_title=UNDEFINED if state.title is None else state.title,
        items=str(state.items) if state.items else UNDEFINED,
    )
    if not program.flavor.short_lists:
        return told
    is_online = state.attached.startswith(("pipe:", "stream:"))
    return named_variables(told, is_online=is_online, parameters=parameters, events=state.events)


def bind(engine: Engine, values: RequestValues) -> str:
    """Bind spectra; those before one that cannot be bound are."""
    return _bind(engine, values.texts("spectrum"))


def bind_all(engine: Engine, values: RequestValues) -> str:
    """Bind all spectra."""
    return _bind(engine, list(engine.spectra))


def _bind(engine: Engine, names: Iterable[str]) -> str:
    for name in names:
        if name not in engine.bindings:
            with failing(f"Unable to bind spectrum {name}"):
                engine.bindings.bind(name)
    return ""


def list_bindings(engine: Engine, values: RequestValues) -> list[BindingObject]:
    """Return the bindings of the spectra that a pattern selects."""
    pattern, bindings = values.text("pattern"), engine.bindings
    with failing(f"Failed to list spectra matching {pattern}", has_text=False):
        names = select(bindings, pattern)
    return [
        BindingObject(spectrumid=engine.spectrum(name).number, name=name, binding=bindings[name])
        for name in names
    ]


def set_update(engine: Engine, values: RequestValues) -> str:
    """Set the time between copies of counts into the display memory."""
    engine.bindings.refresh_every = float(values.integer("seconds"))
    return ""


def get_update(engine: Engine, values: RequestValues) -> int:
    """Return that time, s."""
    return int(engine.bindings.refresh_every)


def unbind(engine: Engine, values: RequestValues) -> str:
    """Unbind spectra; those before one that is not bound are."""
    for name in values.texts("name"):
        with failing(f"Failed to unbind {name}"):
            engine.bindings.unbind(name)
    return ""


def unbind_all(engine: Engine, values: RequestValues) -> str:
    """Unbind all spectra."""
    for name in list(engine.bindings):
        engine.bindings.unbind(name)
    return ""


def list_mirrors(program: Program, values: RequestValues) -> list[MirrorObject]:
    """Return the copies of the display memory on hosts that a pattern selects."""
    pattern, mirrors = values.text("pattern"), program.mirrors()
    with failing(f"Failed to list hosts matching {pattern}", has_text=False):
        hosts = set(select({mirror.host for mirror in mirrors}, pattern))
    return [
        MirrorObject(host=mirror.host, shmkey=mirror.key)
        for mirror in mirrors
        if mirror.host in hosts
    ]


HANDLERS: Handlers = {
    "shmem/key": InWorker(key),
    "shmem/size": InWorker(size),
    "shmem/variables": InThread(list_variables),
    "sbind/all": InWorker(bind_all),
    "sbind/sbind": InWorker(bind),
    "sbind/list": InWorker(list_bindings),
    "sbind/set_update": InWorker(set_update),
    "sbind/get_update": InWorker(get_update),
    "unbind/byname": InWorker(unbind),
    "unbind/all": InWorker(unbind_all),
    "mirror": InThread(list_mirrors),
}
