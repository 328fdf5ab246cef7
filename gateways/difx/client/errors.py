"""Errors of the client, below those of the package.

ServerError
+-- NoAnswerError          the server is silent
+-- ConnectionLostError    the connection to it is gone
+-- RequestRefusedError    the server says no, in an ERROR_PACKET or in the answer itself
FileFaultError
+-- TransferFaultError     a transfer of a file that the server, or this side, did not carry out
"""

from __future__ import annotations

from gateways.difx.errors import FileFaultError, ServerError

__all__ = [
    "GatewayConnectionLostError",
    "NoGatewayAnswerError",
    "RequestRefusedError",
    "TransferFaultError",
]


class NoGatewayAnswerError(ServerError):
    """No answer in time; the server may still carry the request out.

    Args:
        server: HOST:PORT.
        doing: Request that was made.
        timeout: It was waited for so long, s.
        said: Diagnostics of the server since then; may be empty.
    """

    def __init__(self, server: str, doing: str, timeout: float, said: str = "") -> None:
        text = f"{doing}: no answer from {server} within {timeout:g} s"
        super().__init__(f"{text}; it said: {said}" if said else text)
        self.server, self.doing, self.timeout, self.said = server, doing, timeout, said


class GatewayConnectionLostError(ServerError):
    """The connection is gone, or was never made.

    Args:
        server: HOST:PORT.
        doing: Request that was under way.
        reason: As the system tells it.
    """

    def __init__(self, server: str, doing: str, reason: str) -> None:
        super().__init__(f"{doing}: connection to {server}: {reason}")
        self.server, self.doing, self.reason = server, doing, reason


class RequestRefusedError(ServerError):
    """The server refused a request.

    Args:
        doing: Request that was made.
        reason: The server's words.
    """

    def __init__(self, doing: str, reason: str) -> None:
        super().__init__(f"{doing}: refused by the server: {reason}")
        self.doing, self.reason = doing, reason


class TransferFaultError(FileFaultError):
    """A transfer of a file that was not carried out.

    Args:
        doing: As `get /data/x`.
        reason: One sentence.
        code: Negative number of the server's answer; 0: it gave none.
    """

    def __init__(self, doing: str, reason: str, code: int = 0) -> None:
        super().__init__(f"{doing}: {reason}" + (f" (code {code})" if code else ""))
        self.doing, self.reason, self.code = doing, reason, code
