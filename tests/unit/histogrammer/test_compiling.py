"""Compiled functions: loaded late, with a way without numba, and a cache that may be damaged."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from histogrammer import compiling
from histogrammer.compiledcache import CompiledCache, default_folder
from histogrammer.compiling import Compiled, compiled, compiled_or

STEP = np.uint32(3)


@compiled
def step(number: int) -> int:
    return number + STEP


def twice_by_numpy(number: int) -> int:
    return int(np.multiply(number, 2)) + 3


@compiled_or(twice_by_numpy)
def twice(number: int) -> int:
    return step(2 * number)


def fresh() -> Compiled[[int], int]:
    """The same function as a new process has it."""
    return Compiled(twice.function, twice_by_numpy)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path / "dealer-player"


def hits(function: Compiled[[int], int]) -> int:
    loaded: Any = function.loaded()
    counted: Counter[object] = loaded.stats.cache_hits
    return counted.total()


def the_file(folder: Path) -> Path:
    (found,) = folder.glob("*.twice-*")
    return found


def test_numba_is_not_loaded_before_something_is_filled() -> None:
    code = "import sys, histogrammer.filling; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_function_is_compiled_with_those_that_it_calls_and_kept(folder: Path) -> None:
    first, second = fresh(), fresh()
    assert (first(5), hits(first)) == (13, 0)
    assert (second(5), hits(second)) == (13, 1)


def test_a_function_has_its_other_way_where_numba_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiling, "has_numba", lambda: False)
    function = fresh()
    assert function(5) == 13
    assert function.loaded() is twice_by_numpy


def test_a_function_within_a_function_is_refused() -> None:
    number = 4
    with pytest.raises(TypeError, match="only functions of a module"):
        Compiled(lambda: number, lambda: number).fingerprint()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "one bit": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "zeros, after a power failure": lambda content: bytes(len(content)),
}


def test_a_damaged_file_is_thrown_away_and_made_again(folder: Path) -> None:
    assert fresh()(5) == 13
    path = the_file(folder)
    whole = path.read_bytes()
    path.write_bytes(DAMAGES["one bit"](whole))
    function = fresh()
    assert (function(5), hits(function)) == (13, 0)
    again = fresh()
    assert (again(5), hits(again)) == (13, 1)


@pytest.fixture(scope="module")
def overload(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Signature of a function that was compiled here, and what numba has of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CACHE_DIR", str(tmp_path_factory.mktemp("empty")))
        function: Any = fresh().loaded()
    function(5)
    ((signature, result),) = function.overloads.items()
    return signature, result


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_removed(damage: str, overload: tuple[Any, Any], tmp_path: Path) -> None:
    signature, result = overload
    cache = CompiledCache(tmp_path, "m.twice", "1")
    cache.save_overload(signature, result)
    assert cache.load_overload(signature, result.target_context) is not None
    path = the_file(tmp_path)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert cache.load_overload(signature, result.target_context) is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_function_or_version_is_not_taken(
    overload: tuple[Any, Any], tmp_path: Path
) -> None:
    signature, result = overload
    CompiledCache(tmp_path, "m.twice", "1").save_overload(signature, result)
    newer = CompiledCache(tmp_path, "m.twice", "2")
    assert newer.load_overload(signature, result.target_context) is None
    old = the_file(tmp_path)
    newer.save_overload(signature, result)
    (new,) = set(tmp_path.iterdir()) - {old}
    new.write_bytes(old.read_bytes())  # under the name of the newer one
    assert newer.load_overload(signature, result.target_context) is None


def test_a_file_that_others_may_write_is_not_trusted(
    overload: tuple[Any, Any], tmp_path: Path
) -> None:
    signature, result = overload
    cache = CompiledCache(tmp_path, "m.twice", "1")
    cache.save_overload(signature, result)
    the_file(tmp_path).chmod(0o666)
    assert cache.load_overload(signature, result.target_context) is None


def test_a_place_where_nothing_can_be_written_is_borne(
    overload: tuple[Any, Any], tmp_path: Path
) -> None:
    signature, result = overload
    (tmp_path / "file").touch()
    cache = CompiledCache(tmp_path / "file", "m.twice", "1")
    cache.save_overload(signature, result)
    assert cache.load_overload(signature, result.target_context) is None


def test_files_of_former_versions_go_after_a_month(
    overload: tuple[Any, Any], tmp_path: Path
) -> None:
    signature, result = overload
    CompiledCache(tmp_path, "m.twice", "1").save_overload(signature, result)
    old = the_file(tmp_path)
    half = tmp_path / f".{old.name}.abc"
    half.touch()
    for path in (old, half):
        os.utime(path, (1e9, 1e9))
    CompiledCache(tmp_path, "m.twice", "2").save_overload(signature, result)
    assert the_file(tmp_path) != old


def test_the_fingerprint_changes_with_constants_and_called_functions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = twice.fingerprint()
    assert fresh().fingerprint() == before
    monkeypatch.setitem(globals(), "STEP", np.uint32(4))
    assert twice.fingerprint() != before


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"NUMBA_CACHE_DIR": "/n", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/n/dealer-player"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/dealer-player"),
        ({"NUMBA_CACHE_DIR": "", "HOME": "/h"}, "/h/.cache/dealer-player"),
    ],
)
def test_the_folder_is_found_in_the_environment(environment: dict[str, str], expected: str) -> None:
    assert default_folder(environment) == Path(expected)
    assert default_folder({}) is None
