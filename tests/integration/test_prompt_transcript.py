"""The prompt of `dealer` on a real terminal, with its completion, is as the documentation shows it."""

from __future__ import annotations

import re
from pathlib import Path

from support.native_player import NativePlayer
from support.player_run import ROOT
from support.transcript import transcript


def test_the_prompt_is_as_its_page_shows_it(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "howto" / "prompt.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    with NativePlayer(bank="BANKA") as one, NativePlayer(bank="BANKB") as other:
        config = tmp_path / "dibas.toml"
        banks = [("BANKA", one), ("BANKB", other)]
        ports = {bank: player.url.rpartition(":")[2] for bank, player in banks}
        tables = [f'[banks.{bank}]\nhpc_host = "127.0.0.1"\nplayer_port = {port}\n' for bank, port in ports.items()]
        config.write_text("".join(tables))
        found = transcript(config)
    assert found.strip() == shown[1].strip()
