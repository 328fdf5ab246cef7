"""Changes that clients of foreign protocols ask for: refused while others have control, and kept in
the journal, as commands of callers are. No sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from groundwork.errors import text_of
from zmqjsonproxy.caller import Caller
from zmqjsonproxy.engine.callrecords import CallOutcome, CallRecord
from zmqjsonproxy.errors import RefusedError

__all__ = ["Changes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Changes through one endpoint, from any thread.

    Attributes:
        endpoint: Its name: of the object that is called, and of its clients, in the journal.
        check_control: Raises NotInControlError, with a sentence, if somebody has control, or
            commands need it: these clients can have none.
        on_command: Told of each change as the call engine tells of commands; None: nobody is.
    """

    endpoint: str = "endpoint"
    check_control: Callable[[], None] = lambda: None
    on_command: Callable[[CallRecord], object] | None = None

    @contextmanager
    def change(
        self, request: str, peer: str, arguments: Mapping[str, object]
    ) -> Iterator[CallRecord]:
        """Carry out within; an error that is raised there is the outcome. One that ends without may
        be told before, `record.end(...)`, else it is done.

        Args:
            request: As its protocol calls it.
            peer: Address of the client, HOST:PORT.
            arguments: Of the request; shortened, and without secrets, in the journal.

        Raises:
            NotInControlError: It must not be carried out now; nothing is done.
        """
        record = self._record(request, peer, arguments)
        try:
            self.check_control()
        except RefusedError as refusal:
            self._refuse(record, refusal)
            raise
        self._tell(record)
        try:
            yield record
            if not record.outcome.is_final:
                record.end(CallOutcome.DONE)
        except BaseException as error:
            is_left = isinstance(error, asyncio.CancelledError)  # its client has gone
            outcome = CallOutcome.ABORTED if is_left else CallOutcome.FAILED
            record.end(outcome, type(error).__name__, text_of(error))
            raise
        finally:
            self._tell(record)

    def refuse(
        self, request: str, peer: str, arguments: Mapping[str, object], error: Exception
    ) -> None:
        """Tell of a change that was not carried out, as its client may not ask for it; arguments as of
        `change`."""
        self._refuse(self._record(request, peer, arguments), error)

    def _record(self, request: str, peer: str, arguments: Mapping[str, object]) -> CallRecord:
        caller = Caller(f"{self.endpoint}@{peer}", native=False)
        return CallRecord.of_arguments(f"{self.endpoint}.{request}", arguments, caller)

    def _refuse(self, record: CallRecord, error: Exception) -> None:
        record.end(CallOutcome.REFUSED, type(error).__name__, text_of(error))
        record.duration_s = None  # it was not begun
        self._tell(record)

    def _tell(self, record: CallRecord) -> None:
        if self.on_command is not None:
            self.on_command(record)
