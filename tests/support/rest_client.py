"""Requests to a histogrammer's REST interface without a socket; each answer is held against the
description of its request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt
from jsonschema import Draft202012Validator

from histogrammer.display.protocol.directory import MirrorEntry
from histogrammer.engine import Engine
from histogrammer.events.blocks import EventBlock
from histogrammer.flavors import FLAVORS, RUSTOGRAMER, Flavor
from histogrammer.rest.answering import Answer, Answerer
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.document import describe
from histogrammer.service import Histogrammer, HistogrammerSettings

__all__ = ["RestClient", "rest_client", "schema_errors"]

FOLDER = "/opt/bin"


@cache
def _document(flavor: str) -> dict[str, Any]:
    return describe("test", "1", FLAVORS[flavor])


@cache
def _validator(flavor: str, request: str, code: str) -> Draft202012Validator:
    response = _document(flavor)["paths"][f"/spectcl/{request}"]["get"]["responses"][code]
    schema = response["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": _document(flavor)["components"]})


def schema_errors(request: str, code: int, body: Any, flavor: str = RUSTOGRAMER.name) -> list[str]:
    """Return where an answer is not as the OpenAPI document has it."""
    validator = _validator(flavor, request, str(code))
    return [error.message for error in validator.iter_errors(body)]


class RestClient:
    """Asks requests of one histogrammer.

    Attributes:
        engine: Its engine, for a look inside while nothing is asked.
        mirrors: Those that it is told of.
    """

    def __init__(self, program: Program, engine: Engine, runner: asyncio.Runner) -> None:
        self.program, self.engine, self._runner = program, engine, runner
        self._answerer = Answerer(program)

    def unchecked(self, request: str, query: bytes) -> Answer:
        """Return the answer to a query as bytes, whatever it is."""
        return self._runner.run(self._asked(request, query))

    async def _asked(self, request: str, query: bytes) -> Answer:
        async with self._answerer.answering(request, query, "application/json") as answer:
            body = answer.body
            return answer if isinstance(body, bytes) else replace(answer, body=b"".join(body))

    def picture(self, query: bytes) -> Answer:
        """Return the answer to a request for a picture."""
        return self._runner.run(self._answerer.picture(query, "application/json"))

    def raw(self, request: str, query: bytes) -> Answer:
        """Return the answer to a query as bytes."""
        answer = self.unchecked(request, query)
        errors = schema_errors(
            request, answer.status, json.loads(answer.body), self.program.flavor.name
        )
        assert not errors, (request, query, answer.body, errors)
        return answer

    def __call__(self, request: str, /, **query: Any) -> tuple[str, Any]:
        """Return status and detail."""
        answer = self.raw(request, urlencode(query, doseq=True).encode())
        assert answer.status == 200, answer.body
        told = json.loads(answer.body)
        return told["status"], told["detail"]

    def ok(self, request: str, /, **query: Any) -> Any:
        """Return the detail of a success."""
        status, detail = self(request, **query)
        assert status == "OK", (request, query, status, detail)
        return detail

    def fill(
        self, events: Sequence[Mapping[str, float]], dtype: npt.DTypeLike = np.float64
    ) -> None:
        """Fill spectra from events, in the engine's thread."""
        block = EventBlock.of(events, dtype)
        self.program.worker.ask(lambda engine: engine.fill(block))

    def book(self, name: str, kind: str, parameters: str, *axes: str) -> None:
        """Book a spectrum."""
        found = {"name": name, "type": kind, "parameters": parameters}
        self.ok("spectrum/create", **found, axes=" ".join(f"{{{axis}}}" for axis in axes))


@contextmanager
def rest_client(
    folder: Path, megabytes: int | None = 1, flavor: Flavor = RUSTOGRAMER
) -> Iterator[RestClient]:
    """Make a histogrammer whose files are in a folder, with parameters a, b, c and d.

    Args:
        folder: Of files, and of the display memory.
        megabytes: Of the display memory; None: there is none.
        flavor: Program whose rules hold.
    """
    settings = HistogrammerSettings(
        home=None if megabytes is None else folder,
        shm_mbytes=megabytes or 1,
        roots=[folder],
        threads=1,
        spectra_bytes=1 << 26,
        flavor=flavor,
    )
    with Histogrammer(settings) as histogrammer, asyncio.Runner() as runner:
        program = Program(
            worker=histogrammer.worker,
            analyzer=histogrammer.analyzer,
            roots=histogrammer.roots,
            folder=FOLDER,
            flavor=flavor,
            end=lambda: None,
            mirrors=lambda: [MirrorEntry("hpc1", "file:/x"), MirrorEntry("h", "")],
        )
        client = RestClient(program, program.worker.ask(lambda engine: engine), runner)
        for name in "abcd":
            program.worker.ask(lambda engine, name=name: engine.create_parameter(name))  # type: ignore[misc]
        yield client
