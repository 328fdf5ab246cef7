"""Files of frames: what is in them after each frame, and what they do not take."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dealer.framefiles import FrameFileError, open_frames
from zmqjsonproxy.channels import Update

GAP = {"event": "gap", "lost": 2}


def frame(number: int, data: object) -> Update:
    value = {"data": data, "x_start": 1.0, "x_delta": 0.5}
    return Update("A", "trace", value, number, 1e9 + number, 0)


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("dtype", ["<f8", ">i2", "|u1", "<c16", "|b1"])
@pytest.mark.parametrize("shape", [(4,), (2, 3), (0,), ()])
def test_a_stack_is_whole_after_each_frame(
    tmp_path: Path, dtype: str, shape: tuple[int, ...]
) -> None:
    path = tmp_path / "a.npy"
    rng, frames = np.random.default_rng(1), []
    file = open_frames(path)
    for number in range(1, 13):
        frames.append(np.asarray(rng.integers(0, 2, shape)).astype(dtype))
        file.take(frame(number, frames[-1]))
        found = np.load(path)
        assert np.array_equal(found, np.stack(frames).reshape(found.shape))
        assert found.dtype == dtype
        if number == 5:
            file.note(GAP)
    file.close()
    beside = records(tmp_path / "a.npy.jsonl")
    assert beside[5] == GAP
    assert [r["number"] for r in beside if "number" in r] == list(range(1, 13))
    assert beside[0] == {
        "time": 1e9 + 1,
        "bank": "A",
        "property": "trace",
        "number": 1,
        "lost": 0,
        "x_start": 1.0,
        "x_delta": 0.5,
    }


def test_a_stack_takes_frames_of_one_kind_and_keeps_those_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    file = open_frames(path)
    file.take(frame(1, np.zeros(3)))
    for other in (np.zeros(4), np.zeros(3, "f4")):
        with pytest.raises(FrameFileError, match=r"frame 2 has type and shape .*; give a folder"):
            file.take(frame(2, other))
    with pytest.raises(FrameFileError, match="holds no numbers"):
        file.take(frame(2, ["a"]))
    file.close()
    assert np.load(path).shape == (1, 3)


def test_lines_have_the_data_and_need_no_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    file = open_frames(path)
    file.take(frame(1, np.array([1.0, np.nan])))
    file.note(GAP)
    file.take(frame(4, [[1, 2], [3, 4]]))
    assert [record.get("data") for record in records(path)] == [[1.0, None], None, [[1, 2], [3, 4]]]
    file.close()


def test_a_folder_has_a_file_for_each_frame_of_whatever_shape(tmp_path: Path) -> None:
    path = tmp_path / "frames"
    file = open_frames(path)
    for number, size in ((7, 3), (1, 5)):  # 1: of a Player that was restarted
        file.take(frame(number, np.arange(size)))
    file.close()
    assert [(r["file"], r["number"]) for r in records(path / "frames.jsonl")] == [
        ("00000001.npy", 7),
        ("00000002.npy", 1),
    ]
    assert np.load(path / "00000002.npy").shape == (5,)
    assert not list(path.glob("*.part"))


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("mine")
    (tmp_path / "b.npy.jsonl").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    for name in ("a.jsonl", "b.npy", "full", "a.fits"):
        with pytest.raises(FrameFileError, match=r"give "):
            open_frames(tmp_path / name)
    (tmp_path / "empty").mkdir()
    open_frames(tmp_path / "empty").close()


def test_a_frame_has_no_more_axes_than_a_header_holds(tmp_path: Path) -> None:
    file = open_frames(tmp_path / "a.npy")
    with pytest.raises(FrameFileError, match="too many axes"):
        file.take(frame(1, np.zeros((1,) * 32)))
    file.close()


def test_a_stack_without_a_frame_is_no_file_that_cannot_be_read(tmp_path: Path) -> None:
    file = open_frames(tmp_path / "a.npy")
    file.note(GAP)
    file.close()
    assert [each.name for each in tmp_path.iterdir()] == ["a.npy.jsonl"]
    assert records(tmp_path / "a.npy.jsonl") == [GAP]
