"""Python prompts of commands: completion of what remote objects have, refusals in their own words.

IPython where it is installed, else the standard console. What completion looks at is never called.
"""

from __future__ import annotations

import code
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

__all__ = ["Explain", "completions", "run_prompt"]

Explain = Callable[[BaseException | None], str | None]
"""Returns what is shown of an error that explains itself; None: its traceback is shown."""

DELIMITERS = " \t\n`~!@#$%^&*()-=+{}\\|;:<>/?,"
"""Between what is completed; Python's own, without those of `d["BANKA"].`"""
_NAME = r"[^\W\d]\w*"
_KEY = r"\[(?:\"[^\"\[\]]*\"|'[^'\[\]]*')\]"
PATH = re.compile(rf"(?<![\w.\]\)\"']){_NAME}(?:\.{_NAME}|{_KEY})*$")
STEP = re.compile(rf"\.?({_NAME})|\[[\"']([^\"'\[\]]*)[\"']\]")
KEYWORDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def completions(text: str, names: Mapping[str, Any]) -> tuple[str, list[str]] | None:
    """Return how a line may go on: the beginning of a word, and the words that it may become.

    Known are items of objects that tell their keys (`d["BAN`), attributes behind them
    (`d["BANKA"].get_`), and the parameters of a call (`d.set_param(exp`).

    Args:
        text: The line as far as the cursor.
        names: Of the prompt.

    Returns:
        None: the text is no such thing, and Python's own completion may know.
    """
    quote, opening = _open_at_end(text)
    if quote >= 0:
        return _keys(text[:quote], text[quote], text[quote + 1 :], names)
    word = re.search(r"\w*$", text)
    assert word is not None
    before = text[: word.start()]
    if before.endswith("."):
        path = PATH.search(before[:-1])
        if path is None or "[" not in path[0]:
            return None
        return word[0], _attributes(_resolve(path[0], names), word[0])
    if opening < 0 or not re.search(r"[(,]\s*$", before[opening:]):
        return None
    path = PATH.search(text[:opening])
    found = (
        []
        if path is None
        else [f"{name}=" for name in _parameters(path[0], names) if name.startswith(word[0])]
    )
    if not word[0]:
        found = [name for name in found if not name.startswith("_")]
    given = set(re.findall(rf"({_NAME})\s*=(?!=)", text[opening:]))
    found = [name for name in found if name[:-1] not in given]
    return (word[0], found) if found else None


def _open_at_end(text: str) -> tuple[int, int]:
    """Return where a string that is not closed begins, and the innermost call that is not; -1:
    there is none."""
    quote, opened = -1, []
    for at, character in enumerate(text):
        if quote >= 0:
            quote = -1 if character == text[quote] else quote
        elif character in "\"'":
            quote = at
        elif character in "([{":
            opened.append(at)
        elif character in ")]}" and opened:
            opened.pop()
    opening = opened[-1] if opened and text[opened[-1]] == "(" else -1
    return quote, opening


def _keys(
    before: str, quote: str, begun: str, names: Mapping[str, Any]
) -> tuple[str, list[str]] | None:
    path = PATH.search(before[:-1]) if before.endswith("[") else None
    tell = (
        None
        if path is None
        else getattr(_resolve(path[0], names), "_ipython_key_completions_", None)
    )
    if tell is None:
        return None
    return begun, [f"{key}{quote}]" for key in tell() if key.startswith(begun)]


def _resolve(path: str, names: Mapping[str, Any]) -> Any:
    """Return what a path of names and keys stands for, without a call; None: nothing that may be
    looked at."""
    found: Any = names
    for name, key in STEP.findall(path):
        if found is names:
            found = names.get(name)
        elif name:
            try:
                found = getattr(found, name)
            except Exception:  # a Player that is away, an attribute that is none
                return None
        elif hasattr(
            type(found), "_ipython_key_completions_"
        ):  # others may do anything when they are asked for a key
            try:
                found = found[key]
            except Exception:
                return None
        else:
            return None
    return found


def _attributes(found: Any, begun: str) -> list[str]:
    if found is None:
        return []
    names = [
        name
        for name in dir(found)
        if name.startswith(begun) and (begun or not name.startswith("_"))
    ]
    return [f"{name}(" if callable(getattr(found, name, None)) else name for name in names]


def _parameters(path: str, names: Mapping[str, Any]) -> list[str]:
    """Return the names of a callable's parameters; what takes any keyword may tell more
    (`_keywords_of`)."""
    owner, dot, method = path.rpartition(".")
    found = _resolve(path, names)
    if not callable(found):
        return []
    try:
        known = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return []
    parameters = [each.name for each in known if each.kind in KEYWORDS]
    tell = getattr(_resolve(owner, names), "_keywords_of", None) if dot else None
    if tell is not None and any(each.kind is inspect.Parameter.VAR_KEYWORD for each in known):
        with suppress(Exception):
            parameters += tell(method)
    return list(dict.fromkeys(parameters))


def run_prompt(names: Mapping[str, Any], banner: str, explain: Explain) -> None:
    """Read and carry out lines until the end of input.

    Args:
        names: Those of the prompt.
        banner: What is told before the first one.
        explain: What is shown of an error instead of its traceback.
    """
    if sys.stdin.isatty() and importlib.util.find_spec("IPython") is not None:
        _ipython(names, banner, explain)
    else:
        _console(names, banner, explain)


def _ipython(names: Mapping[str, Any], banner: str, explain: Explain) -> None:
    config = importlib.import_module("traitlets.config").Config()
    config.TerminalInteractiveShell.banner2 = f"{banner}\n"
    config.TerminalInteractiveShell.confirm_exit = False  # Ctrl-D ends, as the banner says
    app = importlib.import_module("IPython.terminal.ipapp").TerminalIPythonApp.instance(
        config=config
    )
    app.user_ns = dict(names)
    app.initialize(argv=[])

    def show(
        shell: Any, kind: Any, error: BaseException, trace: Any, tb_offset: int | None = None
    ) -> None:
        text = explain(error)
        if text is None:
            shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        else:
            print(text, file=sys.stderr)

    app.shell.set_custom_exc((Exception, KeyboardInterrupt), show)
    with suppress(
        ImportError, AttributeError
    ):  # an IPython of before 2023: it has its own completion
        completer = importlib.import_module("IPython.core.completer")
        app.shell.Completer.custom_matchers.append(_matcher(completer, app.shell.user_ns))
    app.start()


def _matcher(completer: Any, names: Mapping[str, Any]) -> Any:
    """Return what IPython asks for completions besides its own."""

    @completer.context_matcher(identifier="remote objects")  # type: ignore[untyped-decorator]  # IPython's
    def match(context: Any) -> Any:
        begun, words = completions(context.text_until_cursor.rpartition("\n")[2], names) or ("", [])
        found = [
            completer.SimpleCompletion(word.removesuffix("("), type="function") for word in words
        ]
        return {"completions": found, "matched_fragment": begun}

    return match


def _console(names: Mapping[str, Any], banner: str, explain: Explain) -> None:
    namespace = {**names, "__name__": "__console__", "__doc__": None}
    if sys.stdin.isatty():
        try:
            import readline
            import rlcompleter
        except ImportError:
            banner += "\n(This Python has no readline: no completion.)"
        else:
            names_of_python = rlcompleter.Completer(namespace).complete

            def complete(text: str, state: int) -> str | None:
                line = readline.get_line_buffer()[: readline.get_endidx()]
                found = completions(line, namespace)
                if found is None:
                    return names_of_python(text, state)
                begun, words = found
                stem = text.removesuffix(begun)
                return f"{stem}{words[state]}" if state < len(words) else None

            readline.set_completer(complete)
            readline.set_completer_delims(DELIMITERS)
            readline.parse_and_bind("tab: complete")
    _Console(namespace, explain).interact(banner=banner, exitmsg="")


class _Console(code.InteractiveConsole):
    def __init__(self, names: dict[str, Any], explain: Explain) -> None:
        super().__init__(names)
        self._explain = explain

    def showtraceback(self) -> None:
        """Show a refusal in its own words only: the lines of our code explain nothing to an
        observer."""
        text = self._explain(sys.exc_info()[1])
        if text is None:
            super().showtraceback()
        else:
            self.write(f"{text}\n")
