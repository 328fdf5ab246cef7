"""Writers of records that are killed at any moment: files stay sound, and nothing that was written is
lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from support.player_run import ROOT

SCRIPT = """
import json, os, random, signal, sqlite3, sys
from pathlib import Path
from support.records import MIB, SCHEMA, adding
from player.clock import SystemClock
from player.recordfile import RecordLayout
from player.recordfolder import RecordFolder, Retention

EACH, ROUNDS = 40, 10
path = Path(sys.argv[1])
layout = RecordLayout(name="tests", schema=SCHEMA)  # FULL, as of journals


def write_without_end(told: int) -> None:
    folder = RecordFolder(path, layout, Retention(days=90, bytes=4 * MIB), SystemClock())
    while True:
        folder.add(adding(EACH, "x" * 500))
        os.write(told, b".")
        folder.care()


written, found = 0, []
for round in range(ROUNDS):
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        write_without_end(told)
    os.close(told)
    for _ in range(random.Random(round).randrange(1, 15)):
        written += len(os.read(heard, 1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(heard, 1000):  # said before it was killed
        written += len(more)
    os.close(heard)
    numbers, sound = [], []
    for file in sorted(path.glob("*.sqlite")):
        connection = sqlite3.connect(file)
        sound += connection.execute("PRAGMA integrity_check").fetchone()
        about = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'records'").fetchone()
        numbers += connection.execute("SELECT number FROM records").fetchall() if about else []
        connection.close()
    is_gapless = numbers == [(at,) for at in range(1, len(numbers) + 1)]
    found.append([len(numbers), EACH * written, is_gapless, sorted(set(sound))])
print(json.dumps(found))
"""


def test_kills_at_any_moment_damage_nothing_and_lose_nothing_that_was_written(
    tmp_path: Path,
) -> None:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.stderr == ""
    rounds = json.loads(ran.stdout)
    assert len(rounds) == 10
    for there, written, is_gapless, sound in rounds:
        assert written <= there
        assert is_gapless
        assert sound == ["ok"]
    assert not list(tmp_path.glob("*.damaged"))
    assert len(list(tmp_path.glob("*.sqlite"))) > 3  # kills met the change of files, too
