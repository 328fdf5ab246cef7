"""A client as tasks see it, and the kinds of tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from gateways.difx.endpointconfig import GuiServerEndpointConfig
from gateways.difx.links import ChannelLink, TaskLink
from gateways.difx.monitor import LiveMonitor
from gateways.difx.multicast import Membership
from gateways.difx.protocol.items import integer
from gateways.difx.protocol.jobs import Severity
from gateways.difx.share import Share
from groundwork.roles import Role

if TYPE_CHECKING:
    from gateways.difx.bank import DifxService

__all__ = ["Action", "LinkedTask", "TaskClient", "gui_has_left", "send_row"]

_GUI_SENDER = "doi"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskClient:
    """A client, and what there is for its tasks.

    Attributes:
        name: For logs and jobs, as `client 3 at 127.0.0.1:40210`.
        role: Its rights.
        connected_to: Address of this host that it connected to.
        service: The Bank behind the gateway.
        config: Limits.
        share: Threads for what may wait.
        profile: Runner profile that it has chosen when the task began; empty: none.
        monitor: Live products.
        bridge: To a multicast network; None: it has none.
        say: Sends it a line, as INFORMATION, WARNING or ERROR.
        change: What changes something is done within; takes the name of the command and its
            document. ControlError: it must not be done now.
        drain: Waits until the client has taken most of what waits for it.
    """

    name: str
    role: Role
    connected_to: str
    service: DifxService
    config: GuiServerEndpointConfig
    share: Share
    profile: str
    monitor: LiveMonitor
    bridge: Membership | None
    say: Callable[[Severity, str], None]
    change: Callable[[str, Any], AbstractContextManager[None]]
    drain: Callable[[], Awaitable[None]]

    def inform(self, text: str) -> None:
        """Send an INFORMATION packet."""
        self.say(Severity.INFO, text)

    def warn(self, text: str) -> None:
        """Send a WARNING packet."""
        self.say(Severity.WARNING, text)

    def refuse(self, text: str) -> None:
        """Send an ERROR packet: what was refused, why, and which setting governs it."""
        self.say(Severity.ERROR, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedTask:
    """A kind of task with a task connection.

    Attributes:
        name: Of its command, for sentences.
        run: Carries it out. A DifxError of it is told to the client, which then gets the farewell.
        changes: It changes something: for operators only.
        farewell: Items that end it for clients if it is refused or fails.
    """

    name: str
    run: Callable[[TaskClient, Any, TaskLink], Awaitable[None]]
    changes: bool = True
    farewell: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A kind of task without a task connection. Those of a client are done one after the other.

    Attributes:
        name: Of its command, for sentences.
        run: Carries it out. A DifxError of it is told to the client.
        changes: It changes something: for operators only.
    """

    name: str
    run: Callable[[TaskClient, Any], Awaitable[None]]
    changes: bool = True


async def send_row(link: TaskLink, row: Iterable[tuple[bytes, ...]]) -> None:
    """Send sub-packets, each as its items."""
    for items in row:
        await link.send(*items)


def gui_has_left(link: TaskLink, sender: str, items: tuple[bytes, ...], end: IntEnum) -> bool:
    """Tell whether a channel is to be given up behind a sub-packet: the GUI client has ended with it.

    Some tasks go on behind a sub-packet on which the GUI client ends, and the script client does not.
    Over TCP the GUI client closes the connection. In a channel it forgets the channel, and a chunk
    that comes for it ends all that it receives; so it gets none, and the script client gets the rest.

    Args:
        link: Of the task.
        sender: `from` of its document.
        items: Of the sub-packet that was sent.
        end: On which the GUI client ends.
    """
    return isinstance(link, ChannelLink) and sender == _GUI_SENDER and items[0] == integer(end)
