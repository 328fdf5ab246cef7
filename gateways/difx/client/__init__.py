"""Client of the guiServer protocol, for programs that wait and for those that use asyncio; works with
the original server and with this project's gateway."""

from gateways.difx.client.aio import AsyncDifxClient
from gateways.difx.client.client import BlockingMonitor, BlockingStream, DifxClient
from gateways.difx.client.errors import (
    GatewayConnectionLostError,
    NoGatewayAnswerError,
    RequestRefusedError,
    TransferFaultError,
)
from gateways.difx.client.links import TaskStream
from gateways.difx.client.protocol.primary import Diagnostic, Level, ServerInfo
from gateways.difx.client.protocol.results import (
    CopyResult,
    FilelistResult,
    JobEnd,
    JobResult,
    JobStatus,
    ListedFile,
    MachinesResult,
    MediumDirectory,
    TaskEvent,
    UnitAnswer,
)
from gateways.difx.client.watchverbs import MessageStream, Monitor, RelayedMessage
from gateways.difx.protocol.commands import JobFunction
from gateways.difx.protocol.jobs import JobNodes

__all__ = [
    "AsyncDifxClient",
    "BlockingMonitor",
    "BlockingStream",
    "CopyResult",
    "Diagnostic",
    "DifxClient",
    "FilelistResult",
    "GatewayConnectionLostError",
    "JobEnd",
    "JobFunction",
    "JobNodes",
    "JobResult",
    "JobStatus",
    "Level",
    "ListedFile",
    "MachinesResult",
    "MediumDirectory",
    "MessageStream",
    "Monitor",
    "NoGatewayAnswerError",
    "RelayedMessage",
    "RequestRefusedError",
    "ServerInfo",
    "TaskEvent",
    "TaskStream",
    "TransferFaultError",
    "UnitAnswer",
]
