"""The JSON Schema of the configuration file, made from the models, for editors and other programs.

It says what a single table may hold. What `player check` finds between tables, a schema cannot say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from player.kinds import BUILT_IN_ENDPOINTS, find_endpoint, find_kind
from player.tables import (
    DEFAULT_KIND,
    BankConfig,
    DashboardConfig,
    DealerConfig,
    HostConfig,
    InstrumentConfig,
)

__all__ = ["SCHEMA_FILE", "file_schema"]

SCHEMA_FILE = "conf/schema/dibas.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = {"type": "string", "pattern": r"\$\{"}
_LIMITS = {"enum", "const", "pattern", "minLength", "maxLength", "format"}


def file_schema(kinds: Iterable[str]) -> dict[str, Any]:
    """Return the schema of a file whose Banks are of these kinds; a Bank of another kind may have
    any further keys.

    Raises:
        KindError: A kind cannot be loaded.
    """
    classes = {kind: find_kind(kind) for kind in kinds}
    types: dict[str, Any] = {
        "instrument": InstrumentConfig,
        "dealer": DealerConfig,
        "dashboard": DashboardConfig,
        "hosts": dict[str, HostConfig],
    }
    for bank_class in classes.values():
        types |= bank_class.instrument_sections()
    banks = {kind: bank_class.config_model() for kind, bank_class in classes.items()}
    named = [(name, "validation", TypeAdapter(target)) for name, target in types.items()]
    named += [(f"banks {kind}", "validation", TypeAdapter(model)) for kind, model in banks.items()]
    named.append(("banks", "validation", TypeAdapter(BankConfig)))
    named += [
        (f"endpoints {name}", "validation", TypeAdapter(find_endpoint(name).config_model()))
        for name in BUILT_IN_ENDPOINTS
    ]
    found, common = TypeAdapter.json_schemas(named, ref_template="#/$defs/{model}")  # type: ignore[arg-type] # str keys
    parts = {name: schema for (name, _), schema in found.items()}
    endpoints = {name: _unless_of_a_kind(parts[f"endpoints {name}"]) for name in BUILT_IN_ENDPOINTS}
    for model in common.get("$defs", {}).values():
        if "endpoints" in model.get("properties", {}):
            model["properties"]["endpoints"]["properties"] = endpoints
    schema = {
        "$schema": DIALECT,
        "title": "Configuration of an array of Players, dibas.toml",
        "type": "object",
        "required": ["banks"],
        "additionalProperties": False,
        "properties": {
            **{name: parts[name] for name in types},
            "banks": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": "^[A-Z][A-Z0-9_]*$"},
                "additionalProperties": _any_bank(parts, list(classes)),
            },
        },
        "$defs": common.get("$defs", {}),
    }
    return dict(_finished(schema))


def _any_bank(parts: dict[str, Any], kinds: list[str]) -> dict[str, Any]:
    """The schema of a Bank, by its kind; without the key it is of the default kind."""
    choices: list[dict[str, Any]] = []
    for kind in kinds:
        required = [] if kind == DEFAULT_KIND else ["kind"]
        condition = {"properties": {"kind": {"const": kind}}, "required": required}
        choices.append({"if": condition, "then": parts[f"banks {kind}"]})
    other = {"properties": {"kind": {"not": {"enum": kinds}}}, "required": ["kind"]}
    base = {"type": "object", "required": ["hpc_host"], "properties": {"kind": {"type": "string"}}}
    return {"allOf": [base, *choices, {"if": other, "then": {"additionalProperties": True}}]}


def _unless_of_a_kind(part: dict[str, Any]) -> dict[str, Any]:
    """The schema of a built-in endpoint's table, which may name another kind."""
    return {"type": "object", "if": {"not": {"required": ["kind"]}}, "then": part}


def _finished(schema: Any, place: str = "") -> Any:
    """A schema as a TOML file needs it: there is no null, and a text that names a variable may
    become any other."""
    if isinstance(schema, list):
        return [_finished(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if place in ("properties", "$defs"):  # names of keys, not words of the schema
        return {name: _finished(one) for name, one in schema.items()}
    if place in ("if", "enum", "const", "default", "propertyNames"):
        return schema
    result = {
        word: _finished(one, word)
        for word, one in schema.items()
        if not (word == "default" and one is None)
    }
    if "anyOf" in result:
        result["anyOf"] = [one for one in result["anyOf"] if one != {"type": "null"}]
        if len(result["anyOf"]) == 1:
            result |= result.pop("anyOf")[0]
    if result.get("type") == "string" and _LIMITS & set(result):
        about = {
            word: result.pop(word) for word in ("title", "description", "default") if word in result
        }
        result = {**about, "anyOf": [result, _VARIABLE]}
    return result
