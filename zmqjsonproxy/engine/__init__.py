"""Calls of exposed objects, carried out: by a server, in a shell's own process, in a plan."""

from __future__ import annotations

from zmqjsonproxy.engine.calls import CallEngine, ServedCall
from zmqjsonproxy.engine.commandqueues import CommandQueue, CommandQueues
from zmqjsonproxy.engine.replies import Replies

__all__ = ["CallEngine", "CommandQueue", "CommandQueues", "Replies", "ServedCall"]
