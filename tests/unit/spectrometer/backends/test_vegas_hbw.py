"""The high-bandwidth Backend against the original: its numbers and order of
work (6.3.6)."""

from __future__ import annotations

import dataclasses
import struct

import pytest
from support.backends import STANDARD, installed, make_backend

from spectrometer.config import SynthConfig
from spectrometer.derive.rounding import CORRECTED
from spectrometer.derive.switching import PhaseRequest
from spectrometer.errors import SwitchingError
from spectrometer.instruments.registers import MemorySynthesizer
from spectrometer.status import StatusBuffer
from zmqjsonproxy.errors import RefusedError


@pytest.mark.parametrize(
    ("mode", "registers", "expected", "lut"),
    [
        (
            "MODE1",
            {"acc_len": 768, "ssg_length": 147452, "ssg_ms_sel": 0, "sg_period": 704643070, "fftshift": 0x5555},
            {"HWEXPOSR": 0.0005242879999999999, "FPGACLK": 187500000.0, "EFSAMPFR": 3000000000.0,
             "CHAN_BW": 1464843.75, "OBSBW": 1500000000.0, "EXPOSURE": 0.10066056533333333,
             "SWPERIOD": 0.10066056533333333, "_SBLK_01": 0.0020964693333333333, "CRPIX1": 513, "BASE_BW": 1450,
             "BOFFILE": "h1k_ver105_2013_Dec_02_1551.bof", "SUB0FREQ": 750000000.0, "SUB7FREQ": 750000000.0},
            "00017fe50010800400017fe70010800600017fe10010800000017fe300108002",
        ),
        (
            "MODE3",
            {"acc_len": 384, "ssg_length": 4608, "ssg_ms_sel": 0},
            {"HWEXPOSR": 0.012582912000000002, "FPGACLK": 62500000.0, "EFSAMPFR": 1000000000.0,
             "CHAN_BW": 30517.578125, "OBSBW": 500000000.0, "EXPOSURE": 0.150994944,
             "SWPERIOD": pytest.approx(0.150994944, rel=1e-12),  # the original shows 12 digits
             "_SBLK_01": 0.012582912000000002, "CRPIX1": 8193, "BASE_BW": 450, "SUB0FREQ": 250000000.0},
            "0000300500006004000030070000600600003001000060000000300300006002",
        ),
    ],
)  # fmt: skip
def test_standard_check(
    status: StatusBuffer,
    mode: str,
    registers: dict[str, int],
    expected: dict[str, object],
    lut: str,
) -> None:
    backend = installed(status, mode)
    backend.parameters.update({"polarization": "SELF", "exposure": 0.1})
    assert backend.set_gbt_phases(0.1, STANDARD) == 8
    backend.prepare()
    board, values = backend.setup.registers, status.read()
    assert {name: board.read_int(name) for name in registers} == registers
    assert board.read("ssg_lut_bram", 32).hex() == lut
    common: dict[str, object] = {
        "_SCAL_01": 1, "_SCAL_02": 0, "_SCAL_03": 1, "_SCAL_04": 0, "_SSRF_01": 0, "_SSRF_02": 0, "_SSRF_03": 1,
        "_SSRF_04": 1, "NUMPHASE": 4, "SWPERINT": 1, "NPOL": 2, "NBITS": 8, "NBITSADC": 8, "PKTFMT": "SPEAD",
        "NOISESRC": "OFF", "SWMASTER": "VEGAS", "M_STTMJD": 0, "M_STTOFF": 0, "NMSTOKES": 2, "DATAPORT": 60000,
        "DATAHOST": "10.17.0.64", "DATADIR": "/data", "PROJID": "JUNK", "BACKEND": "VEGAS", "OBS_MODE": "HBW",
        "BW_MODE": "high", "MODENUM": mode, "BANKNAM": "BANKA", "_SWSGPLY": 0, "TELESCOP": "SHAO", "SIMULATE": 1,
        **dict.fromkeys(("CAL_DCYC", "CAL_FREQ", "CAL_MODE", "CAL_PHS", "FILENUM", "NPKT", "OBSFREQ", "OBSERVER",
                         "OBSID", "SWVER"), "unspecified"),
    }  # fmt: skip
    wanted = {**common, **expected}
    assert {key: values.get(key) for key in wanted} == wanted
    assert [values[f"_SPHS_{n:02d}"] for n in (1, 2, 3, 4)] == pytest.approx(
        [0, 0.25, 0.5, 0.75], abs=1e-7
    )


def test_default_phase_is_one_second_after_the_first_prepare(status: StatusBuffer) -> None:
    backend = installed(status, "MODE1")
    board = backend.setup.registers
    assert (board.read_int("ssg_length"), board.read("ssg_lut_bram", 4).hex()) == (0, "00000006")
    backend.prepare()
    assert (board.read_int("ssg_length"), board.read("ssg_lut_bram", 4).hex()) == (
        1465344,
        "02cb8006",
    )
    values = status.read()
    wanted = {"EXPOSURE": 1.0003414986666668, "SWPERIOD": 1, "SWPERINT": 1, "NUMPHASE": 1}
    assert {key: values[key] for key in wanted} == wanted


def test_two_switched_states_of_half_a_second(status: StatusBuffer) -> None:
    backend = installed(status, "MODE1")
    backend.clear_phases()
    for cal in (True, False):
        backend.add_phase(PhaseRequest(duration=0.002, blank=True, cal=cal))
        backend.add_phase(PhaseRequest(duration=0.498, cal=cal))
    backend.prepare()
    board, values, cycle = backend.setup.registers, status.read(), backend.cycle()
    assert [phase.granules for phase in cycle.phases] == [3071, 729600, 3071, 729600]
    assert board.read_int("ssg_length") == 1465342
    assert board.read("ssg_lut_bram", 16).hex() == "00017fe50164400400017fe701644006"
    assert (values["EXPOSURE"], backend.exposure(cycle).clocks) == (1.0003401386666666, 187563776)
    assert values["SWPERIOD"] == pytest.approx(1.0003401386666666, rel=1e-12)
    assert (values["NUMPHASE"], values["_SBLK_01"]) == (2, 0.0020964693333333333)


@pytest.mark.parametrize(
    ("mode", "frequency", "parameters", "switched", "clocks"),
    [
        ("MODE1", None, {"exposure": 0.1}, True, 18873856),
        ("MODE3", None, {"exposure": 0.1}, True, 9437184),
        ("MODE1", None, {"exposure": 1.0}, False, 187564031),
        ("MODE1", -1500.0, {"exposure": 0.5}, False, 93782015),
        ("MODE1", None, {"hwexposr": 0.001, "exposure": 0.01}, False, 1875200),
    ],
)
def test_clocks_of_an_exposure(
    status: StatusBuffer,
    mode: str,
    frequency: float | None,
    parameters: dict[str, float],
    switched: bool,
    clocks: int,
) -> None:
    backend = installed(status, mode, frequency_mhz=frequency)
    backend.parameters.update(parameters)
    if switched:
        backend.set_gbt_phases(0.1, STANDARD)
    assert backend.exposure(backend.cycle()).clocks == clocks


@pytest.mark.parametrize(
    ("polarization", "stokes"), [("SELF", 2), ("SELF1", 1), ("SELF2", 1), ("cross", 4)]
)
def test_polarizations_and_what_is_recorded_of_them(
    status: StatusBuffer, polarization: str, stokes: int
) -> None:
    backend = installed(status, "MODE1")
    backend.parameters.update({"polarization": polarization})
    backend.prepare()
    assert (status.get("POLARIZE"), status.get("NMSTOKES")) == (polarization.upper(), stokes)


def test_noise_diode_and_reference_switched_from_master_and_slave(status: StatusBuffer) -> None:
    for bank, select, inside in (("BANKA", 0, 1), ("BANKB", 14, 0)):
        backend = installed(status, "MODE1", bank=bank)
        backend.parameters.update({"exposure": 2.0, "source_ra_dec": "03:14:15.9 +26:37:10.11"})
        backend.clear_phases()
        for cal in (True, False):
            for ref in (True, False):
                backend.add_phase(PhaseRequest(duration=0.01, blank=True, cal=cal, sr1=ref))
                backend.add_phase(PhaseRequest(duration=0.09, cal=cal, sr1=ref))
        backend.prepare()
        board, values = backend.setup.registers, status.read()
        assert board.read_int("ssg_length") == 589820
        assert board.read("ssg_lut_bram", 32).hex() == (
            "00077fe10040800000077fe50040800400077fe30040800200077fe700408006"
        )
        assert board.read_int("ssg_ms_sel") == select
        assert (values["SWPERIOD"], values["EXPOSURE"]) == (0.4026504533333333, 2.0132522666666666)
        assert values["SWPERINT"] == 5
        assert [values[f"_SCAL_{n:02d}"] for n in (1, 2, 3, 4)] == [1, 1, 0, 0]
        assert [values[f"_SSRF_{n:02d}"] for n in (1, 2, 3, 4)] == [1, 0, 1, 0]
        assert [values[f"_AICL_{n:02d}"] for n in (1, 2, 3, 4)] == [inside, inside, 0, 0]
        assert [values[f"_AECL_{n:02d}"] for n in (1, 2, 3, 4)] == [1 - inside, 1 - inside, 0, 0]
        assert (values["RA"], values["DEC"]) == (pytest.approx(48.56625), pytest.approx(26.619475))
    assert values["DATAHOST"] == "10.17.0.72"


@pytest.mark.parametrize(
    ("mode", "asked"), [("MODE1", 1433.5), ("MODE1", -1433.5), ("MODE20", 1433.5)]
)
def test_all_numbers_follow_the_frequency_that_the_synthesizer_makes(
    status: StatusBuffer, mode: str, asked: float
) -> None:
    """With the reference divided by 3, steps are 10/3/333 MHz: 2867 MHz is 860 times 10/3 MHz and
    33.3 of them."""
    config = SynthConfig.model_validate({"via": "local", "options": {"divider": 3}})

    class Stepping(MemorySynthesizer):
        def set_frequency(self, synthesizer: int, megahertz: float) -> float:
            return super().set_frequency(synthesizer, config.reachable(megahertz))

    backend = make_backend(status, mode, frequency_mhz=asked)
    backend.setup = dataclasses.replace(backend.setup, synthesizer=Stepping())
    backend.install()
    backend.prepare()
    true = 10 / 3 * (860 + 33 / 333) / 2
    assert true == pytest.approx(1433.49849850)
    assert abs(backend.setup.frequency_mhz) == pytest.approx(true, rel=1e-12)
    assert backend.setup.asked_mhz == asked
    values = status.read()
    assert values["FPGACLK"] == pytest.approx(true * 1e6 / 8, rel=1e-12)
    assert values["SUB0FREQ"] == pytest.approx(true * 1e6 / 2, rel=1e-12)


def test_inverted_band_keeps_its_sign_where_it_belongs(status: StatusBuffer) -> None:
    backend = installed(status, "MODE1", frequency_mhz=-1500.0)
    backend.parameters.update({"exposure": 0.5})
    backend.prepare()
    values = status.read()
    wanted = {
        "EFSAMPFR": -3e9,
        "CHAN_BW": -1464843.75,
        "OBSBW": -1.5e9,
        "_MFQR_01": 1464843.75,
        "FPGACLK": 187500000.0,
        "SUB0FREQ": 750000000.0,
        "EXPOSURE": 0.5001707466666667,
    }
    assert {key: values[key] for key in wanted} == wanted
    assert backend.setup.synthesizer.frequencies == {0: 1500.0}


def test_hardware_exposure_is_a_whole_number_of_spectra(status: StatusBuffer) -> None:
    backend = installed(status, "MODE1")
    backend.parameters.update({"hwexposr": 0.001, "exposure": 0.01})
    backend.prepare()
    values = status.read()
    assert backend.setup.registers.read_int("acc_len") == 1465
    assert (values["HWEXPOSR"], values["EXPOSURE"]) == (0.0010001066666666667, 0.010001066666666667)


def test_states_of_a_longer_cycle_do_not_stay_behind(status: StatusBuffer) -> None:
    backend = installed(status, "MODE1")
    backend.set_gbt_phases(0.1, STANDARD)
    backend.prepare()
    backend.set_gbt_phases(0.1, STANDARD[:1])
    backend.prepare()
    assert [key for key in status.read() if key.startswith("_SCAL_")] == ["_SCAL_01"]


def test_hardware_is_set_up_in_the_originals_order(status: StatusBuffer) -> None:
    board = installed(status, "MODE1").setup.registers
    history = list(board.history)
    names = [entry[1] for entry in history]
    assert history[0] == ("program", "h1k_ver105_2013_Dec_02_1551.bof")
    assert history[1] == ("start_tap", "tap0", "gbe0", "10.17.0.64", 60000, 0x02020A110040)
    assert history[2:4] == [("write_int", "dest_ip", 168886273), ("write_int", "dest_port", 60000)]
    assert names[4] == "gbe0"
    assert names[5:8] == ["sg_period", "acc_len", "fftshift"]
    assert [entry[1:] for entry in history[8:16]] == [
        ("sg_sync", 0x12),
        ("arm", 0),
        ("arm", 1),
        ("arm", 0),
        ("arm", 1),
        ("arm", 0),
        ("sg_sync", 0x11),
        (0x38, bytes([0x09])),
    ]
    table = struct.unpack(">256Q", board.read("gbe0", 2048, 0x3000))
    assert table[1] == 0x0002C9EBC940
    assert table[9] == 0x0002C9E8AAB0
    assert sum(1 for mac in table if mac) == 9


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({}, 0x09),
        ({"filter_bw": 450}, 0x01),
        ({"filter_bw": 1900}, 0x19),
        ({"noise_source": 1, "noise_tone_1": 1}, 0x0A),
        ({"noise_source": 1, "noise_tone_1": 1, "noise_tone_2": 1}, 0x0E),
    ],
)
def test_filters_and_noise_source_as_i2c_word(
    status: StatusBuffer, parameters: dict[str, int], word: int
) -> None:
    backend = make_backend(status, "MODE1")
    backend.parameters.update(parameters)
    assert backend.i2c_word() == word
    assert backend.compute()[0]["NOISESRC"] == ("ON" if parameters.get("noise_source") else "OFF")


def test_filter_that_the_bank_has_not_is_refused_with_those_it_has(status: StatusBuffer) -> None:
    with pytest.raises(
        RefusedError, match=r"800 MHz is no filter of BANKA; it has \[450, 1450, 1900\]"
    ):
        make_backend(status, "MODE1").parameters.update({"filter_bw": 800})


def test_bank_without_a_board_still_has_its_values(status: StatusBuffer) -> None:
    backend = installed(status, "MODE1", bank="BANKE")
    assert backend.setup.registers is None
    assert status.get("EXPOSURE") == 1.0003414986666668
    assert status.get("DATAHOST") == "unspecified"


def test_channels_set_by_the_user_change_the_granule(status: StatusBuffer) -> None:
    # Flaw V1: the original kept the image's spec_tick.
    backend = installed(status, "MODE2")
    backend.parameters.update({"nchan": 1024, "hwexposr": 0.000524288})
    assert backend.clocks().spec_tick == 6.826666666666666e-07


def test_user_wins_over_mode_bank_and_instrument(status: StatusBuffer) -> None:
    backend = make_backend(status, "MODE1")
    assert backend.compute()[0]["TELESCOP"] == "SHAO"
    backend.parameters.update({"telescope": "TM65"})
    assert backend.compute()[0]["TELESCOP"] == "TM65"


def test_phase_longer_than_the_generator_holds_is_refused_and_changes_nothing(
    status: StatusBuffer,
) -> None:
    backend = installed(status, "MODE1")
    before = backend.cycle()
    with pytest.raises(SwitchingError, match=r"expected 6\.83e-07 to 91\.63 s in this mode"):
        backend.add_phase(PhaseRequest(duration=200.0))
    assert backend.cycle() == before


def test_corrected_rounding_keeps_every_granule(status: StatusBuffer) -> None:
    # The original: 147452 granules; four blanking phases of 3072 and four open ones of
    # 33792 are 147456.
    backend = installed(status, "MODE1", rounding=CORRECTED)
    backend.parameters.update({"exposure": 0.1})
    backend.set_gbt_phases(0.1, STANDARD)
    backend.prepare()
    assert backend.setup.registers.read_int("ssg_length") == 147456
    assert status.get("EXPOSURE") == pytest.approx(0.100663296)
