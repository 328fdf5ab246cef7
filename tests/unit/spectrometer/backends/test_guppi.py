"""The pulsar Backends against the original's numbers, and where they differ
on purpose."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.backends import make_backend

from spectrometer.daq.pulsarsetup import read_pulsar_setup
from spectrometer.errors import ParameterError, PulsarSetupError
from spectrometer.status import StatusBuffer


def prepared(status: StatusBuffer, mode: str, parameters: dict[str, Any], **options: Any) -> Any:
    backend = make_backend(status, mode, **options)
    backend.install()
    backend.parameters.update(parameters)
    backend.prepare()
    return backend


Setting = tuple[str, str, float | None, dict[str, Any]]
"""Mode, Bank, frequency in MHz, parameters."""


def prepared_as(status: StatusBuffer, setting: Setting) -> Any:
    """Prepare a Backend; its registers."""
    mode, bank, frequency, parameters = setting
    return prepared(status, mode, parameters, bank=bank, frequency_mhz=frequency).setup.registers


INCOHERENT_DEFAULTS: dict[str, object] = {
    "OBSERVER": "unspecified", "SRC_NAME": "unspecified", "PROJID": "JUNK", "SCANLEN": 30.0, "NBIN": 256,
    "TFOLD": 1.0, "NRCVR": 2, "NBITS": 8, "FD_POLN": "LIN", "DS_TIME": 1, "DS_FREQ": 1, "CAL_DCYC": 0.5, "OVERLAP": 0,
    "PFB_OVER": 12, "FFTLEN": 16384, "BLOCSIZE": 33554432, "SCALE0": 1.0, "SCALE3": 1.0, "OFFSET0": 0.0, "OFFSET3": 0.0,
    "PARFILE": "/opt/dibas/etc/config/example.par", "BACKEND": "GUPPI",
    # Flaw G4: the original wrote `unspecified` over the mode's 25.0, and lost the telescope.
    "CAL_FREQ": 25.0, "TELESCOP": "SHAO",
}  # fmt: skip
INCOHERENT_REGISTERS = {
    "FFT_SHIFT": 0xAAAAAAAA - (1 << 32),
    "DC_EN": 1,
    "SCALE_I": 65536,
    "SCALE_V": 65536,
    "OFFSET_I": 0,
    "OFFSET_V": 0,
}


@pytest.mark.parametrize(
    ("setting", "expected", "registers"),
    [
        (("INCO_MODE_64", "BANKA", 800.0, {"obs_frequency": 1500}),
         {"ACC_LEN": 512, "CHAN_BW": 12.5, "TBIN": 4.096e-05, "OBSBW": 800.0, "OBSFREQ": 1500.0, "OBSNCHAN": 64,
          "OBS_MODE": "SEARCH", "POL_TYPE": "IQUV", "PKTFMT": "1SFA", "NPOL": 4, "ONLY_I": 0, "CHAN_DM": 0.0,
          "CAL_MODE": "OFF", "BASE_BW": 1450},
         {"ACC_LENGTH": 511}),
        (("INCO_MODE_64", "BANKA", 800.0, {"only_i": 1}), {"ONLY_I": 1, "NPOL": 4}, {}),
        (("INCO_MODE_2048", "BANKA", None, {}),
         {"ACC_LEN": 16, "CHAN_BW": 0.732421875, "TBIN": 2.1845333333333334e-05, "OBSBW": 1500.0, "OBSFREQ": 2000.0},
         {"ACC_LENGTH": 15}),
        (("INCO_MODE_1024", "BANKB", -800.0,
         {"obs_frequency": 1400, "integration_time": 163.84e-6, "scale_i": 900, "scale_q": 0.5, "obs_mode": "fold",
          "nbin": 512, "tfold": 10}),
         {"ACC_LEN": 128, "CHAN_BW": -0.78125, "TBIN": 0.00016384, "OBSBW": -800.0, "OBS_MODE": "FOLD", "NBIN": 512,
          "TFOLD": 10.0, "DATAHOST": "10.17.0.72"},
         {"SCALE_I": 58982400, "SCALE_Q": 32768}),
    ],
)  # fmt: skip
def test_incoherent(
    status: StatusBuffer, setting: Setting, expected: dict[str, object], registers: dict[str, int]
) -> None:
    board = prepared_as(status, setting)
    values, wanted = status.read(), {**INCOHERENT_DEFAULTS, **expected}
    assert {key: values.get(key) for key in wanted} == wanted
    asked = {**INCOHERENT_REGISTERS, **registers}
    assert {name: board.read_int(name) for name in asked} == asked


CODD_512 = {"obs_frequency": 1430, "dm": 71.02, "scale_p0": 30.0, "scale_p1": 30.0}
SIZES_512: dict[str, object] = {
    "OBSBW": 100.0,
    "CHAN_BW": 1.5625,
    "OBSNCHAN": 64,
    "TBIN": 6.4e-07,
    "DS_TIME": 64,
    "OVERLAP": 1536,
    "FFTLEN": 65536,
    "BLOCSIZE": 131465216,
    "CHAN_DM": 71.02,
}


@pytest.mark.parametrize(
    ("setting", "expected", "registers"),
    [
        (("CODD_MODE_128", "BANKC", None, {"obs_frequency": 1430}),
         {"BANKNUM": 2, "OBSBW": 125.0, "CHAN_BW": 7.8125, "OBSNCHAN": 16, "OBSFREQ": 1238.59375, "TBIN": 1.28e-07,
          "DS_TIME": 256, "OVERLAP": 512, "FFTLEN": 32768, "BLOCSIZE": 134217728, "ACC_LEN": 1,
          "DATAHOST": "10.17.0.66", "POL_TYPE": "AABBCRCI", "BASE_BW": 450, "BACKEND": "GUPPI"},
         None),
        (("CODD_MODE_512", "BANKA", 800.0, CODD_512), {"BANKNUM": 0, "OBSFREQ": 1079.21875, **SIZES_512},
         {"N_CHAN": 9, "SCALE_P0": 1966080, "SCALE_P1": 1966080, "DC_EN": 1}),
        (("CODD_MODE_512", "BANKH", 800.0, CODD_512),
         {"BANKNUM": 7, "OBSFREQ": 1779.21875, "DATAHOST": "10.17.0.71", **SIZES_512}, None),
        (("CODD_MODE_64", "BANKB", -800.0, {"obs_frequency": 1500}),
         {"OBSBW": -100.0, "CHAN_BW": -12.5, "OBSFREQ": 1756.25, "TBIN": 8e-08, "DS_TIME": 512, "OVERLAP": 512,
          "FFTLEN": 32768, "BLOCSIZE": 134201344}, None),
    ],
)  # fmt: skip
def test_coherent(
    status: StatusBuffer,
    setting: Setting,
    expected: dict[str, object],
    registers: dict[str, int] | None,
) -> None:
    board = prepared_as(status, setting)
    values = status.read()
    assert {key: values.get(key) for key in expected} == expected
    if registers is None:
        assert board is None  # the master's board serves all nodes, even those that own one
    else:
        assert {name: board.read_int(name) for name in registers} == registers


def test_folding_takes_the_dispersion_from_the_par_file(
    status: StatusBuffer, tmp_path: Path
) -> None:
    (tmp_path / "example.par").write_text(
        "PSR  B0329+54\n\nF0 1.3995\nDM 15.5\nDM 99\n"
    )  # the original wrote an empty line
    parameters = {"obs_frequency": 820, "obs_mode": "coherent_fold", "dm": 3.0}
    backend = prepared(status, "CODD_MODE_2048", parameters, config_dir=tmp_path)
    values = status.read()
    expected = {
        "CHAN_DM": 15.5,
        "OBS_MODE": "COHERENT_FOLD",
        "DS_TIME": 1,
        "CHAN_BW": 0.48828125,
        "OBSNCHAN": 256,
        "OBSFREQ": 382.255859375,
        "TBIN": 2.048e-06,
        "OVERLAP": 1024,
        "FFTLEN": 32768,
        "BLOCSIZE": 131072000,
    }
    assert {key: values.get(key) for key in expected} == expected
    assert backend.setup.registers.read_int("N_CHAN") == 11
    backend.parameters.update({"par_file": "absent.par"})
    with pytest.raises(
        PulsarSetupError, match=r"absent\.par: No such file or directory; COHERENT_FOLD"
    ):
        backend.prepare()
    (tmp_path / "absent.par").write_text("DM about 15\n")
    with pytest.raises(PulsarSetupError, match="DM of the par file is 'about 15'"):
        backend.prepare()


def test_a_par_file_that_is_none_is_refused_and_not_waited_for(
    status: StatusBuffer, tmp_path: Path
) -> None:
    root = tmp_path / "config"
    root.mkdir()
    (tmp_path / "outside.par").write_text("DM 15.5\n")
    (root / "inside.par").write_text("DM 15.5\n")
    (root / "link.par").symlink_to(tmp_path / "outside.par")
    (root / "huge.par").write_bytes(b"C " * 2**20)
    os.mkfifo(root / "fifo.par")
    parameters = {"obs_frequency": 820, "obs_mode": "coherent_fold", "par_file": "inside.par"}
    backend = prepared(status, "CODD_MODE_2048", parameters, config_dir=root, file_roots=(root,))
    for given, says in (
        ("fifo.par", "is no regular file"),
        ("huge.par", "has more than 1048576 bytes"),
        ("link.par", "is not below the folders that files are read from"),
        ("../outside.par", "is not below the folders"),
        ("/etc/passwd", "is not below the folders"),
        ("/dev/zero", "is not below the folders"),
    ):
        backend.parameters.update({"par_file": given})
        with pytest.raises(PulsarSetupError, match=says):
            backend.prepare()


def test_master_programs_the_board_for_all_nodes(status: StatusBuffer) -> None:
    board = prepared(status, "CODD_MODE_64", {}).setup.registers
    history = list(board.history)
    assert history[0] == ("program", "dibas_codd_0064_t12_w095_p01_2013_Oct_02_1458.bof")
    taps = [entry for entry in history if entry[0] == "start_tap"]
    assert taps[0] == ("start_tap", "tap0", "tGX8_tGv20", "10.17.0.64", 60000, 0x02020A110040)
    assert taps[7][:4] == ("start_tap", "tap7", "tGX8_tGv27", "10.17.0.71")
    assert [board.read_int(f"IP_{i}") for i in range(8)] == list(range(168886273, 168886281))
    assert board.read_int("PT_7") == 60000
    # Flaw C4: the original emptied this phase because the other one, postarm, was empty.
    assert [entry for entry in history if entry[1] == "tenGB_reset"] == [
        ("write_int", "tenGB_reset", 1),
        ("write_int", "tenGB_reset", 0),
    ]
    arp = board.read("tGX8_tGv23", 2048, 0x3000)
    assert arp[8 * 8 : 9 * 8].hex() == "00000002c9e8a580"


def test_arms_once_when_the_program_runs(status: StatusBuffer) -> None:
    backend = make_backend(status, "INCO_MODE_64")
    backend.install()
    board = backend.setup.registers
    assert not [entry for entry in board.history if entry[1] == "ARM"]
    backend.finish()
    assert [entry[2] for entry in board.history if entry[1] == "ARM"] == [0, 1, 0]


def test_one_scale_for_all_four(status: StatusBuffer) -> None:
    # Flaw G1: the original's raised NameError.
    backend = prepared(status, "INCO_MODE_64", {"scale": 2.0, "scale_v": 0})
    assert [backend.setup.registers.read_int(f"SCALE_{x}") for x in "IQUV"] == [
        131072,
        131072,
        131072,
        0,
    ]
    assert backend.parameters.get("scale") == {
        "scale_i": 2.0,
        "scale_q": 2.0,
        "scale_u": 2.0,
        "scale_v": 0.0,
    }


def test_a_mode_is_prepared_when_it_is_set_and_says_what_it_is(status: StatusBuffer) -> None:
    # Flaws G3 and G5: no coherent mode had a BACKEND, and a scan without prepare took what an
    # earlier mode had left.
    for mode, bandwidth in (("INCO_MODE_64", 1500.0), ("CODD_MODE_64", 100.0)):
        status.update({"OBSBW": -1.0, "BACKEND": "VEGAS"})
        make_backend(status, mode).install()
        assert (status.get("BACKEND"), status.get("OBSBW")) == ("GUPPI", bandwidth)


@pytest.mark.parametrize("feed", ["LIN", "circ"])
def test_the_polarization_of_the_feed_is_taken_from_afar(status: StatusBuffer, feed: str) -> None:
    # Flaw B9: the original refused every text that came over the network.
    prepared(status, "INCO_MODE_64", {"feed_polarization": feed})
    assert status.get("FD_POLN") == feed.upper()


def test_mode_names_with_fast4k_and_calibration(status: StatusBuffer) -> None:
    prepared(status, "INCO_MODE_64", {"obs_mode": "CAL", "only_i": 1})
    values = status.read()
    assert (values["CAL_MODE"], values["ONLY_I"]) == ("ON", 0)


@pytest.mark.parametrize(
    ("mode", "parameters", "says"),
    [
        (
            "INCO_MODE_64",
            {"integration_time": 1e-9},
            r"integration_time 1e-09 s is out of range: 4\.26667e-08 to",
        ),
        ("INCO_MODE_64", {"integration_time": 1.0}, "out of range"),
        ("CODD_MODE_64", {"obs_frequency": 300}, "begins at -100 MHz; expected more than 400 MHz"),
        ("CODD_MODE_64", {"obs_frequency": 450, "dm": 1e5}, "dm 100000 pc/cm3 smears a channel"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_sent(
    status: StatusBuffer, mode: str, parameters: dict[str, Any], says: str
) -> None:
    backend = make_backend(status, mode)
    backend.install()
    before = status.read()
    backend.parameters.update(parameters)
    with pytest.raises(PulsarSetupError, match=says):
        backend.prepare()
    assert status.read() == before


def test_parameters_are_checked(status: StatusBuffer) -> None:
    backend = make_backend(status, "CODD_MODE_64")
    for values, says in (
        ({"obs_mode": "SEARCH"}, "not one of COHERENT_SEARCH"),
        ({"scale_p0": 65536}, "out of range: at least 0 and up to 65536"),
        ({"dm": -1}, "at least 0"),
        ({"_node_number": 8}, "not within 0 to 7"),
        ({"feed_polarization": "left"}, "not one of LIN, CIRC"),
    ):
        with pytest.raises(ParameterError, match=says):
            backend.parameters.update(values)


def test_a_bank_that_is_no_node_is_refused(status: StatusBuffer) -> None:
    backend = make_backend(status, "CODD_MODE_64")
    with pytest.raises(
        PulsarSetupError, match="BANKX is no node of CODD_MODE_64, which has BANKA, BANKB"
    ):
        type(backend)(replace(backend.setup, bank_name="BANKX"))


def test_a_fast_mode_records_total_power_in_small_packets(status: StatusBuffer) -> None:
    shipped = make_backend(status, "INCO_MODE_64")
    backend = type(shipped)(replace(shipped.setup, mode_name="INCO_FAST4K_64"))
    backend.install()
    backend.parameters.update({"only_i": 1})
    backend.prepare()
    values = status.read()
    assert {key: values[key] for key in ("PKTFMT", "POL_TYPE", "NPOL", "ONLY_I")} == {
        "PKTFMT": "FAST4K",
        "POL_TYPE": "AA+BB",
        "NPOL": 1,
        "ONLY_I": 0,
    }
    assert read_pulsar_setup(values).pol_type == "AA+BB"


@pytest.mark.parametrize(
    ("mode", "obs_mode", "recording", "pol_type", "sample_time"),
    [
        ("INCO_MODE_64", "search", "SEARCH", "IQUV", 512 * 64 / 1500e6),
        ("INCO_MODE_2048", "cal", "CAL", "IQUV", 2.1845333333333334e-05),
        ("CODD_MODE_128", "coherent_search", "SEARCH", "AABBCRCI", 256 * 1.28e-7),
        ("CODD_MODE_128", "coherent_cal", "CAL", "AABBCRCI", 1.28e-7),
        ("CODD_MODE_128", "raw", "RAW", "AABBCRCI", 1.28e-7),
    ],
)
def test_what_is_prepared_is_what_the_data_taking_program_reads(
    status: StatusBuffer,
    mode: str,
    obs_mode: str,
    recording: str,
    pol_type: str,
    sample_time: float,
) -> None:
    prepared(status, mode, {"obs_mode": obs_mode, "scan_length": 7.0})
    found = read_pulsar_setup(status.read())
    assert (found.recording, found.pol_type, found.scan_length) == (recording, pol_type, 7.0)
    assert found.is_coherent == obs_mode.startswith("coherent")
    assert found.sample_time == pytest.approx(sample_time, rel=1e-12)
