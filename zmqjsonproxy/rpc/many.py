"""Many calls at once, as both hubs take them: requests and results, and batches of one object's
calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zmqjsonproxy.errors import ProtocolError
from zmqjsonproxy.rpc.peer import BatchedCall, BatchOfCalls, Call, CallResult

__all__ = ["CallRequest", "CallResult", "batch_results", "in_batches", "shared_calls"]

BATCH_MOST = 500
"""Calls in one message; a server takes 1000 by default."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One call of many."""

    url: str
    object_name: str
    method: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def shared_calls(
    requests: Sequence[CallRequest], timeout: float
) -> Iterator[tuple[CallRequest, Call]]:
    """Yield each request with its call; those that say the same share one, which is encoded
    once."""
    calls: dict[tuple[str, str, int, int], Call] = {}
    for r in requests:
        key = (r.object_name, r.method, id(r.args), id(r.kwargs))
        call = calls.get(key)
        if call is None:
            call = calls[key] = Call(r.object_name, r.method, r.args, r.kwargs, timeout)
        yield r, call


def in_batches(
    object_name: str, calls: Sequence[BatchedCall], timeout: float
) -> list[BatchOfCalls]:
    """Return the messages that hold these calls."""
    return [
        BatchOfCalls(object_name, calls[n : n + BATCH_MOST], timeout)
        for n in range(0, len(calls), BATCH_MOST)
    ]


def batch_results(
    batches: Sequence[BatchOfCalls], results: Sequence[CallResult]
) -> list[CallResult]:
    """Return the result of each call, from those of the batches."""
    found: list[CallResult] = []
    for batch, result in zip(batches, results, strict=True):
        if result.error is not None:
            found += [CallResult(None, result.error, result.delay_s)] * batch.count
            continue
        if None in batch.parts:
            missing = CallResult(
                None, ProtocolError(f"{batch.label}: one has no answer"), result.delay_s
            )
            found += [part or missing for part in batch.parts]
        else:
            found += result.value
    return found
