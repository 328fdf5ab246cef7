"""Pictures of terminal sessions for the documentation: `python -m support.pictures` writes them
into docs/_static.

Commands run against real, simulated Players; the session at the prompt is that of
docs/howto/prompt.md, which a test compares with a real one. The picture of spectra is that of `make
demo`, `demo-run/spectra.png`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from html import escape
from pathlib import Path

from PIL import Image  # comes with matplotlib
from support.player_run import ROOT, PlayerRun, clean_environment
from support.spectrometer_array import write_array

STATIC = ROOT / "docs" / "_static"
COMMANDS = (
    "dealer scan --mode MODE1 exposure=0.5 scan_length=2 source=J1810+1744",
    "dealer status",
    "dealer call BANKA get_status EXPOSURE",
    "dealer call all set_param exposure=-1",
    "dealer doctor",
)
PROMPTS = ("$ ", ">>> ")
SOURCE = "{ synthetic = { center_mhz = 1420.5, bandwidth_mhz = 2.0, tsys_k = [25.0, 25.0] } }"
ROW, WIDTH, MARGIN = 18, 8.4, 14
COLOURS = 48
LONGEST = 112
"""Columns; what is longer is cut, as on a terminal without wrapping."""


def terminal_svg(lines: Sequence[str], title: str) -> str:
    """Return a picture of a terminal that shows some lines; what was typed is bold."""
    shown = [line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}\u2026" for line in lines]
    width = round(max(map(len, [*shown, title])) * WIDTH) + 2 * MARGIN
    height = ROW * (len(shown) + 2) + MARGIN
    texts = []
    for number, line in enumerate(shown):
        weight = ' font-weight="bold" fill="#ffffff"' if line.startswith(PROMPTS) else ""
        place = f'x="{MARGIN}" y="{ROW * (number + 2) + 6}"'
        texts.append(
            f'<text {place}{weight} xml:space="preserve">{escape(line, quote=False)}</text>'
        )
    return (
        "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                f'viewBox="0 0 {width} {height}" '
                'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#d6dbe0">',
                f"<title>{escape(title)}</title>",
                f'<rect width="{width}" height="{height}" rx="8" fill="#1d2329"/>',
                *(
                    f'<circle cx="{MARGIN + 6 + 18 * n}" cy="14" r="5" fill="{c}"/>'
                    for n, c in enumerate(("#e0605a", "#e0b050", "#6aaa5a"))
                ),
                *texts,
                "</svg>",
            ]
        )
        + "\n"
    )


def prompt_svg() -> str:
    """Return the picture of the session at the prompt, as docs/howto/prompt.md shows it."""
    page = (ROOT / "docs" / "howto" / "prompt.md").read_text(encoding="utf-8")
    found = re.search(r"```text\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return terminal_svg(found[1].rstrip().splitlines(), "dealer, a prompt with completion")


def session() -> list[str]:
    """Run the commands with two simulated Players; what a terminal would show."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        config = folder / "dibas.toml"
        urls = write_array(config, banks=2, sources=dict.fromkeys(("BANKA", "BANKB"), SOURCE))
        environment = clean_environment(DIBAS_DATA=str(folder), DIBAS_CONFIG=str(config))
        for bank, url in urls.items():
            words = (bank, url, "simulate", "--config", config)
            player = stack.enter_context(PlayerRun(*words, log=folder / bank, env=environment))
            player.wait_ready()
        for command in COMMANDS:
            done = subprocess.run(
                [sys.executable, "-m", "dealer.cli", *command.split()[1:]],
                cwd=ROOT,
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=600,
                check=False,
            )
            lines += [f"$ {command}", *done.stdout.rstrip().splitlines()]
    return lines


def main() -> int:
    """Write all pictures that can be made here."""
    (STATIC / "prompt.svg").write_text(prompt_svg(), encoding="utf-8")
    (STATIC / "terminal.svg").write_text(
        terminal_svg(session(), "dealer in a shell"), encoding="utf-8"
    )
    spectra = ROOT / "demo-run" / "spectra.png"
    if spectra.exists():
        with Image.open(spectra) as picture:
            small = picture.convert("RGB").resize((picture.width * 3 // 4, picture.height * 3 // 4))
            small.quantize(COLOURS).save(STATIC / "spectra.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
