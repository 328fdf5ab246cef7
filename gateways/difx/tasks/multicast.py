"""DifxCommand, RELAY_COMMAND and MULTICAST_SETTINGS: what the original has to do with its network."""

from __future__ import annotations

import socket

from gateways.difx.errors import DifxError, DocumentError
from gateways.difx.protocol.commands import MulticastCommand
from gateways.difx.protocol.documents import read_command
from gateways.difx.protocol.jobs import Severity
from gateways.difx.protocol.packets import MulticastSettings
from gateways.difx.protocol.session import RelayCommand
from gateways.difx.tasks.commanding import command_answers
from gateways.difx.tasks.context import Action, TaskClient
from groundwork.roles import Role

__all__ = ["MULTICAST_SETTINGS", "RELAY_COMMAND"]


async def _relay_command(client: TaskClient, wanted: RelayCommand) -> None:
    """Send a document to the network, if there is a bridge; a command of ours is carried out."""
    if client.bridge is None:
        await _carry_out(client, wanted.document)
        return
    client.bridge.send(wanted.document)
    try:
        await _carry_out(client, wanted.document)
    except DifxError as error:
        client.inform(
            f"RELAY_COMMAND: sent to the network, and no command of this gateway: {error}"
        )


async def _carry_out(client: TaskClient, document: bytes) -> None:
    wanted = read_command(document, limit=client.config.max_document)
    if not isinstance(wanted, MulticastCommand):
        raise DocumentError(
            "only documents of the type DifxCommand are carried out; others go to a network by the"
            " bridge, which is off (multicast.enable)"
        )
    names = _of_this_host(client)
    targets = ["" if name.lower() in names else name for name in wanted.to] or [""]
    for target in dict.fromkeys(targets):
        for bank, text, is_fault in await command_answers(client, wanted.command, target):
            line = f"DifxCommand: {wanted.command:.200}: {bank}: {text}"
            client.say(Severity.ERROR if is_fault else Severity.INFO, line)


def _of_this_host(client: TaskClient) -> set[str]:
    """Return the names of this host: the GUI client sends all its documents to the host that it is
    connected to, which means nobody in particular."""
    name = socket.gethostname().lower()
    return {"localhost", name, name.partition(".")[0], client.connected_to}


async def _settings(client: TaskClient, wanted: MulticastSettings) -> None:
    if client.bridge is None:
        client.inform("MULTICAST_SETTINGS has no effect: there is no bridge (multicast.enable)")
    elif client.role < Role.OPERATE:
        client.inform("MULTICAST_SETTINGS has no effect: it is for operators (peers)")
    else:
        client.bridge.change(wanted.group, wanted.port)
        client.inform(f"MULTICAST_SETTINGS: {wanted.group} port {wanted.port}")


RELAY_COMMAND = Action(name="RELAY_COMMAND", run=_relay_command)
MULTICAST_SETTINGS = Action(name="MULTICAST_SETTINGS", run=_settings, changes=False)
