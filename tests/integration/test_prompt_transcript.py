"""The prompt of `dealer` on a real terminal, with its completion, is as the documentation shows
it."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

from support.player_run import ROOT, PlayerRun, clean_environment
from support.spectrometer_array import write_array
from support.transcript import transcript

ELLIPSIS = "..."  # stands for whatever comes until the end of the line


def test_the_prompt_is_as_its_page_shows_it(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "howto" / "prompt.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    urls = write_array(tmp_path / "array.toml", banks=2)
    config = tmp_path / "dibas.toml"  # as that of an observer: a Dealer of the first Bank
    ports = {bank: url.rpartition(":")[2] for bank, url in urls.items()}
    tables = [
        f'[banks.{bank}]\nhpc_host = "127.0.0.1"\nplayer_port = {port}\n'
        for bank, port in ports.items()
    ]
    config.write_text("".join(tables))
    with ExitStack() as stack:
        players = [
            stack.enter_context(
                PlayerRun(
                    bank,
                    url,
                    "simulate",
                    "--config",
                    tmp_path / "array.toml",
                    log=tmp_path / bank,
                    env=clean_environment(DIBAS_DATA=str(tmp_path)),
                )
            )
            for bank, url in urls.items()
        ]
        for player in players:
            player.wait_ready()
        found = transcript(config).strip().splitlines()
    lines = shown[1].strip().splitlines()
    assert len(found) == len(lines), "\n".join(found)
    for line, wanted in zip(found, lines, strict=True):
        begin, cut, end = wanted.partition(ELLIPSIS)
        assert line == wanted or (cut and line.startswith(begin) and line.endswith(end)), "\n".join(
            found
        )
