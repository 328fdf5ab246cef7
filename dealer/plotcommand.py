"""The command `dealer plot`: a picture of a data file, by whatever kind of Bank knows such
files."""

from __future__ import annotations

import argparse
from pathlib import Path

from commandline import DONE, FAILED, argument, command, say, tell
from dealer.errors import ConfigurationError
from groundwork.loading import TargetError, load_target, registered, target_of

__all__ = ["BUILT_IN", "COMMAND", "GROUP"]

GROUP = "dealer_player.plots"
"""Entry points: functions of a file and a picture, which raise ValueError for files that they do
not know."""

# Used where the package runs from a source tree without distribution metadata.
BUILT_IN = {"spectrometer": "spectrometer.spectra.plots:draw_file"}
FORMS = (".png", ".svg", ".pdf")


def _plot(options: argparse.Namespace) -> int:
    if options.output is not None and (
        len(options.files) > 1 or options.output.suffix not in FORMS
    ):
        raise ConfigurationError(
            "plot", [f"--output is one picture of one file, of the form {', '.join(FORMS)}"]
        )
    drawn: dict[str, dict[str, str]] = {}
    failed = False
    for path in options.files:
        output = options.output or Path(f"{path.name}.png")
        try:
            told = _draw(path, output)
        except (OSError, ValueError) as error:
            failed = True
            drawn[str(path)] = {"error": str(error)}
            say("dealer", error)
        else:
            drawn[str(path)] = {"picture": str(output), "shows": told}
            if not options.json:
                print(f"{output}: {told}")
    if options.json:
        tell(True, drawn, "")
    return FAILED if failed else DONE


def _draw(path: Path, output: Path) -> str:
    targets = registered(GROUP, BUILT_IN)
    reasons: list[str] = []
    for name in targets:
        try:
            draw = load_target(target_of(name, targets))
        except TargetError as error:
            reasons.append(str(error))
            continue
        try:
            return str(draw(path, output))
        except ValueError as error:
            reasons.append(str(error))
    raise ValueError("; ".join(reasons))


COMMAND = command(
    "plot",
    _plot,
    "draw the mean spectrum or profile of a data file",
    argument("files FILE", "what a data-taking program wrote", nargs="+", type=Path),
    argument(
        "-o --output PICTURE", "a .png, .svg or .pdf file; default: FILE.png, here", type=Path
    ),
    description="Draw the mean spectra or profiles of data files: spectra, PSRFITS, GUPPI raw. No Player is asked.",
)
