"""Modes and Banks of the configuration: inheritance, and every fault at its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.backends import SHIPPED, shipped

from player.config import load
from player.errors import ConfigError
from spectrometer.config import SpectrometerBankConfig
from spectrometer.modes import load_modes

TEXT = SHIPPED.read_text()


def faults(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "dibas.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [str(fault).removeprefix(str(path)) for fault in caught.value.faults]


def test_shipped_modes_have_what_they_inherit() -> None:
    modes = load_modes(shipped())
    mode = modes["MODE1"]
    assert (len(mode.phases.reset), len(mode.phases.arm), mode.phases.postarm) == (11, 9, (("sg_sync", 0x10),))
    assert (mode.needed_arm_delay_s, mode.master_slave_sel[0], mode.master_slave_sel[3]) == (4, 0, 14)
    assert mode.status == {"BACKEND": "VEGAS", "_SWSGPLY": 0, "OBS_MODE": "HBW", "BW_MODE": "high"}
    assert [(m.nchan, m.filter_bw_mhz, m.frequency_mhz) for m in modes.values()] == [
        (1024, 1450, 1500.0), (16384, 1450, 1500.0), (16384, 450, 500.0),
    ]  # fmt: skip


def test_shipped_banks_are_those_of_the_installation() -> None:
    banks = shipped().banks
    assert list(banks) == [f"BANK{letter}" for letter in "ABCDEFGH"]
    for number, (_name, bank) in enumerate(banks.items(), 1):
        assert isinstance(bank, SpectrometerBankConfig)
        assert (bank.hpc_host, bank.data_destination.address()) == (f"hpc{number}", f"10.17.0.{number}")
        assert (bank.roach is not None) == (number <= 3)
        assert bank.filters == {450: 0x00, 1450: 0x08, 1900: 0x18}
        if bank.roach is not None:
            assert bank.roach.katcp_host == f"dibasr2-{number}"
            assert bank.data_source.address() == f"10.17.0.{64 + 8 * (number - 1)}"


def test_all_faults_of_all_modes_are_named_with_their_lines(tmp_path: Path) -> None:
    text = (
        TEXT.replace("filter_bw_mhz = 450", "filter_bw_mhz = 800")
        .replace("frequency_mhz = 500.0", "frequency_mhz = 6000.0")
        .replace('"h16k"', '"h17k"', 1)
        .replace('["wait", 0.5]', '["wait"]')
        .replace('inherits = "vegas_hbw"', 'inherits = "vegas_wbh"', 1)
    )
    found = faults(tmp_path, text)
    joined = "\n".join(found)
    assert "modes.MODE1.inherits: there is no [mode_defaults.vegas_wbh]" in joined
    assert "unknown backend 'h17k'; there are h16k, h1k" in joined
    assert 'item 8 is [\'wait\']; expected ["register", value]' in joined
    assert "6000 is no frequency in MHz" in joined
    line = text.splitlines().index('backend = "h17k"') + 1
    assert any(fault.startswith(f":{line}: modes.MODE2.backend") for fault in found)


def test_filter_that_a_bank_has_not_is_a_fault_for_each_bank(tmp_path: Path) -> None:
    found = faults(tmp_path, TEXT.replace("filter_bw_mhz = 450", "filter_bw_mhz = 800"))
    assert len(found) == 8
    assert all("has no filter of 800 MHz; it has [450, 1450, 1900]" in fault for fault in found)


def test_two_spellings_of_a_status_key_are_refused(tmp_path: Path) -> None:
    found = faults(tmp_path, TEXT.replace('BW_MODE = "high"', 'BW_MODE = "high", bw_mode = "low"'))
    assert any("BW_MODE is given twice, in two spellings" in fault for fault in found)


def test_unknown_key_of_a_mode_is_refused(tmp_path: Path) -> None:
    found = faults(tmp_path, TEXT.replace("nchan = 1024", "nchan = 1024\nnchans = 5"))
    assert any("modes.MODE1.nchans: unknown key; did you mean nchan?" in fault for fault in found)


def test_defaults_that_inherit_in_a_circle_are_refused(tmp_path: Path) -> None:
    found = faults(tmp_path, TEXT.replace("[mode_defaults.vegas]", '[mode_defaults.vegas]\ninherits = "vegas_hbw"'))
    assert any("inherit in a circle: vegas_hbw -> vegas -> vegas_hbw" in fault for fault in found)


def test_banks_of_one_host_need_their_own_status_memory(tmp_path: Path) -> None:
    text = TEXT.replace('hpc_host = "hpc2"', 'hpc_host = "hpc1"\nplayer_port = 6668')
    found = faults(tmp_path, text)
    assert any("banks.BANKB.status_memory.key: BANKA on the same host has this one" in fault for fault in found)
    assert any("banks.BANKB.status_memory.semaphore" in fault for fault in found)
    with_own = text.replace(
        "player_port = 6668", 'player_port = 6668\nstatus_memory = { key = 0x01001841, semaphore = "/vegas_status_b" }'
    )
    (tmp_path / "good.toml").write_text(with_own)
    assert load(tmp_path / "good.toml").banks["BANKB"]


def test_bad_addresses_are_named(tmp_path: Path) -> None:
    text = TEXT.replace('ip = "10.17.0.64"', 'ip = "10.17.0.640"').replace("00:02:C9:EB:C9:40", "00:02:C9")
    joined = "\n".join(faults(tmp_path, text))
    assert "banks.BANKA.data_source.ip: not an IPv4 address: '10.17.0.640'" in joined
    assert "hpc_macs.hpc1-10.mac: not a MAC address: '00:02:C9'" in joined
