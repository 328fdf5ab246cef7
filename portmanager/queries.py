"""Commands `list`, `find`, `get` and `check` of `portmanager`, and `lsservices`: what they do and
print."""

from __future__ import annotations

import argparse
import json
import os
import pwd
import random
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from commandline import (
    DONE,
    FAILED,
    argument,
    command,
    flag,
    json_text,
    number_of_seconds,
    port_number,
    render_rows,
    say,
)
from groundwork.interrupts import ended_as_by_ctrl_c
from groundwork.printable import printable
from portmanager.allocation import Allocation
from portmanager.client import PortManager
from portmanager.conversation import TIMEOUT
from portmanager.errors import ConnectionLostError, PortManagerError, PortManagerRefusedError
from portmanager.protocol.lines import DEFAULT_PORT, write_allocation
from portmanager.tables import SORTS, glob

__all__ = ["COMMANDS", "FORM", "SERVER", "run_lsservices"]

NEARLY_FULL = 0.9
FIRST_PAUSE_S, LAST_PAUSE_S = 0.1, 10.0
"""Between attempts to register again; they grow, and are randomised: many programs lose it at the
same moment."""


USER = argument("--user", "those of one user only; default: of all")
JSON = flag("--json", "answer in JSON")
HOST = argument("--host", "computer of the port manager; default: %(default)s", default="localhost")


SERVER = (
    argument(
        "--port",
        "where it listens; default: %(default)s",
        type=partial(port_number, least=1),
        default=DEFAULT_PORT,
    ),
    argument(
        "--timeout S",
        "wait so long at most, s; default: %(default)g",
        type=number_of_seconds,
        default=TIMEOUT,
    ),
)
"""Choice of the port manager that is asked, beside its host."""
FORM = (
    JSON,
    argument("--sort", "order of the table; default: the server's", choices=tuple(SORTS)),
)
"""Form of a listing."""


def _connect(
    options: argparse.Namespace, user: str | None = None, timeout: float | None = None
) -> PortManager:
    return PortManager(
        options.host,
        options.port,
        user=user,
        timeout=options.timeout if timeout is None else timeout,
    )


def _tell(options: argparse.Namespace, value: Any, text: str) -> None:
    """Print a value as JSON, with names as they are spelled, or what a person reads instead."""
    print(json_text(value, ascii_only=False) if options.json else text, flush=True)


def _show(
    allocations: list[Allocation], options: argparse.Namespace, columns: Sequence[str]
) -> None:
    if options.sort:
        allocations = sorted(allocations, key=SORTS[options.sort])
    cells = [
        {"Service": printable(one.service), "Port": one.port, "User": printable(one.user)}
        for one in allocations
    ]
    rows = [[row[column] for column in columns] for row in cells]
    _tell(options, [one.as_dict() for one in allocations], render_rows(columns, rows, framed=True))


def _run_list(options: argparse.Namespace) -> int:
    with _connect(options) as manager:
        found = manager.search(**({} if options.user is None else {"user": options.user}))
        _show(found, options, ("Service", "Port", "User"))
    return 0


def run_lsservices(options: argparse.Namespace) -> int:
    """Show the services whose users match a pattern."""
    pattern = glob(options.pattern)
    with _connect(options) as manager:
        found = [one for one in manager.list_ports() if pattern.fullmatch(one.user)]
        _show(
            found, options, ("Port", "Service", "User")
        )  # as the original has them, whose headings say otherwise
    return 0


def _run_find(options: argparse.Namespace) -> int:
    criteria = {"beginswith" if options.prefix else "service": options.service}
    with _connect(options) as manager:
        found = manager.search(
            **criteria, **({} if options.user is None else {"user": options.user})
        )
    if found or options.json:
        ports = "\n".join(str(one.port) for one in found)
        _tell(options, [one.as_dict() for one in found], ports)
    if not found:
        whose = f" of user {options.user!r}" if options.user else ""
        say("portmanager", f"no service {options.service!r}{whose} at {options.host}")
    return DONE if found else FAILED


def _run_get(options: argparse.Namespace) -> int:
    with (
        ended_as_by_ctrl_c(signal.SIGTERM),
        _connect(options, options.user) as manager,
    ):
        port = manager.get_port(options.service)
        if options.program:
            return _run_with(manager, port, options.program)
        with suppress(KeyboardInterrupt):  # whoever has read the port may end us
            _tell(options, manager.lent[0].as_dict(), str(port))
            manager.wait_until_lost()
            manager.check()
            raise ConnectionLostError(
                f"{options.host} port {options.port}", "holding the port", manager.lent, "closed"
            )
    return 0


def _run_with(manager: PortManager, port: int, words: list[str]) -> int:
    program_words = [word.replace("{port}", str(port)) for word in words]
    try:
        program = subprocess.Popen(program_words, env=dict(os.environ, PORT=str(port)))
    except OSError as error:
        say("portmanager", f"cannot run {program_words[0]}: {error.strerror}")
        return FAILED
    ended = threading.Event()
    threading.Thread(target=_hold, args=(manager, ended), name="hold the port", daemon=True).start()
    try:
        while True:
            try:
                status = program.wait()
                return status if status >= 0 else 128 - status
            except (
                KeyboardInterrupt
            ):  # the program gets it, too, or is passed it; the port is held until it has ended
                program.terminate()
    finally:
        ended.set()


def _hold(manager: PortManager, ended: threading.Event) -> None:
    """Ask for the port again whenever the port manager was away; say what became of it."""
    while manager.wait_until_lost() and not ended.is_set():
        pause = FIRST_PAUSE_S
        say(
            "portmanager",
            "the port manager is gone; the program runs on, and is registered again",
        )
        while not ended.wait(pause * random.uniform(0.5, 1.0)):
            try:
                became = manager.reacquire()
            except (OSError, PortManagerError):
                pause = min(2 * pause, LAST_PAUSE_S)
                continue
            for old, new in became.items():
                moved = (
                    ""
                    if new.port == old.port
                    else f" at port {new.port}, but is at {old.port}: start it again"
                )
                say("portmanager", f"{new.service} is registered again{moved}")
            break


def _run_check(options: argparse.Namespace) -> int:
    with _connect(options) as manager:
        began = time.perf_counter()
        allocations = manager.list_ports()
        answered_ms = (time.perf_counter() - began) * 1e3
        is_rust = manager.speaks_words
    try:
        with _connect(options) as manager:
            state = json.loads(manager.status())
    except (PortManagerRefusedError, ConnectionLostError):
        state = {}
    remarks = _remarks(allocations, state)
    kind = "this project's" if state else "the Rust server" if is_rust else "the original"
    report = {
        "host": options.host,
        "port": options.port,
        "server": kind,
        "answered_ms": round(answered_ms, 3),
        "services": len(allocations),
        "remarks": remarks,
        "state": state,
    }
    lines = [
        f"port manager at {options.host} port {options.port}: {kind}, answered in {answered_ms:.2f} ms",
        *(_state_lines(state) if state else [f"{len(allocations)} ports are lent"]),
        *(f"note: {remark}" for remark in remarks),
    ]
    _tell(options, report, "\n".join(lines))
    return DONE


def _state_lines(state: dict[str, Any]) -> list[str]:
    pool, connections = state["pool"], state["connections"]
    rows = [
        (
            printable(one["service"]),
            one["port"],
            printable(one["user"]),
            _owner(one["uid"]),
            _age(one["age_s"]),
            f"{one['peer']} port {one['peer_port']}",
        )
        for one in state["allocations"]
    ]
    head = ("Service", "Port", "User", "Run by", "For", "Connection")
    return [
        f"{pool['used']} of {pool['size']} ports are lent, from {pool['low']}-{pool['high']}",
        f"{connections['open']} of at most {connections['at_most']} connections, this one among them",
        f"last error: {state['last_error'] or 'none'}",
        render_rows(head, rows, framed=True),
    ]


def _remarks(allocations: list[Allocation], state: dict[str, Any]) -> list[str]:
    remarks = []
    blind = [one.service for one in allocations if len(write_allocation(one).split(" ")) != 3]
    if blind:
        names = ", ".join(repr(name) for name in blind)
        remarks.append(
            f"clients of the Rust kind (Rustogramer) see no service at all because of the name {names}"
        )
    if state and state["pool"]["used"] >= NEARLY_FULL * state["pool"]["size"]:
        remarks.append(
            "nearly all ports are lent; C++ clients of NSCLDAQ abort when there is none: widen `-ports`"
        )
    for one in state.get("allocations", ()):
        owner = _owner(one["uid"])
        if one["uid"] is not None and owner not in (one["user"], str(one["uid"])):
            remarks.append(
                f"port {one['port']}: {one['service']} says it is {one['user']}'s, and is run by {owner}"
            )
    return remarks


def _owner(uid: int | None) -> str:
    if uid is None:
        return "not known"
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _age(seconds: float) -> str:
    days, rest = divmod(int(seconds), 86400)
    return (f"{days} d " if days else "") + time.strftime("%H:%M:%S", time.gmtime(rest))


COMMANDS = (
    command(
        "list", _run_list, "list all services, their ports and users", HOST, *SERVER, *FORM, USER
    ),
    command(
        "find",
        _run_find,
        "print the ports of a service, one a line; exit status 1 if there is none",
        argument("service SERVICE"),
        USER,
        flag("--prefix", "all services whose names begin with SERVICE"),
        HOST,
        *SERVER,
        flag("--json", "port, service and user of each, in JSON"),
    ),
    command(
        "get",
        _run_get,
        "lend a port, and hold it while a program runs, or until interrupted",
        argument("service SERVICE"),
        argument("--user", "whose service it is; default: who runs this"),
        HOST,
        *SERVER,
        flag("--json", "print port, service and user in JSON"),
        description="Lend a port of this computer. With a program: run it with the port in $PORT and in place of "
        "`{port}`, hold the port while it runs, ask for it again if the port manager was restarted, and end with "
        "its exit status. Without: print the port and hold it until interrupted; exit status 1 if the port manager "
        "goes away.",
        # What stands after `--` is cut off before argparse sees it.
        defaults={"takes_program": True},
        usage="%(prog)s [-h] [--user USER] [--host HOST] [--port PORT] [--timeout S] [--json] SERVICE "
        "[-- PROGRAM ...]",
    ),
    command(
        "check",
        _run_check,
        "say whether the port manager answers, how full it is, and what is odd",
        HOST,
        *SERVER,
        JSON,
    ),
)
