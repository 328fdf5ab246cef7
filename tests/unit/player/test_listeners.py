"""Processes in words, and who listens on a port."""

from __future__ import annotations

import os
import socket

from player.listeners import describe_process, listener_of


def test_a_process_is_described_as_far_as_it_can_be_seen() -> None:
    assert describe_process(0) == "a process of another user"
    assert describe_process(2**22 + 1) == f"process {2**22 + 1}"


def test_the_process_that_listens_on_a_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert listener_of(port) == os.getpid()
    assert listener_of(port) == 0
