"""Diagnosis of a Player: what keeps it from working on this host, and what puts it right. Starts
nothing; only `repair` changes things.

What a kind of Bank needs besides, `Bank.diagnose` says, and what of it can be repaired.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import zmq

from arrayconfig.findings import file_finding
from commandline import Finding, Report
from groundwork.extras import install_advice
from groundwork.portranges import has_range, split_ports
from player.access import key_findings, keys_of_host
from player.config import data_root, dibas_dir, find_file, load, pick_bank, state_dir
from player.dataroot import DataRoot
from player.endpoints.rpc import RpcEndpoint
from player.errors import (
    BankNameError,
    ConfigError,
    Fault,
    NotReadyError,
    NotRegisteredError,
    PlayerError,
    PortTakenError,
    ServiceError,
)
from player.findings import Surroundings
from player.hosts import banks_here
from player.kinds import find_endpoint, find_kind
from player.listeners import describe_process, listener_of
from player.ports import local_url, split_url, tcp_url
from player.records import place_findings
from player.services import found_in_range, reached_at
from player.tables import Config
from portmanager.protocol.urls import is_service
from zmqjsonproxy import ProxyError, ThreadHub
from zmqjsonproxy.errors import WrongServerKeyError
from zmqjsonproxy.files.areas import Areas
from zmqjsonproxy.keys.folder import SERVER_FILE
from zmqjsonproxy.rpc.descriptors import capacity

__all__ = ["examine", "repair"]

MIN_FREE_BYTES = (
    2 << 30
)  # a VEGAS scan of a minute at the shortest exposures of MODE1 is about that
ANSWER_S = 1.5


def examine(
    given: Path | None, bank: str | None, environment: Mapping[str, str], *, simulate: bool = False
) -> Report:
    """Look at the file, this host, and its Banks.

    Args:
        given: The file that was named, if one was.
        bank: Bank to look at; None: those of this host.
        environment: Of the process.
        simulate: Look only for what a simulated Player needs.

    Raises:
        BankNameError: `bank` is given, and there is no such Bank.
    """
    host = socket.gethostname()
    report = Report(facts={"host": host})
    try:
        file = find_file(given, environment)
        report.file = str(file)
        config = load(file, environment)
    except ConfigError as error:
        report.findings = [_of_fault(fault) for fault in error.faults]
        return report
    report.notes = [str(warning) for warning in config.warnings]
    around = Surroundings(
        simulate=simulate,
        data_root=data_root(config, environment),
        dibas_dir=dibas_dir(environment),
        is_served=False,
        note=report.note,
    )
    report.findings += key_findings(config)
    names = _banks_to_examine(config, bank, host, report)
    for name in names:
        _examine_bank(config, name, host, around, report)
    if names:
        report.findings += data_root_findings(DataRoot(around.data_root, state_dir(environment)))
        report.findings += place_findings(state_dir(environment))
    return report


def repair(report: Report) -> list[str]:
    """Put right what can be put right without harm, of Banks that no Player serves.

    Returns:
        A sentence for each finding that was tried: what was done, or why it could not be.
    """
    told = []
    for finding in report.findings:
        if finding.repair is not None and not report.banks[finding.bank]["served"]:
            try:
                told.append(f"{finding.bank}: {finding.repair()}")
            except (
                Exception
            ) as error:  # a kind is anybody's code; the other findings are repaired all the same
                told.append(f"{finding.bank}: {finding.text}, and could not be repaired: {error}")
    return told


def _of_fault(fault: Fault) -> Finding:
    of_kind = "correct the name, or install the package that brings this kind"
    remedy = of_kind if fault.key.endswith(".kind") else "correct it there"
    return file_finding(str(fault), fault.text, remedy)


# hosts


def _banks_to_examine(config: Config, given: str | None, host: str, report: Report) -> list[str]:
    if given is not None:
        return [pick_bank(config, given, host)]
    try:
        found = banks_here(config.bank_hosts, host)
    except BankNameError as error:
        report.findings.append(
            Finding("host", str(error).partition(";")[0], "name the Bank: player doctor BANK")
        )
        return []
    if not found:
        listed = ", ".join(f"{bank} on {its}" for bank, its in config.bank_hosts.items())
        text = f"{config.path} has no Bank on host {host}; there are {listed}"
        remedy = (
            f'set hpc_host = "{host}" for the Bank of this host, or name one: player doctor BANK'
        )
        report.findings.append(Finding("host", text, remedy))
    return found


def host_findings(config: Config, name: str, local: str) -> list[Finding]:
    """Return what is wrong with the host of a Bank that is to run here, on host `local`."""
    host = config.banks[name].hpc_host
    with suppress(BankNameError):
        if name in banks_here(config.bank_hosts, local):
            return []
    try:
        addresses = {str(row[4][0]) for row in socket.getaddrinfo(host, None)}
    except OSError as error:
        text = f"its host {host} is unknown here ({error.strerror or error})"
        remedy = f"add it to the name service or /etc/hosts, or correct banks.{name}.hpc_host"
        return [Finding("host", text, remedy, name)]
    own = {
        address.address.partition("%")[0]
        for card in psutil.net_if_addrs().values()
        for address in card
    }
    if addresses & own:
        return []
    text = f"it belongs on host {host}, and this is {local}"
    return [Finding("host", text, f"run `player doctor {name}` there", name)]


# one Bank


def _examine_bank(
    config: Config, name: str, host: str, around: Surroundings, report: Report
) -> None:
    url = config.url(name)
    if not around.simulate:
        report.findings += host_findings(config, name, host)
    report.findings += area_findings(config, name)
    report.findings += endpoint_findings(config, name)
    find = service_findings if is_service(url) else address_findings
    served_by, found = find(config, name, url)
    report.banks[name] = {"url": url, "served": served_by is not None, "pid": served_by or None}
    report.fine[name] = (
        f"{url} is free"
        if served_by is None
        else f"served at {url} by {describe_process(served_by)}"
    )
    kind = find_kind(config.banks[name].kind)
    try:
        found += kind.diagnose(config, name, replace(around, is_served=served_by is not None))
    except Exception as error:  # a kind is anybody's code, and a doctor that fails helps nobody
        if isinstance(error, ModuleNotFoundError) and (advice := install_advice(error.name)):
            what, _, remedy = advice.partition(": ")
            found.append(Finding("packages", what, remedy, name))
            report.findings += found
            return
        text = (
            f"the checks of kind {config.banks[name].kind} raised {type(error).__name__}: {error}"
        )
        found.append(Finding("kind", text, "report this to whoever made the kind", name))
    report.findings += found


def endpoint_findings(config: Config, name: str) -> list[Finding]:
    """Return what would keep the endpoints of a Bank from working."""
    found: list[Finding] = []
    for endpoint, table in config.banks[name].endpoints.items():
        try:
            found += find_endpoint(table.kind or endpoint).diagnose(table, name)
        except Exception as error:  # an endpoint is anybody's code
            text = f"the checks of endpoint {endpoint} raised {type(error).__name__}: {error}"
            found.append(
                Finding("endpoint", text, "report this to whoever made the endpoint", name)
            )
    return found


def area_findings(config: Config, name: str) -> list[Finding]:
    """Return what is wrong with the folders whose files a Bank's clients may fetch."""
    areas = Areas(config.areas(name))
    return [
        Finding(
            "files",
            f"the area {area}, {areas.folders[area]}, is not to be had: {fault}",
            f"make the folder, or correct it in [banks.{name}.files] or [instrument.files]",
            name,
        )
        for area in areas.folders
        if (fault := areas.fault(area))
    ]


def address_findings(config: Config, name: str, url: str) -> tuple[int | None, list[Finding]]:
    """Return who serves this Bank there, as in `Report.banks`, and what is wrong with its
    address."""
    if has_range(url):
        with suppress(NotReadyError):
            url = found_in_range(url, name, keys=keys_of_host(config))
    ctx: zmq.Context[Any] = zmq.Context()
    try:
        RpcEndpoint(ctx, url, name=name, on_end=lambda _reason: None).close()
    except PortTakenError as error:
        if has_range(url):
            remedy = f"end what has one of them, or give banks.{name}.player_port a longer range"
            return None, [Finding("port", str(error).partition(";")[0], remedy, name)]
        answer = _answer(config, local_url(url))
        pid, process = _listener(url)
        if full := connection_findings(name, pid, error.port):
            return pid, full
        if answer == name:
            return pid, []
        if isinstance(answer, WrongServerKeyError):
            return pid, [_replaced_key(config, name, process)]
        text = f"port {error.port} is taken by {process}"
        if isinstance(answer, str):
            text += f", a Player that serves {answer}"
        remedy = f"end that, or give banks.{name}.player_port another port"
        return None, [Finding("port", text, remedy, name)]
    except PlayerError as error:
        key = "[instrument] bind" if config.banks[name].bind is None else f"banks.{name}.bind"
        remedy = f"set {key} to an address of this host"
        if split_ports(url)[1][0] < 1024:
            remedy += f", and banks.{name}.player_port to a port of 1024 or above"
        return None, [Finding("address", str(error), remedy, name)]
    finally:
        ctx.destroy(linger=0)
    return None, []


def service_findings(config: Config, name: str, url: str) -> tuple[int | None, list[Finding]]:
    """Return what `address_findings` does, of a Bank whose Player has a name: is its port manager
    there, and it?"""
    free, found = address_findings(
        config, name, tcp_url(config.bind(name), 1).removesuffix(":1") + ":*"
    )
    try:
        there = reached_at(url)
    except NotRegisteredError:
        return free, found
    except ServiceError as error:
        remedy = (
            "start it on this host (portmanager, or its systemd unit), correct [instrument] portmanager, or give "
            f"banks.{name}.player_port a number"
        )
        return None, [*found, Finding("port manager", str(error), remedy, name)]
    pid, process = _listener(there)
    answer = _answer(config, there)
    if answer == name:
        return pid, found
    if isinstance(answer, WrongServerKeyError):
        return pid, [*found, _replaced_key(config, name, process)]
    text = f"its name stands for {there}, where {process} does not answer as {name}"
    return None, [
        *found,
        Finding("port", text, "end that, or give player_port another service:NAME", name),
    ]


def _answer(config: Config, url: str) -> object:
    """Return the name of the Bank that is served at `url`; None: nobody says one;
    WrongServerKeyError: with another key than that of this host."""
    with ThreadHub(keys=keys_of_host(config)) as hub:
        try:
            return hub.call(url, "bank", "get_bank_name", (), {}, ANSWER_S)
        except WrongServerKeyError as error:
            return error
        except ProxyError:
            return None


def _replaced_key(config: Config, name: str, process: str) -> Finding:
    """Return what is wrong with a Player that has another key than those that start now."""
    text = f"{process} has another key than {config.key_dir / SERVER_FILE}, replaced while it ran"
    return Finding("keys", text, "restart it, or put the old key back", name)


def _listener(url: str) -> tuple[int, str]:
    """Return (number, description) of the process that listens on the port of `url`; 0 if it cannot
    be seen."""
    pid = listener_of(split_url(url)[1])
    return pid, describe_process(pid)


def connection_findings(name: str, pid: int, port: int) -> list[Finding]:
    """Return what is wrong with the connections of a Player that listens: it takes no more, or soon
    will not."""
    with suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        used, most = process.num_fds(), capacity(process.rlimit(psutil.RLIMIT_NOFILE)[0])
        if pid and used >= most * 9 // 10:
            text = f"{describe_process(pid)} has {used} descriptors open and takes no connection beyond {most}"
            remedy = f"close what is connected to it for no purpose: `ss -tnp 'sport = :{port}'` lists it"
            return [Finding("connections", text, remedy, name)]
    return []


# the host's disk


def data_root_findings(data: DataRoot, free_bytes: int | None = None) -> list[Finding]:
    """Return what is wrong with where data files go.

    Args:
        data: The directory.
        free_bytes: Free space; None: as the system says.
    """
    root, elsewhere = data.path, "set DIBAS_DATA or [instrument] data_root to another directory"
    if (fault := data.fault()) is not None:
        return [
            Finding(
                "data root",
                f"the data root {root} {fault.fault}",
                f"{fault.remedy}, or {elsewhere}",
            )
        ]
    if not root.is_dir():
        what = "is no directory" if root.exists() else "does not exist"
        return [
            Finding(
                "data root",
                f"the data root {root} {what}",
                f"make it (mkdir -p {root}), or {elsewhere}",
            )
        ]
    try:
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        text = f"no file can be written into the data root {root} ({error.strerror})"
        return [Finding("data root", text, f"give yourself the right to, or {elsewhere}")]
    free = shutil.disk_usage(root).free if free_bytes is None else free_bytes
    if free < MIN_FREE_BYTES:
        text = f"only {free / 2**30:.2f} GiB are free below the data root {root}, less than {MIN_FREE_BYTES >> 30} GiB"
        return [Finding("disk", text, f"remove old data, or {elsewhere}")]
    return []
