"""Parts of the site that come from the code itself: pages of commands from their parsers, tables of keys
from the models."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from commandline import parsers_of
from zmqjsonproxy.parameters import summary

USAGE_COLUMNS = "88"
_CODE = re.compile(r"(``.+?``|`.+?`)")


class Generated(SphinxDirective):
    """A directive whose content is MyST text that `text` makes of its one argument."""

    required_arguments = 1

    @abstractmethod
    def text(self, name: str) -> str:
        """Return MyST text; headings begin at level 2."""

    def run(self) -> list[nodes.Node]:
        """Parse the text as if it stood here, headings and all."""
        lines = StringList(self.text(self.arguments[0]).splitlines(), source=self.arguments[0])
        container = nodes.Element()
        self.state.nested_parse(lines, self.content_offset, container, match_titles=True)
        return container.children


class Commands(Generated):
    """`{commands} player.cli`: every parser that the module builds, with the sub-commands of
    each; of a module of a kind its command of `player`."""

    def text(self, name: str) -> str:
        os.environ["COLUMNS"] = USAGE_COLUMNS
        module = importlib.import_module(name)
        brought = getattr(module, "COMMAND", None)
        parsers = [brought.build_parser("player")] if brought else parsers_of(module)
        return "\n".join(line for parser in parsers for line in parser_lines(parser))


def parser_lines(parser: argparse.ArgumentParser) -> Iterator[str]:
    """MyST lines of a parser and its sub-commands."""
    yield from (f"## `{parser.prog}`", "", escaped(parser.description or ""), "", "```text")
    yield from parser.format_usage().removeprefix("usage: ").splitlines()
    yield from ("```", "")
    nested: dict[str, argparse.ArgumentParser] = {}
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            nested.update(action.choices)
            for (
                choice
            ) in action._choices_actions:  # what a sub-command says of itself in the list of all
                child = action.choices[choice.dest]
                child.description = child.description or choice.help
        elif action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction):
            text = parser._get_formatter()._expand_help(action) if action.help else ""
            rows.append(f"| `{called(action)}` | {escaped(text)} |")
    if rows:
        yield from ("| argument | meaning |", "|---|---|", *rows, "")
    if parser.epilog:
        yield from (escaped(parser.epilog), "")
    for child in nested.values():
        yield from parser_lines(child)


def called(action: argparse.Action) -> str:
    """An argument as it is written: `--config FILE`."""
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None:
        metavar = "{" + ",".join(str(choice) for choice in action.choices) + "}"
    names = ", ".join(action.option_strings)
    if not names:
        return metavar.replace("|", "\\|")
    return names if action.nargs == 0 else f"{names} {metavar}".replace("|", "\\|")


def escaped(text: str) -> str:
    """Plain text as MyST; what stands between backticks stays code."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(
        part if n % 2 else re.sub(r"([*_<>\[\]{}$|\\])", r"\\\1", part)
        for n, part in enumerate(parts)
    )


class Models(Generated):
    """`{models} module:Class Title`: the keys of a table of the configuration, from the pydantic
    model."""

    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def text(self, name: str) -> str:
        module, _, cls = name.partition(":")
        model = getattr(importlib.import_module(module), cls)
        schema = model.model_json_schema()
        lines = [f"## {self.arguments[1]}" if len(self.arguments) > 1 else f"## `{cls}`", ""]
        lines += [escaped(summary(model.__doc__)), ""]
        lines += ["| key | type and range | default |", "|---|---|---|"]
        required = schema.get("required", [])
        for key, value in schema.get("properties", {}).items():
            default = (
                "required"
                if key in required
                else written(value["default"])
                if "default" in value
                else "-"
            )
            lines.append(f"| `{key}` | {kind_of(value)} | {default} |")
        return "\n".join(lines)


def written(default: Any) -> str:
    """A default as TOML has it; a table as `{ key = value }`, without what is none."""
    if default is None:
        return "none"
    return f"`{_toml(default)}`"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items() if one is not None)
            + " }"
        )
    return json.dumps(value)


def kind_of(value: dict[str, Any]) -> str:
    """The type and range of a JSON Schema in words."""
    if "$ref" in value:
        return "table `" + str(value["$ref"]).rpartition("/")[2] + "`"
    for union in ("anyOf", "oneOf", "allOf"):
        if union in value:
            return " or ".join(kind_of(one) for one in value[union] if one.get("type") != "null")
    if "enum" in value:
        return ", ".join(f"`{json.dumps(choice)}`" for choice in value["enum"])
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    kind = str(value.get("type", "any"))
    if kind == "array" and isinstance(value.get("items"), dict):
        kind = f"list of {kind_of(value['items'])}"
    if kind == "object" and isinstance(value.get("additionalProperties"), dict):
        kind = f"table of {kind_of(value['additionalProperties'])}"
    words = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "over",
        "exclusiveMaximum": "under",
    }
    limits = [f"{word} {value[key]:.12g}" for key, word in words.items() if key in value]
    if "pattern" in value:
        limits.append("matching `" + str(value["pattern"]).replace("|", "\\|") + "`")
    return ", ".join([kind, *limits])


def plain_stars(
    _app: Sphinx, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]
) -> None:
    """Keep `*`, `|` and a trailing `_` of docstrings from being read as reST; they are prose with
    code in backticks."""
    for index, line in enumerate(lines):
        parts = _CODE.split(line)
        lines[index] = "".join(
            part if n % 2 else re.sub(r"([*|])", r"\\\1", re.sub(r"(\w)_(?=\W|$)", r"\1\\_", part))
            for n, part in enumerate(parts)
        )


def elsewhere(
    app: Sphinx, what: str, _name: str, obj: Any, _skip: bool, _options: Any
) -> bool | None:
    """Leave out what a package passes on from another one: it is described there."""
    module = app.env.temp_data.get("autodoc:module")
    home = getattr(obj, "__module__", None)
    if (
        what == "module"
        and module
        and isinstance(home, str)
        and home.split(".")[0] != module.split(".")[0]
    ):
        return True
    return None


def load_late_names(_app: Sphinx) -> None:
    """Fetch what packages load only when it is asked for, so that autodoc sees it."""
    for package in ("dealer", "zmqjsonproxy", "player", "portmanager"):
        module = importlib.import_module(package)
        for name in module.__all__:
            getattr(module, name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx what there is."""
    app.add_directive("commands", Commands)
    app.add_directive("models", Models)
    app.connect(
        "autodoc-process-docstring", plain_stars, priority=400
    )  # before napoleon, which is at 500
    app.connect("builder-inited", load_late_names)
    app.connect("autodoc-skip-member", elsewhere)
    return {"parallel_read_safe": True}
