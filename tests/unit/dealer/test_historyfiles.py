"""Files of histories: comma-separated values, and Parquet where its extra is installed."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from dealer.errors import DealerError
from dealer.historyfiles import write_csv, write_parquet

VALUES = [1.5, 7, True, None, "M1", 'two\nlines, "quoted"', "=HYPERLINK()", 2**53 + 1]


def told() -> list[tuple[str, dict[str, Any]]]:
    return [
        ("BANKA", {"time": 1e9 + at, "number": at, "key": "x", "value": value, "unit": "V"})
        for at, value in enumerate(VALUES)
    ]


def test_values_come_back_from_comma_separated_ones() -> None:
    file = io.StringIO()
    write_csv(file, told())
    head, *rows = csv.reader(io.StringIO(file.getvalue()))
    assert head == ["time", "bank", "number", "key", "value", "unit"]
    assert [json.loads(row[4]) for row in rows] == VALUES
    assert rows[0] == ["2001-09-09 01:46:40.000", "BANKA", "0", "x", "1.5", "V"]
    assert not any(cell[:1] in ("=", "+", "@") for row in rows for cell in row)


def test_parquet_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(DealerError, match=r"duckdb is not installed.*dealer-player\[archive\]"):
        write_parquet(tmp_path / "x.parquet", told())


def test_values_come_back_from_parquet(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the extra `archive` is not installed")
    path = tmp_path / "it's.parquet"
    write_parquet(path, [*told(), ("BANKB", told()[0][1] | {"value": math.nan})])
    rows = duckdb.read_parquet(str(path)).order("bank, number").fetchall()
    numbers, texts = [row[4] for row in rows], [row[5] for row in rows]
    assert numbers[:2] == [1.5, 7.0]
    assert math.isnan(numbers[-1])
    assert texts[2:7] == ["True", None, *VALUES[4:7]]
    assert [row[0].isoformat() for row in rows][:1] == ["2001-09-09T01:46:40"]
    with pytest.raises(DealerError, match="cannot be written"):
        write_parquet(tmp_path / "none" / "x.parquet", told())
