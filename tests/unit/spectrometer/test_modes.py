"""Modes and Banks of the configuration: inheritance, and every fault at its place."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from support.backends import SHIPPED, shipped

from player.config import load
from player.effective import Flags, settings_of
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
    assert (len(mode.phases.reset), len(mode.phases.arm), mode.phases.postarm) == (
        11,
        9,
        (("sg_sync", 0x10),),
    )
    assert (mode.needed_arm_delay_s, mode.master_slave_sel[0], mode.master_slave_sel[3]) == (
        4,
        0,
        14,
    )
    assert mode.status == {"BACKEND": "VEGAS", "_SWSGPLY": 0, "OBS_MODE": "HBW", "BW_MODE": "high"}
    assert len(modes) == 45
    facts = {
        n: (m.backend, m.nchan, m.filter_bw_mhz, m.frequency_mhz, m.hwexposr_s)
        for n, m in modes.items()
    }
    assert (
        facts.items()
        >= {
            "MODE2": ("h16k", 16384, 1450, 1500.0, 0.008388608),
            "MODE9": ("l1/lbw1", 131072, 450, 800.0, 0.03),
            "MODE14": ("l8/lbw1", 524288, 1450, 1500.0, 0.075),
            "MODE29": ("l8/lbw8", 65536, 450, 1000.0, 0.1),
            "CODD_MODE_64": ("guppi-codd", 64, 450, 800.0, None),
            "INCO_MODE_8192": ("guppi-inco", 8192, 1450, 1500.0, None),
        }.items()
    )
    assert [modes[name].gain[0] for name in ("MODE4", "MODE10", "MODE20")] == [
        1610612736,
        1024,
        1024,
    ]


def test_shipped_coherent_modes() -> None:
    mode = load_modes(shipped())["CODD_MODE_512"]
    # Flaw C4: the original emptied the reset phase; and this mode's section misspelt its second
    # register.
    assert mode.phases.reset == (("tenGB_reset", 1), ("tenGB_reset", 0))
    assert (len(mode.phases.arm), mode.phases.postarm, mode.needed_arm_delay_s) == (3, (), 5)
    assert (mode.master_slave_sel[0], mode.master_slave_sel[3]) == (64, 2)
    assert mode.coherent is not None
    assert [end.address() for end in mode.coherent.interfaces] == [
        f"10.17.0.{n}" for n in range(64, 72)
    ]


def test_shipped_banks_are_those_of_the_installation() -> None:
    banks = shipped().banks
    assert list(banks) == [f"BANK{letter}" for letter in "ABCDEFGH"]
    for number, (_name, bank) in enumerate(banks.items(), 1):
        assert isinstance(bank, SpectrometerBankConfig)
        assert (bank.hpc_host, bank.data_destination.address()) == (
            f"hpc{number}",
            f"10.17.0.{number}",
        )
        assert int(ip_address(str(bank.data_destination.address()))) == 168886272 + number
        assert (bank.roach is not None) == (number <= 3)
        assert bank.filters == {450: 0x00, 1450: 0x08, 1900: 0x18}
        if bank.roach is not None:
            assert bank.roach.katcp_host == f"dibasr2-{number}"
            assert int(ip_address(str(bank.data_source.address()))) == 168886336 + 8 * (number - 1)
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
    assert "unknown backend 'h17k'; there are guppi-codd, guppi-inco, h16k, h1k" in joined
    assert "item 8 is ['wait']; expected [\"register\", value]" in joined
    assert "6000 is no frequency in MHz" in joined
    line = text.splitlines().index('backend = "h17k"') + 1
    assert any(fault.startswith(f":{line}: modes.MODE2.backend") for fault in found)


def test_filter_that_a_bank_has_not_is_a_fault_for_each_bank(tmp_path: Path) -> None:
    found = faults(tmp_path, TEXT.replace("filter_bw_mhz = 450", "filter_bw_mhz = 800", 1))
    assert len(found) == 8
    assert all("has no filter of 800 MHz; it has [450, 1450, 1900]" in fault for fault in found)


def test_two_spellings_of_a_status_key_are_refused(tmp_path: Path) -> None:
    found = faults(tmp_path, TEXT.replace('BW_MODE = "high"', 'BW_MODE = "high", bw_mode = "low"'))
    assert any("BW_MODE is given twice, in two spellings" in fault for fault in found)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('telescope = "SHAO"', 'telescope = "HÖHE"', "instrument.telescope: the text 'HÖHE' is not printable ASCII"),
        ('telescope = "SHAO"', f'telescope = "{"x" * 69}"', "instrument.telescope: a text of 69 characters"),
        ('telescope = "SHAO"', f"""telescope = "{"'" * 35}\"""", "instrument.telescope: a text of 70 characters"),
        ("instance = 0", 'instance = 0\nstatus = { OBSERVER = "a\\nb" }', r"BANKA.status: OBSERVER: the text 'a\nb'"),
        ("instance = 0", 'instance = 0\nstatus = { observer = "é" }', "banks.BANKA.status: OBSERVER: the text 'é'"),
        ("instance = 0", f"instance = 0\nstatus = {{ BIG = {10**80} }}", "BANKA.status: BIG: a number of 81 digits"),
        ('BW_MODE = "high"', 'BW_MODE = "hïgh"', "mode_defaults.vegas_hbw.status: BW_MODE: the text 'hïgh'"),
        ("[modes.MODE1]", '[modes."MÖDE1"]', "the text 'MÖDE1' is not printable ASCII"),
        ("bof_file = \"h1k_ver105", "bof_file = \"höhe_ver105", "modes.MODE1.bof_file: the text 'höhe_ver105"),
    ],
)  # fmt: skip
def test_a_text_that_no_status_card_holds_is_a_fault_with_its_line(
    tmp_path: Path, before: str, after: str, fault: str
) -> None:
    text = TEXT.replace(before, after, 1)
    assert text != TEXT
    (found,) = faults(tmp_path, text)
    wanted = [
        number for number, line in enumerate(text.splitlines(), 1) if after.splitlines()[-1] in line
    ]
    assert found.startswith(f":{wanted[0]}: "), found
    assert fault in found


def test_unknown_key_of_a_mode_is_refused(tmp_path: Path) -> None:
    found = faults(tmp_path, TEXT.replace("nchan = 1024", "nchan = 1024\nnchans = 5"))
    assert any("modes.MODE1.nchans: unknown key; did you mean nchan?" in fault for fault in found)


def test_defaults_that_inherit_in_a_circle_are_refused(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        TEXT.replace("[mode_defaults.vegas]", '[mode_defaults.vegas]\ninherits = "vegas_hbw"'),
    )
    assert any("inherit in a circle: vegas_hbw -> vegas -> vegas_hbw" in fault for fault in found)


def test_banks_of_one_host_need_their_own_status_memory(tmp_path: Path) -> None:
    text = TEXT.replace('hpc_host = "hpc2"', 'hpc_host = "hpc1"\nplayer_port = 6668')
    found = faults(tmp_path, text)
    assert any(
        "banks.BANKB.status_memory.key: BANKA on the same host has this one" in fault
        for fault in found
    )
    assert any("banks.BANKB.status_memory.semaphore" in fault for fault in found)
    with_own = text.replace(
        "player_port = 6668",
        'player_port = 6668\nstatus_memory = { key = 0x01001841, semaphore = "/vegas_status_b" }',
    )
    (tmp_path / "good.toml").write_text(with_own)
    assert load(tmp_path / "good.toml").banks["BANKB"]
    keys = "data_buffers = { vegas_key = 0x00C62C71, guppi_key = 0x0100183F }"
    found = faults(
        tmp_path, with_own.replace("player_port = 6668\n", f"player_port = 6668\n{keys}\n")
    )
    places = [fault.rpartition("banks.BANKB.data_buffers.")[2] for fault in found]
    assert places == [
        "vegas_key: vegas data buffer 1 of BANKB has key 0xc62c71, as vegas data buffer 2 of BANKA on the same host",
        "vegas_key: vegas data buffer 2 of BANKB has key 0xc62c72, as vegas data buffer 3 of BANKA on the same host",
        "guppi_key: guppi data buffer 2 of BANKB has key 0x1001840, as the status memory of BANKA on the same host",
    ]


def test_bad_addresses_are_named(tmp_path: Path) -> None:
    text = TEXT.replace('ip = "10.17.0.64"', 'ip = "10.17.0.640"').replace(
        "00:02:C9:EB:C9:40", "00:02:C9"
    )
    joined = "\n".join(faults(tmp_path, text))
    assert "banks.BANKA.data_source.ip: not an IPv4 address: '10.17.0.640'" in joined
    assert "hpc_macs.hpc1-10.mac: not a MAC address: '00:02:C9'" in joined


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('\nmaster = "BANKA"', '\nmaster = "BANKX"', "master BANKX is none of the nodes BANKA"),
        (
            '"BANKG", "BANKH"]\ninterfaces',
            '"BANKG", "BANKG"]\ninterfaces',
            "nodes name a Bank twice",
        ),
        (
            '"BANKG", "BANKH"]\ninterfaces',
            '"BANKG", "BANKQ"]\ninterfaces',
            "there is no [banks.BANKQ] in this file",
        ),
        (
            'backend = "guppi-codd"',
            'backend = "guppi-inco"',
            "has a table `coherent` if, and only if",
        ),
        (
            '{ host = "dibasr2-1-10-0", ip = "10.17.0.64" },',
            "{ port = 60000 },",
            "neither host nor ip",
        ),
        ('{ host = "dibasr2-1-10-0", ip = "10.17.0.64" },', "", "at least 8 items"),
    ],
)
def test_faults_of_coherent_modes(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert TEXT.count(old) == 1
    assert any(says in fault for fault in faults(tmp_path, TEXT.replace(old, new)))


def test_a_fault_of_defaults_is_named_once_and_where_it_stands(tmp_path: Path) -> None:
    text = TEXT.replace("needed_arm_delay_s = 4", "needed_arm_delay_s = 1").replace(
        "[mode_defaults.guppi]",
        "[mode_defaults.unused]\nnchann = 5\ngain = 3\n[mode_defaults.guppi]",
    )
    found = faults(tmp_path, text)
    lines = text.splitlines()
    assert found == [
        f":{lines.index('needed_arm_delay_s = 1') + 1}: mode_defaults.vegas.needed_arm_delay_s: "
        "input should be greater than or equal to 2; found 1",
        f":{lines.index('nchann = 5') + 1}: mode_defaults.unused.nchann: unknown key; did you mean nchan?",
        f":{lines.index('gain = 3') + 1}: mode_defaults.unused.gain: input should be a valid tuple; found 3",
    ]


def test_a_key_that_no_defaults_give_is_missing_in_the_mode(tmp_path: Path) -> None:
    found = faults(
        tmp_path, TEXT.replace("nchan = 1024\nfilter_bw_mhz = 1450", "filter_bw_mhz = 1450", 1)
    )
    assert found == [f":{TEXT.splitlines().index('[modes.MODE1]') + 1}: modes.MODE1.nchan: missing"]


def test_unknown_keys_deep_in_a_table_get_a_hint(tmp_path: Path) -> None:
    text = TEXT.replace('dest_port = "dest_port" }', 'dst_port = "dest_port" }', 1)
    text = text.replace("katcp_port", "katcp_prt", 1)
    joined = "\n".join(faults(tmp_path, text))
    assert "mode_defaults.vegas.network.dst_port: unknown key; did you mean dest_port?" in joined
    assert "banks.BANKA.roach.katcp_prt: unknown key; did you mean katcp_port?" in joined


def test_each_value_of_a_mode_says_which_defaults_it_is_from() -> None:
    config = shipped()
    found = {
        one.key: one
        for one in settings_of(config, "BANKA", Flags(), {})
        if one.key.startswith("modes.MODE2.")
    }
    lines = TEXT.splitlines()
    assert found["modes.MODE2.nchan"].where == f"{SHIPPED}:{lines.index('nchan = 16384') + 1}"
    delay = f"{SHIPPED}:{lines.index('needed_arm_delay_s = 4') + 1}, mode_defaults.vegas.needed_arm_delay_s"
    assert (
        found["modes.MODE2.needed_arm_delay_s"].value,
        found["modes.MODE2.needed_arm_delay_s"].where,
    ) == (4, delay)
    assert found["modes.MODE2.gain"].source == "default"
    modes = {
        one.key.split(".")[1]
        for one in settings_of(config, None, Flags(), {})
        if one.key.startswith("modes.")
    }
    assert modes == set(load_modes(config))
