"""Roles that requests need of a peer. Pure."""

from __future__ import annotations

from groundwork.roles import Role
from histogrammer.rest.protocol.stubs import STUBS

__all__ = ["OBSERVED", "role_of"]

OBSERVED = frozenset(
    {
        "apply/list",
        "attach/list",
        "channel/get",
        "fold/list",
        "gate/list",
        "integrate",
        "mirror",
        "parameter/check",
        "parameter/list",
        "parameter/listnew",
        "parameter/version",
        "rawparameter/list",
        "ringformat/get",
        "sbind/get_update",
        "sbind/list",
        "shmem/key",
        "shmem/size",
        "shmem/variables",
        "spectrum/contents",
        "spectrum/list",
        "specstats",
        "version",
        *STUBS,
    }
)
"""Requests that change nothing, and read no file; those that only SpecTcl carries out, among them.
Traces are not: their tokens count up, and whoever fetches with another's takes the changes away."""


def role_of(request: str) -> Role:
    """Return the role that a request of the table needs."""
    if request in OBSERVED:
        return Role.OBSERVE
    return Role.ADMIN if request == "exit" else Role.OPERATE
