"""Requests to a histogrammer as REST clients of SpecTcl and Rustogramer make them: GET, a query, JSON."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import numpy as np
import numpy.typing as npt

TIMEOUT_S = 30.0

Counts = npt.NDArray[np.float64]


class SpecTclRest:
    """A client.

    Args:
        port: TCP port of the REST server.
        host: Its host.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._base = f"http://{host}:{port}/spectcl"
        self._opener = build_opener(ProxyHandler({}))  # a site's proxy has no way to this host

    def ask(self, request: str, **query: Any) -> Any:
        """Make a request; return the `detail` of its answer.

        Args:
            request: Its path, as `spectrum/list`.
            query: Parameters; a list is the same parameter several times.

        Raises:
            RuntimeError: The status is not OK.
        """
        url = f"{self._base}/{request}?{urlencode(query, doseq=True)}"
        with self._opener.open(url, timeout=TIMEOUT_S) as answer:
            document = json.load(answer)
        if document["status"] != "OK":
            raise RuntimeError(f"{request}: {document['status']}: {document['detail']}")
        return document["detail"]

    def contents(self, name: str) -> Counts:
        """Return the counts of a spectrum as an array, shape (x,) or (y, x), without flow.

        Only channels with counts are sent, each with the coordinates of its lower edge.
        """
        (found,) = (one for one in self.ask("spectrum/list", filter="*") if one["name"] == name)
        axes = found["axes"]
        counts = np.zeros([axis["bins"] for axis in reversed(axes)])
        for channel in self.ask("spectrum/contents", name=name)["channels"]:
            place: list[int] = []
            for axis, at in zip(axes, (channel["x"], channel["y"]), strict=False):
                width = (axis["high"] - axis["low"]) / axis["bins"]
                place.insert(0, round((at - axis["low"]) / width))
            counts[tuple(place)] = channel["v"]
        return counts
