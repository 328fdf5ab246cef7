"""Traffic between clients and a Player into a file, and answers out of it. Nothing of the core needs
it."""

from __future__ import annotations

from zmqjsonproxy.recording.programs import (
    Recorder,
    Replayer,
    add_commands,
    build_parser,
    load_recording,
    main,
    run,
)

__all__ = ["Recorder", "Replayer", "add_commands", "build_parser", "load_recording", "main", "run"]
