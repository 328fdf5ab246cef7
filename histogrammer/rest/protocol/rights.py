"""Roles that requests need of a peer. Pure."""

from __future__ import annotations

from groundwork.roles import Role
from histogrammer.flavors import Flavor
from histogrammer.rest.protocol.stubs import STUBS

__all__ = ["OBSERVED", "is_change", "role_of"]

OBSERVED = frozenset(
    {
        "apply/list",
        "attach/list",
        "channel/get",
        "evbunpack/list",
        "filter/list",
        "fit/list",
        "fold/list",
        "gate/list",
        "integrate",
        "mirror",
        "parameter/check",
        "parameter/list",
        "parameter/listnew",
        "parameter/version",
        "pman/current",
        "pman/list",
        "pman/ls",
        "pman/lsall",
        "pman/lsevp",
        "pseudo/list",
        "rawparameter/list",
        "ringformat/get",
        "roottree/list",
        "sbind/get_update",
        "sbind/list",
        "shmem/key",
        "shmem/size",
        "shmem/variables",
        "spectrum/contents",
        "spectrum/list",
        "specstats",
        "treevariable/check",
        "treevariable/list",
        "version",
    }
)
"""Requests that change nothing, and read no file. Traces are not: their tokens count up, and whoever
fetches with another's takes the changes away."""
_FOLLOWING = frozenset({"trace/establish", "trace/fetch", "trace/done"})


def role_of(request: str, flavor: Flavor) -> Role:
    """Return the role that a request of the table needs; of those that only SpecTcl carries out, where
    they are carried out."""
    if request in OBSERVED or (request in STUBS and not flavor.carries_out_all):
        return Role.OBSERVE
    return Role.ADMIN if request == "exit" else Role.OPERATE


def is_change(request: str, flavor: Flavor) -> bool:
    """Tell whether a request of the table changes something that others see."""
    return role_of(request, flavor) > Role.OBSERVE and request not in _FOLLOWING
