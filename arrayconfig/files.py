"""Files of the configuration of an array: which they are, how they are merged, and `${VAR}` in
their values.

Both sides read the same files: a Dealer a few keys, with the standard library alone, a Player all
of them. So what has to mean the same to both is here; what the keys mean is not.
"""

from __future__ import annotations

import codecs
import re
import shlex
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from groundwork.errors import Portable
from groundwork.values import JsonObject

__all__ = [
    "MIGRATE",
    "Fault",
    "FilesError",
    "KeyPath",
    "Substitution",
    "absolute",
    "check_depth",
    "config_files",
    "config_path",
    "config_text",
    "dotted",
    "has_key",
    "merged",
    "quoted",
    "read_tables",
    "substitute",
    "table_of",
    "toml_fault",
]

KeyPath = tuple[str | int, ...]

MAX_BYTES = 16 << 20
MAX_DEPTH = 64  # of tables and lists in each other
FORMS = "${NAME}, ${NAME:-default}, or $${ for ${ itself"
_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)\Z")
_REFERENCE = re.compile(
    r"\$(?:(?P<escaped>\$\{)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\}"
    r"|(?P<bad>\{[^}]*\}?))"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault (or warning) of a configuration.

    Attributes:
        file: The file, as it was given.
        line: Line number from 1; None where a line makes no sense (the file is missing).
        key: Dotted key, `banks.BANKA.filters`; empty for the file as a whole.
        text: What is wrong, found and expected.
    """

    file: Path
    line: int | None
    key: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line is not None else str(self.file)
        return f"{place}: {self.key}: {self.text}" if self.key else f"{place}: {self.text}"


class FilesError(Portable):
    """Files that cannot be read, or are no TOML; `faults` has all that was found."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


def dotted(path: KeyPath) -> str:
    """Return a path as text: `modes.MODE1.phases.arm[2]`; a part with other characters is quoted as
    in TOML."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[^\s.\"'\[\]=#\x00-\x1f\x7f]+", part) else quoted(part)
            text += f".{name}" if text else name
    return text


def quoted(text: str) -> str:
    """Return text as a basic string of TOML, in one line."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    shown = "".join(escapes.get(c) or (c if c.isprintable() else f"\\U{ord(c):08X}") for c in text)
    return f'"{shown}"'


# files


ORIGINAL = Path("dibas.conf")
"""The configuration of the original, an INI file."""
MIGRATE = "player migrate"
"""The command that makes ours of it."""


def absolute(path: Path) -> Path:
    """Return a path that other programs find from wherever they are; without `..`, which links make
    ambiguous."""
    return path.resolve() if ".." in path.parts else path.absolute()


def config_path(given: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Return the file or directory of the configuration: what is given, else $DIBAS_CONFIG, else
    below $DIBAS_DIR.

    None if nothing says where. An installation may have `etc/config/dibas.toml`, or the directory
    `dibas.d` alone.
    """
    if given is not None:
        return given
    if text := environment.get("DIBAS_CONFIG"):
        return Path(text)
    if text := environment.get("DIBAS_DIR"):
        main = Path(text) / "etc" / "config" / "dibas.toml"
        return beside(main) if not main.exists() and beside(main).is_dir() else main
    return None


def beside(main: Path) -> Path:
    """Return the directory whose files are merged into a file: `dibas.d` for `dibas.toml`."""
    return main.with_suffix(".d")


def config_files(path: Path) -> list[Path]:
    """Return the files to merge, in order: the `*.toml` of a directory by name, or a file and those
    of its `.d`.

    Raises:
        FilesError: A directory cannot be listed, or has no such file.
    """
    directory = path if path.is_dir() else beside(path)
    found: list[Path] = []
    if directory.is_dir():
        try:
            found = sorted(
                one
                for one in directory.iterdir()
                if one.suffix == ".toml" and not one.name.startswith(".")
            )
        except OSError as error:
            raise FilesError(
                [Fault(directory, None, "", f"cannot be listed: {error.strerror}")]
            ) from error
    if path.is_dir():
        if not found:
            text = f"a directory without any *.toml; expected at least one{_migration(path)}"
            raise FilesError([Fault(path, None, "", text)])
        return found
    return [path, *found]


def config_text(path: Path) -> str:
    """Return the text of one file.

    Raises:
        FilesError: It cannot be read, is not text in UTF-8, or is far too large.
    """
    try:
        is_other = path.exists() and not path.is_file()
        if is_other or (path.is_file() and path.stat().st_size > MAX_BYTES):
            # /dev/zero has no end, and nobody writes to a FIFO
            what = f"a regular file of up to {MAX_BYTES >> 20} MiB"
            raise FilesError([Fault(path, None, "", f"cannot be read: expected {what}")])
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name with NUL
        text = f"cannot be read: {error.strerror if isinstance(error, OSError) else error}"
        if isinstance(error, FileNotFoundError):
            text += _migration(path)
        raise FilesError([Fault(path, None, "", text)]) from error
    for mark, name in (
        (codecs.BOM_UTF8, "UTF-8"),
        (codecs.BOM_UTF16_LE, "UTF-16"),
        (codecs.BOM_UTF16_BE, "UTF-16"),
    ):
        if data.startswith(mark):
            text = f"begins with a byte order mark of {name}; save it as UTF-8 without one{_migration(path)}"
            raise FilesError([Fault(path, 1, "", text)])
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        text = f"not UTF-8 text: found byte 0x{data[error.start]:02X}; save the file as UTF-8{_migration(path)}"
        raise FilesError([Fault(path, line, "", text)]) from error


def _migration(path: Path) -> str:
    """Say how the original's file becomes ours, where it is in the place of a file or directory;
    empty elsewhere."""
    folder = path if path.is_dir() else path.parent
    old = path if path.suffix == ORIGINAL.suffix else folder / ORIGINAL
    new = path if path.suffix == ".toml" else old.with_suffix(".toml")
    if not old.is_file() or new.exists():
        return ""
    return f"; {old} is the original's file: {MIGRATE} {shlex.quote(str(old))} -o {shlex.quote(str(new))}"


def toml_fault(path: Path, text: str, error: ValueError | RecursionError) -> Fault:
    """Return the fault for what a TOML parser raised; `text` is the document."""
    if isinstance(error, RecursionError):
        return Fault(
            path, None, "", f"lists or tables are nested too deeply; expected at most {MAX_DEPTH}"
        )
    message = str(error)
    line = None
    if match := _POSITION.search(message):
        message = message[: match.start()]
        line = int(match["line"]) if match["line"] else text.rstrip("\n").count("\n") + 1
    return Fault(path, line, "", f"not TOML: {message[:1].lower()}{message[1:]}{_migration(path)}")


def check_depth(tables: object) -> None:
    """Raise RecursionError for a document that nobody can mean, before anything walks through
    it."""
    level = [tables]
    for _ in range(MAX_DEPTH):
        level = [one for value in level for one in _inner(value)]
        if not level:
            return
    raise RecursionError


def _inner(value: object) -> list[object]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [one for one in values if isinstance(one, dict | list)]


def read_tables(
    path: Path, environment: Mapping[str, str], wanted: Iterable[KeyPath]
) -> JsonObject:
    """Return the tables of a configuration, merged, with variables replaced where they are wanted.
    Reads TOML 1.0.

    Args:
        path: File or directory.
        environment: Of `${VAR}`.
        wanted: Keys whose variables are replaced, with all below them; `*` stands for any name.
            Everything else stays as it is written: its variables may be set on other hosts only.

    Raises:
        FilesError: With every fault.
    """
    faults: list[Fault] = []
    contents: list[tuple[Path, JsonObject]] = []
    for file in config_files(path):
        try:
            text = config_text(file)
            content = tomllib.loads(text)
            check_depth(content)
        except FilesError as error:
            faults += error.faults
        except (ValueError, RecursionError) as error:
            faults.append(toml_fault(file, text, error))
        else:
            contents.append((file, content))
    if faults:
        raise FilesError(faults)
    tables: JsonObject = {}
    for _, content in contents:
        tables = merged(tables, content)
    patterns = list(wanted)
    found = substitute(
        tables, environment, lambda key: any(_matches(key, pattern) for pattern in patterns)
    )
    for key, texts in found.faults.items():
        home = next(file for file, content in reversed(contents) if has_key(content, key))
        faults += [Fault(home, None, dotted(key), one) for one in texts]
    if faults:
        raise FilesError(faults)
    return found.value


def table_of(tables: JsonObject, name: str) -> JsonObject:
    """Return the table of a name; one without keys if there is none, or something else."""
    found = tables.get(name)
    return found if isinstance(found, dict) else {}


def _matches(key: KeyPath, pattern: KeyPath) -> bool:
    return len(key) >= len(pattern) and all(
        want in ("*", part) for part, want in zip(key, pattern, strict=False)
    )


def has_key(value: object, key: KeyPath) -> bool:
    """Tell whether a value has a key, at whatever depth."""
    for part in key:
        if isinstance(value, list):
            value = dict(enumerate(value))
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True


def merged(base: Mapping[str, object], over: Mapping[str, object]) -> JsonObject:
    """Return two tables as one: tables of both are merged key by key, of anything else the later
    one stays."""
    result = dict(base)
    for key, value in over.items():
        present = result.get(key)
        if isinstance(present, Mapping) and isinstance(value, Mapping):
            value = merged(present, value)
        result[key] = value
    return result


# variables


@dataclass(frozen=True, slots=True)
class Substitution:
    """A value with its variables replaced.

    Attributes:
        value: With the variables replaced.
        used: Which variables each text named.
        faults: What is wrong with a text, which stays as it was.
    """

    value: JsonObject
    used: Mapping[KeyPath, tuple[str, ...]] = field(default_factory=dict)
    faults: Mapping[KeyPath, tuple[str, ...]] = field(default_factory=dict)


def _texts(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str) and "${" in value:
        yield path, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _texts(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _texts(one, (*path, index))


def substitute(
    value: JsonObject,
    environment: Mapping[str, str],
    wanted: Callable[[KeyPath], bool] = lambda _key: True,
) -> Substitution:
    """Replace `${NAME}` and `${NAME:-default}` in all texts of a value; `$${` is `${` itself. Keys
    stay as they are.

    As in a shell, the default stands for a variable that is not set, and for an empty one. What a
    variable holds is not looked at again. Texts that are not `wanted` stay as they are.
    """
    new: dict[KeyPath, str] = {}
    used: dict[KeyPath, tuple[str, ...]] = {}
    faults: dict[KeyPath, tuple[str, ...]] = {}
    for path, text in _texts(value, ()):
        if not wanted(path):
            continue
        names: list[str] = []
        missing: list[str] = []

        def replaced(
            match: re.Match[str], names: list[str] = names, missing: list[str] = missing
        ) -> str:
            if match["escaped"]:
                return "${"
            if match["bad"] is not None:
                missing.append(f"{match[0]} is no variable; write {FORMS}")
                return match[0]
            name, default = match["name"], match["default"]
            names.append(name)
            found = environment.get(name)
            if default is not None:
                return found or default
            if found is None:
                missing.append(
                    f"the variable {name} is not set; set it, or write ${{{name}:-default}}"
                )
                return match[0]
            return found

        new[path] = _REFERENCE.sub(replaced, text)
        if names:
            used[path] = tuple(names)
        if missing:
            faults[path] = tuple(dict.fromkeys(missing))
    return Substitution({key: _with(one, new, (key,)) for key, one in value.items()}, used, faults)


def _with(value: object, new: Mapping[KeyPath, str], path: KeyPath) -> object:
    if isinstance(value, dict):
        return {key: _with(one, new, (*path, key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_with(one, new, (*path, index)) for index, one in enumerate(value)]
    return new.get(path, value)
