"""Traffic between clients and a Player into a file, and answers out of it. Nothing of the core needs
it."""

from __future__ import annotations

from zmqjsonproxy.recording.programs import COMMANDS, Recorder, Replayer, load_recording, main

__all__ = ["COMMANDS", "Recorder", "Replayer", "load_recording", "main"]
