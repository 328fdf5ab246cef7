"""The original's file as ours: the shipped files against `conf/dibas.toml`, and every oddity of the
old format."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from support.legacyconf import BANK, MODE, loaded

from player.config import load
from spectrometer.config import SpectrometerBankConfig
from spectrometer.legacyconf import Migration, Sort, migrate, report
from spectrometer.modes import ModeConfig, load_modes

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data"

QUIET = {("DEFAULTS", "player_port"), ("MODE1", "hpc_fifo_name")}


def tables(migration: Migration) -> dict[str, Any]:
    return tomllib.loads(migration.toml)


def said(migration: Migration) -> list[tuple[str, str, Sort, str]]:
    """Findings beside those that every file has."""
    return [
        (f.section, f.key, f.sort, f.text)
        for f in migration.findings
        if (f.section, f.key) not in QUIET
    ]


def only(migration: Migration) -> tuple[str, str, Sort, str]:
    found = said(migration)
    assert len(found) == 1, found
    return found[0]


def of_mode(text: str) -> Migration:
    """A whole file whose only mode has more, or other, lines."""
    return migrate(BANK + MODE + text)


# ---- the shipped files ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shanghai() -> Migration:
    return migrate((DATA / "dibas_shao.conf").read_text(encoding="utf-8"))


def without_ip(bank: SpectrometerBankConfig) -> SpectrometerBankConfig:
    ends = {
        key: getattr(bank, key).model_copy(update={"ip": None})
        for key in ("data_source", "data_destination")
    }
    return bank.model_copy(update=ends)


def explained(name: str, mode: ModeConfig) -> ModeConfig:
    """A mode of the shipped TOML as it is in the old file, which differs in three ways."""
    update: dict[str, Any] = {"inherits": None}
    if mode.backend in ("l1/lbw1", "l8/lbw1", "l8/lbw8"):  # the old modes name neither in shmkeys
        update["status"] = {
            key: mode.status[key] for key in mode.status if key not in ("OBS_MODE", "BW_MODE")
        }
    if mode.coherent is not None:  # addresses are added in ours
        faces = tuple(face.model_copy(update={"ip": None}) for face in mode.coherent.interfaces)
        update["coherent"] = mode.coherent.model_copy(update={"interfaces": faces})
    if name == "CODD_MODE_512":  # misspelt in the old file
        update["phases"] = mode.phases.model_copy(
            update={"reset": (("tenGB_reset", 1), ("tenGB_resetb", 0))}
        )
    return mode.model_copy(update=update)


def test_the_file_of_shanghai_becomes_the_shipped_array(
    shanghai: Migration, tmp_path: Path
) -> None:
    ours, theirs = load(ROOT / "conf" / "dibas.toml", {}), loaded(shanghai.toml, tmp_path)
    assert theirs.instrument == ours.instrument
    assert theirs.dealer == ours.dealer
    assert list(theirs.banks) == list(ours.banks)
    for name, bank in ours.banks.items():
        assert isinstance(bank, SpectrometerBankConfig)
        assert theirs.banks[name] == without_ip(bank), name
    macs = {host: row.mac for host, row in ours.sections["hpc_macs"].items()}
    assert {host: row.mac for host, row in theirs.sections["hpc_macs"].items()} == macs
    modes = load_modes(theirs)
    assert len(modes) == 45
    expected = {name: explained(name, mode) for name, mode in load_modes(ours).items()}
    for name, mode in modes.items():
        assert mode.model_copy(update={"inherits": None}) == expected.pop(name), name
    assert not expected


def test_the_result_is_as_short_as_the_shipped_file_and_as_wide(shanghai: Migration) -> None:
    lines = shanghai.toml.splitlines()
    shipped = (ROOT / "conf" / "dibas.toml").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 1.1 * len(shipped)
    assert max(map(len, lines)) <= 120
    assert set(tables(shanghai)["mode_defaults"]) == {
        "vegas",
        "vegas_hbw",
        "vegas_lbw",
        "vegas_l1",
        "vegas_l8",
        "vegas_l8x8",
        "guppi",
        "guppi_codd",
        "guppi_inco",
    }
    assert set(tables(shanghai)["modes"]["MODE4"]) == {
        "inherits",
        "nchan",
        "filter_bw_mhz",
        "frequency_mhz",
        "hwexposr_s",
    }


def test_flaws_of_the_shipped_file_are_listed_with_their_lines(shanghai: Migration) -> None:
    old = (DATA / "dibas_shao.conf").read_text(encoding="utf-8").splitlines()
    assert not shanghai.faults
    found = {(f.section, f.key): f for f in shanghai.findings}
    for key, text in {
        ("MODE2", "hpc_program"): "is given 2 times; the same as",
        ("MODE1", "shmkeys"): "names HWEXPOSR, which every Backend computes",
        (
            "CODD_MODE_512",
            "reset_phase",
        ): "no other mode has a register tenGB_resetb; is tenGB_reset meant?",
        ("CODD_MODE_64", "reset_phase"): "the original never ran it",
        ("CODD_MODE_64", "TELESCOP"): "GBT was overwritten by the original",
        ("CODD_MODE_64", "BACKEND"): "never wrote this status key",
        ("INCO_MODE_64", "file_system"): "nothing ever read it",
    }.items():
        assert text in found[key].text
        assert old[found[key].line - 1].startswith(key[1])
    assert sum(f.key == "hpc_fifo_name" for f in shanghai.findings) == 45
    assert [f.line for f in shanghai.findings] == sorted(f.line for f in shanghai.findings)


def test_comments_of_the_shipped_file_are_kept(shanghai: Migration) -> None:
    lines = shanghai.toml.splitlines()
    assert lines[0] == "# DIBAS configuration, Shanghai"
    assert lines[-1] == "# end of the configuration"
    assert (
        lines[lines.index("# the bank that generates the switching signals") + 1]
        == 'switching_master = "BANKA"'
    )
    assert lines[lines.index("# sg_period = 768 * 32 * 16 * 7 * 256 - 2") + 2].startswith(
        "registers = {"
    )
    assert lines.count("# sg_period = 768 * 32 * 16 * 7 * 256 - 2") == 1
    assert "# GUPPI incoherent" in lines


def test_the_file_of_green_bank_has_its_own_banks_and_the_same_modes(
    shanghai: Migration, tmp_path: Path
) -> None:
    migration = migrate((DATA / "dibas_gbt.conf").read_text(encoding="utf-8"))
    assert not migration.faults
    config = loaded(migration.toml, tmp_path)
    assert config.instrument.telescope == "GBT"
    banks = {
        name: bank
        for name, bank in config.banks.items()
        if isinstance(bank, SpectrometerBankConfig)
    }
    assert [name for name, bank in banks.items() if bank.roach is not None] == [
        "BANKA",
        "BANKB",
        "BANKC",
        "BANKH",
    ]
    assert banks["BANKH"].roach is not None
    assert banks["BANKH"].roach.katcp_host == "vegasr2-8"
    assert banks["BANKD"].hpc_host == "vegas-hpc4"
    assert tables(migration)["modes"] == tables(shanghai)["modes"]
    assert tables(migration)["mode_defaults"] == tables(shanghai)["mode_defaults"]


def test_addresses_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    known = {
        table[key]["host"]: table[key]["ip"]
        for table in tomllib.loads((ROOT / "conf" / "dibas.toml").read_text(encoding="utf-8"))[
            "banks"
        ].values()
        for key in ("data_source", "data_destination")
        if "ip" in table[key]
    }
    migration = migrate((DATA / "dibas_shao.conf").read_text(encoding="utf-8"), known.get)
    config = loaded(migration.toml, tmp_path)
    assert config.banks == load(ROOT / "conf" / "dibas.toml", {}).banks
    lost = {(f.section, f.key) for f in migration.findings if "cannot be resolved here" in f.text}
    assert lost == {("HPCMACS", "hpc9-10")} | {
        (f"CODD_MODE_{64 << n}", "cdd_data_interfaces") for n in range(8)
    }


def test_hosts_that_share_a_slot_of_the_arp_table_are_said_so() -> None:
    text = "[HPCMACS]\na = 0x0002C9EBC940\nb = 0x0002C9EBC941\n"
    migration = migrate(text, {"a": "10.17.0.1", "b": "10.18.0.1"}.get)
    assert ("HPCMACS", "b", Sort.DOUBTFUL) in {
        (f.section, f.key, f.sort) for f in migration.findings
    }
    assert tables(migration)["hpc_macs"]["b"] == {"mac": "00:02:C9:EB:C9:41", "ip": "10.18.0.1"}


# ---- keys -------------------------------------------------------------------------------------------------------


def test_a_small_file_passes_the_check(tmp_path: Path) -> None:
    migration = of_mode("")
    assert said(migration) == []
    assert list(load_modes(loaded(migration.toml, tmp_path))) == ["MODE1"]


@pytest.mark.parametrize(
    ("text", "key", "sort", "reason"),
    [
        ("arm_phaze = arm,0", "arm_phaze", Sort.DROPPED, "unknown key; did you mean arm_phase?"),
        (
            "reset_phase = a,1,b\npostarm_phase = nop",
            "reset_phase",
            Sort.DOUBTFUL,
            "its last word 'b' has no partner",
        ),
        (
            "postarm_phase = a,1, b,2",
            "postarm_phase",
            Sort.DOUBTFUL,
            "blanks around b are left out",
        ),
        (
            "reset_phase = a,x\npostarm_phase = nop",
            "reset_phase",
            Sort.FAULT,
            "'x' is no value for 'a'",
        ),
        ("reset_phase = a,1", "reset_phase", Sort.DOUBTFUL, "the original never ran it"),
        ("frequency = 1440000000", "frequency", Sort.DOUBTFUL, "it is 1440 MHz now"),
        ("frequency = 0", "frequency", Sort.FAULT, "is 0"),
        ("frequency = fast", "frequency", Sort.FAULT, "'fast' is no frequency in MHz"),
        ("nchan = N/A", "nchan", Sort.FAULT, "is missing; the new file needs nchan"),
        ("hwexposr = soon", "hwexposr", Sort.DROPPED, "'soon' is no time in s"),
        ("MODENAME = h1kk", "MODENAME", Sort.FAULT, "'h1kk' is no Backend; did you mean h1k?"),
        ("BACKEND = VEGGIE", "BACKEND", Sort.FAULT, "expected VEGAS or GUPPI"),
        ("master_slave_sel = 1,2", "master_slave_sel", Sort.DOUBTFUL, "is not six integers; all 0"),
        ("filter_bw = 7", "filter_bw", Sort.FAULT, "BANKA has no filter of 7 MHz"),
        ("shmkeys = NONE", "shmkeys", Sort.DROPPED, "names NONE, which the section does not have"),
        ("shmkeys = A,a\nA = 1", "shmkeys", Sort.DROPPED, "names A twice"),
        ("shmkeys = FARTOOLONG\nfartoolong = 1", "fartoolong", Sort.DROPPED, "is no status key"),
        (f"shmkeys = A\nA = {'x' * 69}", "A", Sort.DROPPED, "69 characters"),
        ("roach_reg_keys = a\na = 0x100000000", "a", Sort.FAULT, "is no 32-bit value"),
        ("sg_period = 3", "sg_period", Sort.DROPPED, "neither shmkeys nor roach_reg_keys names it"),
        ("cdd_hpcs = BANKA", "cdd_hpcs", Sort.DROPPED, "only a mode of guppi-codd is coherent"),
        (
            "hpc_program_flags = --a --b\nhpc_program = other",
            "hpc_program",
            Sort.DOUBTFUL,
            "not 'vegas_hpc_server' in",
        ),
        ("shmkeys = TELESCOP\nTELESCOP = X", "TELESCOP", Sort.DOUBTFUL, "now status TELESCOP is X"),
    ],
)
def test_what_is_dropped_doubtful_or_wrong_in_a_mode(
    text: str, key: str, sort: Sort, reason: str
) -> None:
    given_keys = {line.split(" = ")[0] for line in text.splitlines()} - {"hpc_program"}
    kept = "".join(line for line in MODE.splitlines(True) if line.split(" = ")[0] not in given_keys)
    migration = migrate(BANK + kept + text + "\n")
    section, found, found_sort, found_text = only(migration)
    assert (section, found, found_sort) == ("MODE1", key, sort)
    assert reason in found_text


@pytest.mark.parametrize(
    "fault", [f for f in MODE.splitlines()[1:] if not f.startswith("hpc_fifo")]
)
def test_every_key_that_a_mode_needs_is_missed(fault: str) -> None:
    migration = migrate(BANK + MODE.replace(f"{fault}\n", ""))
    assert [(f.section, f.key, f.sort) for f in migration.faults] == [
        ("MODE1", fault.split(" = ")[0], Sort.FAULT)
    ]


@pytest.mark.parametrize(
    ("old", "new", "key", "sort", "reason"),
    [
        ("player_port = 6667\n", "", "player_port", Sort.DOUBTFUL, "that of [instrument] holds"),
        ("hpchost = here\n", "", "hpchost", Sort.FAULT, "is missing; the new file needs hpc_host"),
        (
            "has_roach = false",
            "has_roach = perhaps",
            "has_roach",
            Sort.FAULT,
            "'perhaps' is no yes or no",
        ),
        (
            "has_roach = false",
            "has_roach = No\nkatcp_ip = r",
            "katcp_ip",
            Sort.DROPPED,
            "the Bank has no ROACH",
        ),
        (
            "has_roach = false",
            "has_roach = 0\nshmkeys = A\nA = 1",
            "shmkeys",
            Sort.DOUBTFUL,
            "the original ignored",
        ),
        ("60000", "6 0", "data_destination_port", Sort.FAULT, "'6 0' is no port"),
        (
            "450, 0x00, 1450, 0x08",
            "450, 0x00, 1450",
            "filter_bandwidth_bits",
            Sort.DROPPED,
            "is no list of bandwidth",
        ),
        ("[BANKA]", "[MyBANKA]", "", Sort.DOUBTFUL, "its name becomes MYBANKA"),
        ("[BANKA]", "[BANK1]", "", Sort.DOUBTFUL, "was the last letter; there is none"),
    ],
)
def test_what_is_dropped_doubtful_or_wrong_in_a_bank(
    old: str, new: str, key: str, sort: Sort, reason: str
) -> None:
    migration = migrate(
        BANK.replace(old, new, 1)
        + "[BANKZ]"
        + BANK.removeprefix("[BANKA]").replace("here", "there")
    )
    found = [one for one in said(migration) if one[0] != "BANKZ" and "are taken" not in one[3]]
    assert [(one[1], one[2]) for one in found] == [(key, sort)]
    assert reason in found[0][3]


def test_a_bank_with_a_roach_has_its_tables(tmp_path: Path) -> None:
    roach = """has_roach = Yes
katcp_ip = r1
katcp_port = 7147
synth = local
synth_port = "/dev/ttyS1"
synth_ref = outside
synth_ref_freq = 10000000
synth_vco_range = 2200, 4400
synth_rf_level = -4
synth_options = 0,1,2,1
data_source_host = f1
shmkeys = _A, B
_a = 0x10
b = 1.50
roach_reg_keys = Reg
reg = 0x10
"""
    migration = migrate(BANK.replace("has_roach = false\n", roach))
    bank = loaded(migration.toml, tmp_path).banks["BANKA"]
    assert isinstance(bank, SpectrometerBankConfig)
    assert bank.synth is not None
    assert bank.synth.model_dump() == {
        "via": "local",
        "port": "/dev/ttyS1",
        "reference": "internal",
        "reference_hz": 10_000_000,
        "vco_range_mhz": (2200, 4400),
        "rf_level_dbm": -4,
        "options": {"double": False, "half": True, "divider": 2, "low_spur": True},
    }
    assert (bank.status, bank.registers) == ({"_A": "0x10", "B": 1.5}, {"Reg": 16})
    assert {f.key for f in migration.findings} == {
        "player_port",
        "synth_ref",
        "shmkeys",
        "roach_reg_keys",
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("synth = serial", "is neither katcp, local nor N/A"),
        ("synth_rf_level = 7", "7 dBm; the synthesizer has -4, -1, 2, 5"),
        ("synth_options = 1,2,3", "is no list of doubler"),
        ("synth_vco_range = 2200", "is no pair of frequencies"),
    ],
)
def test_a_synthesizer_that_cannot_be_is_a_fault(line: str, reason: str) -> None:
    whole = (DATA / "dibas_shao.conf").read_text(encoding="utf-8")
    section = whole[whole.index("[BANKA]") : whole.index("[BANKB]")]
    key = line.split(" = ")[0]
    text = "".join(
        f"{line}\n" if old.startswith(f"{key} =") else f"{old}\n" for old in section.splitlines()
    )
    (fault,) = migrate(text).faults
    assert fault.key == key
    assert reason in fault.text


def test_banks_without_filters_borrow_them() -> None:
    other = BANK.replace("[BANKA]", "[BANKB]").replace(
        "filter_bandwidth_bits = 450, 0x00, 1450, 0x08\n", ""
    )
    migration = migrate(BANK + other.replace("here", "there") + MODE)
    assert only(migration)[1:] == (
        "filter_bandwidth_bits",
        Sort.DOUBTFUL,
        "is not given; the filters of BANKA are taken",
    )
    assert tables(migration)["banks"]["BANKB"]["filters"] == {"450": 0, "1450": 8}


def test_players_are_named_in_any_way_and_have_to_be_there() -> None:
    migration = migrate(BANK + "[DEALER]\nplayers = BANKA,BANKA  BANKB\n")
    assert tables(migration)["dealer"]["players"] == ["BANKA", "BANKB"]
    assert [text for _, key, _, text in said(migration) if key == "players"] == [
        "the original knew names only between a comma with one blank",
        "a Player is named twice; once is enough",
        "there is no section [BANKB]",
    ]


def test_modes_of_the_fork_and_strange_sections_are_left_out_by_name(tmp_path: Path) -> None:
    fork = MODE.replace("[MODE1]", "[FLAG_MODE]").replace("h1k", "HI_correlator")
    migration = migrate(BANK + MODE + fork + "[Bank B]\nhpchost = x\n[SITE]\n")
    assert list(tables(migration)["modes"]) == ["MODE1"]
    assert [(section, sort) for section, _, sort, _ in said(migration)] == [
        ("FLAG_MODE", Sort.DROPPED),
        ("Bank B", Sort.DROPPED),
        ("SITE", Sort.DROPPED),
    ]
    assert "its keys: hpchost" in said(migration)[1][3]
    loaded(migration.toml, tmp_path)


def test_a_coherent_mode_needs_its_three_keys_and_eight_nodes() -> None:
    coherent = MODE.replace("h1k", "guppi-codd") + "postarm_phase = nop\n"
    assert (
        "cdd_hpcs, cdd_data_interfaces, cdd_master_hpc missing" in only(migrate(BANK + coherent))[3]
    )
    partly = coherent + "cdd_hpcs = BANKA, BANKX\ncdd_master_hpc = BANKA\n"
    assert [text for *_, text in said(migrate(BANK + partly))] == [
        "cdd_data_interfaces missing: a mode of guppi-codd needs all three",
        "there is no section [BANKX]",
        "2 of them; a coherent mode has 8 nodes",
    ]


def test_text_that_ours_would_read_otherwise_stays_what_it_was(tmp_path: Path) -> None:
    migration = of_mode('hpc_program_flags = --dir ${HOME} "x"\nshmkeys = A\nA = a"b\\c ${X}\n')
    mode = load_modes(loaded(migration.toml, tmp_path))["MODE1"]
    assert mode.daq.args == ("--dir", "${HOME}", '"x')
    assert mode.status["A"] == 'a"b\\c ${X}'


def test_a_report_says_what_is_alike_once_with_all_places() -> None:
    migration = migrate(BANK + MODE + MODE.replace("MODE1", "MODE2"))
    lines = report(migration.findings, "old.conf")
    assert len(lines) == 2
    assert lines[1].startswith("old.conf:17: dropped: [MODE1] hpc_fifo_name: nothing ever read it")
    assert lines[1].endswith("(also MODE2:32)")


def test_a_report_holds_nothing_that_a_terminal_obeys() -> None:
    lines = report(migrate("[\x1b[2J]\n\x1b[31m = 1\n").findings, "old.conf")
    assert lines[1] == "old.conf:1: dropped: [?[2J]: " + (
        "neither BANK nor MODE is in its name (in capitals), so nothing read it; its keys: ?[31m"
    )
