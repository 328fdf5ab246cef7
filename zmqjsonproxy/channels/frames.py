"""Frames of pipes as they are published, reduced for a subscription, and restored at its reader.

A frame is `{"data": array, "x_start": ..., "x_delta": ...}`, and may say more; that stays. Reduced
to bounds it has `lower` and `upper` instead of `data`, for `width` pixels of `points` points; a
window is told by `window`.
"""

from __future__ import annotations

from groundwork.values import JsonValue, RemoteValue
from zmqjsonproxy.channels.protocol.notices import Encoded, encode
from zmqjsonproxy.channels.reducedframe import Reduction, ReductionMethod, read_reduced

__all__ = ["reduced_frame", "restored_frame"]


def reduced_frame(frame: Encoded, reduction: Reduction) -> Encoded:
    """Return a frame as a subscription wants it; ValueError: it cannot be reduced so."""
    from zmqjsonproxy.channels.reduction import reduce_frame  # late: it needs numpy

    value = frame.value()
    data: RemoteValue = value.get("data") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not hasattr(data, "dtype"):
        return frame
    reduced = reduce_frame(data, reduction)
    others = {name: one for name, one in value.items() if name != "data"}
    return encode({**others, "reduced": reduced.describe(), "arrays": list(reduced.arrays)})


def restored_frame(value: JsonValue) -> JsonValue:
    """Return a frame as its reader gets it; ValueError: what came cannot be read."""
    if not isinstance(value, dict) or "reduced" not in value:
        return value
    from zmqjsonproxy.channels.reduction import restore  # late: it needs numpy

    arrays = value.get("arrays")
    reduced = read_reduced(value["reduced"], arrays if isinstance(arrays, list) else [])
    restored = restore(reduced)
    told = {name: one for name, one in value.items() if name not in ("reduced", "arrays")}
    told |= {"points": reduced.points, "window": reduced.window}
    if reduced.method is ReductionMethod.BAND:
        lower, upper = restored
        return {"lower": lower, "upper": upper, "width": reduced.width, **told}
    return {"data": restored, **told}
