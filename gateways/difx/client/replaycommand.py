"""The command `difx replay`."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import asdict
from pathlib import Path

from commandline import DONE, FAILED, argument, command, tell
from gateways.difx.client.connecting import complain
from gateways.difx.client.protocol.replaying import ReplayedAnswers, differences, plans_of
from gateways.difx.client.replay import replay_client
from gateways.difx.protocol.capture import read_capture

__all__ = ["COMMAND"]


def _replay(options: argparse.Namespace) -> int:
    with open(options.file, "rb") as lines:
        plans = plans_of(read_capture(lines, str(options.file)))
    if not plans:
        complain(f"replay {options.file}: there is no client in it")
        return FAILED

    async def play() -> list[ReplayedAnswers]:
        played = (
            replay_client(plan, options.host, options.port, options.timeout) for plan in plans
        )
        return await asyncio.gather(*played)

    answers = asyncio.run(play())
    found = [
        one
        for plan, answered in zip(plans, answers, strict=True)
        for one in differences(plan, answered)
    ]
    sent = sum(len(plan.steps) for plan in plans)
    told = {"clients": len(plans), "sent": sent, "differences": [asdict(one) for one in found]}
    lines_of = [
        f"client {one.client}, {one.stream}, place {one.place}: "
        f"{one.expected or 'nothing'} was answered, and now {one.found or 'nothing'}"
        for one in found
    ]
    same = f"{len(plans)} clients, {sent} packets: answered as in the capture"
    tell(options.json, told, "\n".join(lines_of) or same)
    return FAILED if found else DONE


COMMAND = command(
    "replay",
    _replay,
    "play the clients of a capture, and compare the answers; exit status 1 if one is another",
    argument("file FILE", "written by a gateway with `--capture`", type=Path),
    description="Play the clients of a capture against a server, all at once, and compare the answers. "
    "Relayed messages are not compared, nor are times. Answers are waited for as --timeout says.",
)
