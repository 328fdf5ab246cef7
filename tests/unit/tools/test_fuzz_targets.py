"""Targets of fuzzing: one for each folder of readers, each right about its samples, and none broken
by bytes that are nearly right."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tools.fuzz.target import Target
from tools.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[3]
TRIES = 60
PIECES = (b'"', b"[", b"]{", b"}", b":", b",", b"\\", b"\0", b"\xff\xfe", b"-", b"9" * 30, b"\n")


def mutated(sample: bytes, chance: random.Random) -> bytes:
    """Change bytes at some places: more, less, others, twice."""
    data = bytearray(sample)
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[at:at] = chance.choice(PIECES)
            case 1:
                del data[at : at + chance.randint(1, 9)]
            case 2:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case _:
                data[at:at] = data[at : at + 30]
    return bytes(data)


def test_every_folder_of_readers_has_a_target() -> None:
    packages = ["zmqjsonproxy", "portmanager", "spectrometer", "histogrammer", "gateways", "player"]
    folders = {
        str(folder.relative_to(ROOT))
        for package in packages
        for folder in (ROOT / package).rglob("protocol")
        if folder.is_dir()
    }
    assert folders == {target.folder for target in TARGETS.values()}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_a_target_is_broken_neither_by_its_samples_nor_by_what_is_nearly_so(target: Target) -> None:
    chance = random.Random(target.name)
    for sample in (*target.samples, b""):
        target.try_bytes(sample)
        for _ in range(TRIES):
            target.try_bytes(mutated(sample, chance))


def test_what_a_target_does_not_expect_breaks_it() -> None:
    def read(data: bytes) -> None:
        raise KeyError(data) if data else ValueError("empty")

    target = Target(name="one", folder="", read=read, raises=(ValueError,))
    target.try_bytes(b"")
    with pytest.raises(KeyError):
        target.try_bytes(b"x")
