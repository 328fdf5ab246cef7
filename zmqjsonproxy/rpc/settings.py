"""What a server takes at most, and how long it waits. Nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from zmqjsonproxy.rights import Role

__all__ = ["ServerSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Limits of a server.

    Attributes:
        max_message_bytes: Largest request that is read; larger ones are answered with an error up
            to four times this size, beyond which ZeroMQ drops the connection.
        max_json_bytes: Largest JSON of a request, which is all of it but the frames of arrays and
            bytes.
        max_values: Most values in a request, outside of frames; an escaped character of a text
            counts as one.
        max_parts: Most arrays, objects and texts in a request, names of members among them.
        max_depth: Deepest nesting of arrays and objects in a request.
        max_batch: Most calls in one JSON-RPC batch.
        max_batch_reply_bytes: Most bytes of the replies to a batch, together; what is beyond is
            left out.
        max_waiting_bytes: A client for which more bytes of replies wait is answered "busy" until it
            takes them.
        max_unread_bytes: Most bytes of requests over 10 kB of one client that wait to be read;
            what is beyond is answered "busy".
        max_queued_calls: Calls of one client that may wait in a command queue; one more is answered "busy".
        slow_query_s: A query that took longer is carried out beside the socket's thread from then
            on, s.
        fast_again_after: A query that was slow goes back there when it was fast so many times in
            turn.
        watchdog_every: s.
        original_role: What clients of the original may do, which have no keys; None: nothing, and
            they are told so.
        end_within: How long `run_loop` waits at its end for calls that are being carried out, s.
    """

    max_message_bytes: int = 16 * 2**20
    max_json_bytes: int = 4 * 2**20
    max_values: int = 300_000
    max_parts: int = 100_000
    max_depth: int = 100
    max_batch: int = 1000
    max_batch_reply_bytes: int = 16 * 2**20
    max_waiting_bytes: int = 32 * 2**20
    max_unread_bytes: int = 16 * 2**20
    max_queued_calls: int = 64
    slow_query_s: float = 0.05
    fast_again_after: int = 100
    watchdog_every: float = 1.0
    original_role: Role | None = Role.OPERATE
    end_within: float = 2.0
