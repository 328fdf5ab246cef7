"""Units of systemd for Players and the port manager, those of `deploy` for another installation.
Text only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from player.errors import UnwritableError

__all__ = ["PLAYER_UNIT", "PORT_MANAGER_UNIT", "UnitSettings", "deploy_file", "systemd_unit"]

PLAYER_UNIT, PORT_MANAGER_UNIT = "player@.service", "portmanager.service"
PROGRAMS = {
    PLAYER_UNIT: ("player", "-m player.cli"),
    PORT_MANAGER_UNIT: ("portmanager", "-m portmanager.cli"),
}
"""Unit -> its program in the shipped file, and what the interpreter is given in its place."""
SHIPPED_BIN = "/opt/dealer-player/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSettings:
    """Differences between installations.

    Attributes:
        python: The interpreter that has the package.
        user: Whose processes they are; empty: as in the shipped file.
        simulate: Start Players with `--simulate`.
        environment: Variables to set, `DIBAS_...`.
    """

    python: Path
    user: str = ""
    simulate: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def deploy_file(name: str) -> Path:
    """Return a file of `deploy`, which is in the package where that is installed, beside it in a
    checkout."""
    here = Path(__file__).resolve().parent
    installed = here / "deploy" / name
    return installed if installed.exists() else here.parent / "deploy" / name


def systemd_unit(name: str, settings: UnitSettings) -> str:
    """Return the text of a unit.

    Args:
        name: PLAYER_UNIT or PORT_MANAGER_UNIT.
        settings: Of this installation.

    Raises:
        UnwritableError: A value has a line feed or a control character in it.
    """
    program, instead = PROGRAMS[name]
    lines: list[str] = []
    for line in deploy_file(f"systemd/{name}").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"ExecStart={SHIPPED_BIN}/{program}"):
            arguments = line.removeprefix(f"ExecStart={SHIPPED_BIN}/{program}")
            line = f"ExecStart={_quoted(str(settings.python))} {instead}{arguments}"
            if settings.simulate and name == PLAYER_UNIT:
                line += " --simulate"
        elif line.startswith("User=") and settings.user:
            line = f"User={_checked(settings.user)}"
        elif line.startswith("Documentation="):  # of the installation that the shipped file is of
            continue
        lines.append(line)
        if line.startswith("EnvironmentFile="):
            lines += [
                f"Environment={_quoted(f'{key}={value}')}"
                for key, value in settings.environment.items()
            ]
    return "\n".join(lines) + "\n"


def _checked(text: str) -> str:
    if not text.isprintable():
        raise UnwritableError(text)
    return text


def _quoted(text: str) -> str:
    """Return a word as systemd reads it. A `$` has no meaning in the name of a program, nor in
    `Environment=`."""
    escaped = _checked(text).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if escaped != text or " " in text or "'" in text or ";" in text else text
