"""OpenAPI document of all requests, made of their table. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from histogrammer.flavors import RUSTOGRAMER, Flavor
from histogrammer.rest.protocol.answers import HttpErrorObject
from histogrammer.rest.protocol.paths import ROOT
from histogrammer.rest.protocol.routes import QueryParameter, Route, ValueType
from histogrammer.rest.protocol.spectclroutes import routes_of
from histogrammer.rest.protocol.stubs import STUBS, Stub

__all__ = ["describe"]

Schema = dict[str, Any]

_REFERENCES = "#/components/schemas/{model}"
_TYPES: dict[ValueType, Schema] = {
    ValueType.TEXT: {"type": "string"},
    ValueType.INTEGER: {"type": "integer", "format": "int64"},
    ValueType.UNSIGNED: {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
    ValueType.NUMBER: {"type": "number"},
    ValueType.TRUTH: {"type": "boolean"},
}


def describe(title: str, version: str, flavor: Flavor = RUSTOGRAMER) -> Schema:
    """Return the document.

    Args:
        title: Of the server.
        version: Of it.
        flavor: Program whose requests are answered.
    """
    routes = routes_of(flavor)
    adapters: dict[str, TypeAdapter[Any]] = {
        path: TypeAdapter[Any](route.detail)  # type: ignore[arg-type]  # any type
        for path, route in routes.items()
    }
    errors: TypeAdapter[Any] = TypeAdapter(HttpErrorObject)
    made, definitions = TypeAdapter.json_schemas(
        [(path, "serialization", adapter) for path, adapter in adapters.items()]
        + [("", "serialization", errors)],
        ref_template=_REFERENCES,
    )
    error = made["", "serialization"]
    paths = {
        f"/{ROOT}/{path}": {"get": _operation(route, made[path, "serialization"], error, flavor)}
        for path, route in routes.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": definitions["$defs"]},
    }


def _operation(route: Route, detail: Schema, error: Schema, flavor: Flavor) -> Schema:
    stub = None if flavor.carries_out_all else STUBS.get(route.path)
    answers = _failure(route, detail, flavor) if stub is None else _always(stub)
    responses: Schema = {
        "200": {
            "description": "An answer, also of what failed",
            "content": {"application/json": {"schema": answers}},
        },
        "422": {
            "description": "A parameter is missing or is no such value, or the query is no text",
            "content": {
                "application/json": {"schema": error},
                "text/html": {"schema": {"type": "string"}},
            },
        },
    }
    return {
        "operationId": route.path.replace("/", "_"),
        "summary": route.summary,
        "tags": [route.path.partition("/")[0]],
        "parameters": [_parameter(one) for one in route.parameters],
        "responses": responses,
    }


def _failure(route: Route, detail: Schema, flavor: Flavor) -> Schema:
    """Return the schema of an answer: of success, or of failure."""
    failed: list[Schema] = [detail, {"const": route.empty}]
    if flavor.missing_is_answered:
        failed.append({"type": "string"})  # name of what is missing
    return {
        "oneOf": [
            _answer({"const": "OK"}, detail),
            _answer({"type": "string", "not": {"const": "OK"}}, {"anyOf": failed}),
        ]
    }


def _always(stub: Stub) -> Schema:
    return _answer({"const": stub.status}, {"const": stub.answer["detail"]})


def _answer(status: Schema, detail: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"status": status, "detail": detail},
        "required": ["status", "detail"],
        "additionalProperties": False,
    }


def _parameter(parameter: QueryParameter) -> Schema:
    schema: Schema = dict(_TYPES[parameter.type])
    if parameter.default is not None:
        schema["default"] = parameter.default
    if parameter.need.is_repeatable:
        schema = {"type": "array", "items": schema}
        if parameter.need.is_required:
            schema["minItems"] = 1
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.need.is_required,
        "description": parameter.summary,
        "schema": schema,
    }
