"""The low-bandwidth Backends against the original: its numbers, registers
and order of work."""

from __future__ import annotations

from typing import Any

import pytest
from support.backends import STANDARD, installed, make_backend

from spectrometer.derive.rounding import CORRECTED, ORIGINAL
from spectrometer.derive.switching import PhaseRequest
from spectrometer.errors import ParameterError
from spectrometer.status import StatusBuffer

# mode, spec_tick, acc_len, hwexposr, FPGACLK, EFSAMPFR, CHAN_BW, OBSBW, EXPOSURE, expoclks,
# _SBLK_01, ssg_length, LUT
KNOWN = [
    ("MODE4", 6.826666666666666e-07, 14648, 0.009999701333333333, 187500000.0, 375000000.0, 5722.0458984375,
     187500000.0, 0.128385024, 24072192, 0.0020971519999999997, 188064,
     "0001800500157504000180070015750600018001001575000001800300157502"),
    ("MODE6", 6.826666666666666e-07, 43945, 0.029999786666666667, 187500000.0, 375000000.0, 1430.511474609375,
     187500000.0, 0.12838775466666666, 24072704, 0.0020971519999999997, 188068,
     "0001800500157524000180070015752600018001001575200001800300157522"),
    ("MODE8", 1.28e-06, 15625, 0.02, 100000000.0, 200000000.0, 1525.87890625,
     100000000.0, 0.17048576, 17048576, 0.00262144, 133192,
     "00010005000f424400010007000f424600010001000f424000010003000f4242"),
    ("MODE10", 6.826666666666666e-07, 7324, 0.0049998506666666664, 187500000.0, 46875000.0, 715.2557373046875,
     23437500.0, 0.111181824, 20846592, 0.0027962026666666666, 162864,
     "000200050011e184000200070011e186000200010011e180000200030011e182"),
    ("MODE12", 6.826666666666666e-07, 43945, 0.029999786666666667, 187500000.0, 46875000.0, 178.81393432617188,
     23437500.0, 0.142368768, 26694144, 0.005592405333333333, 208548,
     "0004000500157524000400070015752600040001001575200004000300157522"),
    ("MODE15", 1.3653333333333333e-06, 3662, 0.0049998506666666664, 93750000.0, 23437500.0, 357.62786865234375,
     11718750.0, 0.111181824, 10423296, 0.0027962026666666666, 81432,
     "000100050008f0c4000100070008f0c6000100010008f0c0000100030008f0c2"),
    ("MODE17", 1.3653333333333333e-06, 21973, 0.03000046933333333, 93750000.0, 23437500.0, 89.40696716308594,
     11718750.0, 0.16474112, 15444480, 0.011184810666666666, 120660,
     "00040005000abaa400040007000abaa600040001000abaa000040003000abaa2"),
    ("MODE19", 1.3653333333333333e-06, 54932, 0.07500049066666667, 93750000.0, 23437500.0, 22.351741790771484,
     11718750.0, 0.47895893333333334, 44902400, 0.044739242666666665, 350800,
     "00100005001ad28400100007001ad28600100001001ad28000100003001ad282"),
    ("MODE20", 6.826666666666666e-07, 7324, 0.0049998506666666664, 187500000.0, 46875000.0, 5722.0458984375,
     23437500.0, 0.10838562133333333, 20322304, 0.0020971519999999997, 158768,
     "000180050011e184000180070011e186000180010011e180000180030011e182"),
    ("MODE22", 6.826666666666666e-07, 43945, 0.029999786666666667, 187500000.0, 46875000.0, 1430.511474609375,
     23437500.0, 0.12838775466666666, 24072704, 0.0020971519999999997, 188068,
     "0001800500157524000180070015752600018001001575200001800300157522"),
    ("MODE25", 1.024e-06, 6836, 0.007000064, 125000000.0, 31250000.0, 3814.697265625,
     15625000.0, 0.120389632, 15048704, 0.002097152, 117568,
     "00010005000d5a0400010007000d5a0600010001000d5a0000010003000d5a02"),
    ("MODE27", 1.024e-06, 39063, 0.040000512, 125000000.0, 31250000.0, 953.67431640625,
     15625000.0, 0.168390656, 21048832, 0.002097152, 164444,
     "00010005001312e400010007001312e600010001001312e000010003001312e2"),
    ("MODE29", 1.024e-06, 97656, 0.099999744, 125000000.0, 31250000.0, 238.4185791015625,
     15625000.0, 0.416776192, 52097024, 0.004194304, 407008,
     "00020005002faf0400020007002faf0600020001002faf0000020003002faf02"),
]  # fmt: skip

SUB_1500 = [
    299926757.8125,
    320068359.375,
    340026855.46875,
    359985351.5625,
    400085449.21875,
    420043945.3125,
    440002441.40625,
    459960937.5,
]
SUB_1000 = [
    300048828.125,
    319946289.0625,
    339965820.3125,
    359985351.5625,
    400024414.0625,
    420043945.3125,
    439941406.25,
    459960937.5,
]


def subbands(mode: str) -> tuple[int, list[float], list[float]]:
    """Sub-bands of a mode, what the check asks for, and what the original made of it."""
    number = int(mode.removeprefix("MODE"))
    if number < 10:
        return 1, [], [(1500e6 if number < 7 else 800e6) / 2] * 8
    if number < 20:
        return 1, [300e6], [299926757.8125 if number < 15 else 300018310.546875] * 8
    wanted = [f * 1e6 for f in (300, 320, 340, 360, 400, 420, 440, 460)]
    return 8, wanted, SUB_1500 if number < 25 else SUB_1000


@pytest.mark.parametrize(
    (
        "mode",
        "tick",
        "acc_len",
        "hwexposr",
        "fpga",
        "sampler",
        "chan_bw",
        "obs_bw",
        "exposure",
        "clocks",
        "blanking",
        "length",
        "lut",
    ),
    KNOWN,
    ids=[row[0] for row in KNOWN],
)
@pytest.mark.parametrize("rounding", [ORIGINAL, CORRECTED], ids=["original", "corrected"])
def test_standard_check(
    status: StatusBuffer,
    rounding: Any,
    mode: str,
    tick: float,
    acc_len: int,
    hwexposr: float,
    fpga: float,
    sampler: float,
    chan_bw: float,
    obs_bw: float,
    exposure: float,
    clocks: int,
    blanking: float,
    length: int,
    lut: str,
) -> None:
    # In these modes no product falls below its integer: the corrected rounding has the original's
    # figures.
    backend = installed(status, mode, rounding=rounding)
    count, wanted, centres = subbands(mode)
    cross = int(mode.removeprefix("MODE")) > 9
    backend.parameters.update({"polarization": "CROSS" if cross else "SELF", "exposure": 0.1})
    if wanted:
        backend.parameters.update({"subband_freq": wanted})
    assert backend.set_gbt_phases(0.1, STANDARD) == 8
    backend.prepare()
    board, values = backend.setup.registers, status.read()
    assert (backend.clocks().spec_tick, backend.hardware_exposure()[0]) == (tick, acc_len)
    assert (board.read_int("ssg_length"), board.read("ssg_lut_bram", 32).hex()) == (length, lut)
    assert board.read_int("ssg_ms_sel") == 0
    expected: dict[str, object] = {
        "HWEXPOSR": hwexposr, "FPGACLK": fpga, "EFSAMPFR": sampler, "CHAN_BW": chan_bw, "OBSBW": obs_bw,
        "EXPOSURE": exposure, "EXPOCLKS": clocks, "SWPERIOD": pytest.approx(exposure, rel=1e-12),
        "_SBLK_01": pytest.approx(blanking, rel=1e-15), "NUMPHASE": 4, "SWPERINT": 1, "NPOL": 2, "NBITS": 8,
        "NBITSADC": 8, "PKTFMT": "SPEAD", "NOISESRC": "OFF", "SWMASTER": "VEGAS", "NMSTOKES": 4 if cross else 2,
        "NSUBBAND": count, "CRPIX1": backend.mode.nchan // 2 + 1, "BASE_BW": backend.mode.filter_bw_mhz,
        "BOFFILE": backend.mode.bof_file, "DATAPORT": 60000, "DATAHOST": "10.17.0.64", "DATADIR": "/data",
        "OBS_MODE": "LBW", "BW_MODE": "low", "BACKEND": "VEGAS", "M_STTMJD": 0, "M_STTOFF": 0,
        "CAL_FREQ": "unspecified",
        **{f"_SCAL_{n:02d}": v for n, v in enumerate((1, 0, 1, 0), 1)},
        **{f"_SSRF_{n:02d}": v for n, v in enumerate((0, 0, 1, 1), 1)},
        **{f"SUB{n}FREQ": centre for n, centre in enumerate(centres)},
    }  # fmt: skip
    assert {key: values.get(key) for key in expected} == expected
    assert [values[f"_SPHS_{n:02d}"] for n in (1, 2, 3, 4)] == pytest.approx(
        [0, 0.25, 0.5, 0.75], abs=1e-7
    )


def test_registers_of_one_and_of_eight_subbands(status: StatusBuffer) -> None:
    for mode, count, select in (("MODE10", 1, 1), ("MODE20", 8, 0)):
        backend = installed(status, mode)
        registers = backend.register_values
        assert (registers["mode_sel"], registers["s0_quant_gain"], registers["s0_mixer_cnt"]) == (
            select,
            1024,
            1022,
        )
        assert sum(name.endswith("_mixer_cnt") for name in registers) == count
        assert sum(name.endswith("_lo_ram") for name in registers) == 16 * count
        board = backend.setup.registers
        assert (
            board.read("s0_lo_1_lo_ram", 8).hex() == "00007fff00007fff"
        )  # a quarter of the rate, as by default


def test_gains(status: StatusBuffer) -> None:
    backend = installed(status, "MODE4")
    assert backend.setup.registers.read_int("gain") == 1610612736
    backend.parameters.update({"gain": 2048})
    backend.prepare()
    assert backend.setup.registers.read_int("gain") == 2048
    backend = installed(status, "MODE20")
    backend.parameters.update(
        {"gain": 7}
    )  # the original made a list too short for eight sub-bands of it
    backend.prepare()
    assert [backend.setup.registers.read_int(f"s{n}_quant_gain") for n in range(8)] == [7] * 8
    backend.parameters.update({"gain": list(range(8))})
    backend.prepare()
    assert [backend.setup.registers.read_int(f"s{n}_quant_gain") for n in range(8)] == list(
        range(8)
    )


@pytest.mark.parametrize(
    ("mode", "values", "says"),
    [
        ("MODE10", {"subband_freq": [300, 320]}, "2 centres; expected one, or one for each of 8"),
        ("MODE20", {"subband_freq": [300]}, "1 centres; expected 8, MODE20 has 8 sub-bands"),
        (
            "MODE10",
            {"subband_freq": [1600]},
            "1600 MHz is outside of the sampled band, 0 to 1500 MHz",
        ),
        ("MODE10", {"subband_freq": [-300]}, "outside of the sampled band"),
        ("MODE10", {"subband_freq": ["there"]}, "there is no number of MHz or Hz"),
        ("MODE4", {"gain": [1, 2, 3]}, "3 gains; expected one"),
        ("MODE4", {"gain": -1}, "not within 0"),
        ("MODE4", {"subband_freq": [300]}, "no such parameter"),
    ],
)
def test_refused_values_are_named(
    status: StatusBuffer, mode: str, values: dict[str, Any], says: str
) -> None:
    backend = make_backend(status, mode)
    with pytest.raises(ParameterError, match=says):
        backend.parameters.update(values)


def test_one_phase_of_a_second_unless_set(status: StatusBuffer) -> None:
    for mode, granules, lut, extra in (
        ("MODE4", 1479448, "02d26306", {"SWPERINT": 1}),
        (
            "MODE10",
            1472124,
            "02cecf86",
            {
                "SUB0FREQ": 750000000.0,
                "SUB7FREQ": 750000000.0,
                "CHAN_BW": 715.2557373046875,
                "OBSBW": 23437500.0,
            },
        ),
    ):
        backend = installed(status, mode)
        board, values = backend.setup.registers, status.read()
        assert (board.read_int("ssg_length"), board.read("ssg_lut_bram", 4).hex()) == (
            granules,
            lut,
        )
        wanted = {"EXPOCLKS": 187494400, "EXPOSURE": 0.9999701333333333, **extra}
        assert {key: values[key] for key in wanted} == wanted
    backend = installed(status, "MODE4")
    backend.parameters.update({"exposure": 0.25})
    backend.prepare()
    values = status.read()
    assert (values["EXPOCLKS"], values["EXPOSURE"], values["SWPERINT"]) == (
        46873600,
        0.24999253333333332,
        0,
    )


def test_blanking_only_where_asked(status: StatusBuffer) -> None:
    backend = installed(status, "MODE4")
    backend.clear_phases()
    for duration, blank, cal, ref in (
        (0.05, 1, 0, 0),
        (0.2, 0, 0, 0),
        (0.25, 0, 1, 0),
        (0.05, 1, 0, 1),
        (0.20, 0, 0, 1),
        (0.25, 0, 1, 1),
    ):
        backend.add_phase(
            PhaseRequest(duration=duration, blank=bool(blank), cal=bool(cal), sr1=bool(ref))
        )
    backend.prepare()
    board, values = backend.setup.registers, status.read()
    assert [phase.granules for phase in backend.cycle().phases] == [
        73472,
        307608,
        380848,
        73472,
        307608,
        380848,
    ]
    assert (
        board.read("ssg_lut_bram", 24).hex() == "0023e0070096330600b9f6040023e0030096330200b9f600"
    )
    assert (values["EXPOSURE"], values["EXPOCLKS"]) == (1.040285696, 195053568)
    assert values["SWPERIOD"] == pytest.approx(1.040285696, rel=1e-12)
    assert [values[f"_SPHS_{n:02d}"] for n in (1, 2, 3, 4)] == [
        0,
        0.2500761226782583,
        0.5,
        0.7500761226782582,
    ]
    assert [values[f"_SBLK_{n:02d}"] for n in (1, 2, 3, 4)] == [
        0.05015688533333333,
        0,
        0.05015688533333333,
        0,
    ]


def test_hardware_is_set_up_in_the_originals_order(status: StatusBuffer) -> None:
    board = installed(status, "MODE20").setup.registers
    kinds = [entry[0] for entry in board.history]
    names = [entry[1] for entry in board.history]
    assert kinds[0] == "program"
    assert (
        names.index("tap0")
        < names.index("sg_sync")
        < names.index("ssg_length")
        < names.index("s0_quant_gain")
    )
    assert [entry for entry in board.history if entry[1] == "reset"] == [
        ("write_int", "reset", 0),
        ("write_int", "reset", 1),
        ("write_int", "reset", 2),
    ]
    assert names[-1].endswith("lo_ram")


def test_inverted_band_keeps_its_sign(status: StatusBuffer) -> None:
    # Flaw V10: the original lost the sign in these modes and wrote a positive EFSAMPFR.
    backend = installed(status, "MODE4", frequency_mhz=-1500.0)
    values = status.read()
    assert (values["EFSAMPFR"], values["CHAN_BW"], values["OBSBW"]) == (
        -375e6,
        -5722.0458984375,
        -187500000.0,
    )
    assert (values["_MFQR_01"], values["SUB0FREQ"]) == (5722.0458984375, 750000000.0)
    assert backend.setup.registers.read_int("ssg_length") == 1479448
