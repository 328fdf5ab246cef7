"""Journals and histories of Banks, read for viewers. Knows no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.protocol.thinning import Point, thinned
from dealer.recordreading import in_time_order
from groundwork.values import JsonObject
from zmqjsonproxy import AsyncHub, ProxyError

__all__ = ["ENTRIES_MOST", "HistoryQuestion", "Records"]

WITHIN_S = 10.0
ENTRIES_MOST = 1000
PAGE, PAGES_MOST = 10_000, 10
"""Points of one question to a Player, and questions for one key."""
