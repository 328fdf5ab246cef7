"""Files of a history: comma-separated values, Parquet. Asks nobody."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from dealer.errors import DealerError
from dealer.timearguments import utc_text
from groundwork.extras import install_advice

__all__ = ["write_csv", "write_parquet"]

HEAD = ("time", "bank", "number", "key", "value", "unit")
_COLUMNS = "time TIMESTAMP, bank VARCHAR, number BIGINT, key VARCHAR, value DOUBLE, text VARCHAR, unit VARCHAR"


def write_csv(file: TextIO, told: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Write points: time (UTC), Bank, number, key, value as JSON, unit."""
    writer = csv.writer(file)
    writer.writerow(HEAD)
    for bank, point in told:
        value = json.dumps(point["value"], ensure_ascii=False)
        cells = bank, point["number"], point["key"], value, point["unit"]
        writer.writerow((utc_text(point["time"]), *map(_harmless, cells)))


def _harmless(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "@") else cell


def write_parquet(path: Path, told: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Write points into a Parquet file: numbers as `value`, all else as `text`.

    Raises:
        DealerError: The extra is not installed, or the file cannot be written.
    """
    try:
        duckdb = importlib.import_module("duckdb")
    except ImportError as error:
        raise DealerError(install_advice("duckdb")) from error
    with TemporaryDirectory(prefix="dealer-history-") as folder:
        rows = Path(folder, "points.csv")
        with rows.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            for bank, point in told:
                writer.writerow((utc_text(point["time"]), bank, *_cells(point)))
        source = f"read_csv('{rows}', header = false, columns = {_columns()}, nullstr = '\\N')"
        target = str(path).replace("'", "''")
        try:
            duckdb.sql(f"COPY (SELECT * FROM {source}) TO '{target}' (FORMAT parquet)")
        except (duckdb.Error, OSError) as error:
            raise DealerError(f"{path} cannot be written: {error}") from error


def _cells(point: Mapping[str, Any]) -> tuple[Any, ...]:
    value = point["value"]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    number = value if is_number else "\\N"
    text = "\\N" if is_number or value is None else value if isinstance(value, str) else str(value)
    return point["number"], point["key"], number, text, point["unit"]


def _columns() -> str:
    pairs = (column.split() for column in _COLUMNS.split(", "))
    return "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in pairs) + "}"
