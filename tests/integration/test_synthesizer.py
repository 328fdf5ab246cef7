"""The clients of synthesizers against simulators of one on a board and one on a serial line, and
every fault of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.backends import shipped

from spectrometer.config import SynthConfig
from spectrometer.instruments.errors import BoardError, SynthesizerError
from spectrometer.instruments.roach import Roach
from spectrometer.instruments.simulators.images import images_of
from spectrometer.instruments.simulators.roach import BoardSimulator
from spectrometer.instruments.simulators.valon import LABEL, ValonTerminal
from spectrometer.instruments.valon import KatcpValon, SamplerClock, SerialValon, Valon, make_valon
from spectrometer.modes import load_modes

IMAGES = images_of(load_modes(shipped()).values())
TIMEOUT_S = 5.0


@pytest.fixture(params=["katcp", "serial"])
def valon(
    request: pytest.FixtureRequest,
) -> Iterator[tuple[Valon, SamplerClock, Callable[..., None]]]:
    if request.param == "katcp":
        with BoardSimulator(IMAGES) as simulator:
            board = Roach("127.0.0.1", simulator.port, TIMEOUT_S)
            config = SynthConfig(via="katcp")
            made = make_valon(config, board)
            assert isinstance(made, KatcpValon)
            made.open()
            yield (
                made,
                SamplerClock(made, config),
                lambda *fault: board.request("sim-fault", list(fault)) and None,
            )
            board.close()
        return
    with ValonTerminal() as terminal:
        config = SynthConfig(via="local", port=terminal.path)
        local = make_valon(config, None)

        def fault(kind: str, _what: str = "") -> None:
            if kind == "unlocked":
                terminal.valon.locked = False
            else:
                terminal.fault = {"none": ""}.get(kind, kind)

        yield local, SamplerClock(local, config), fault
        local.close()


def test_all_settings_of_a_synthesizer(valon: tuple[Valon, SamplerClock, Any]) -> None:
    synthesizer, clock, _ = valon
    clock.set_frequency(0, 1433.5)
    assert synthesizer.get_frequency(0) == 1433.5
    assert synthesizer.get_frequency("b") == 1440.0
    assert synthesizer.set_frequency(8, 800.0)
    assert (synthesizer.get_frequency("b"), synthesizer.get_frequency("synth_a")) == (800.0, 1433.5)
    assert synthesizer.set_frequency(0, 1433.5, 10.0)
    assert synthesizer.get_frequency(0) == 1435.0
    assert synthesizer.set_options(8, double=1, half=0, r=2, low_spur=1)
    assert tuple(synthesizer.get_options(8)) == (1, 0, 2, 1)
    assert tuple(synthesizer.get_options(0)) == (0, 0, 1, 0)
    assert synthesizer.set_rf_level(0, -4)
    assert synthesizer.set_rf_level(0, 3) is False
    assert (synthesizer.get_rf_level(0), synthesizer.get_rf_level(8)) == (-4, 5)
    assert synthesizer.set_label(0, "sampler")
    assert (synthesizer.get_label(0), synthesizer.get_label(8)) == ("sampler", "SIMULATED")
    assert synthesizer.set_ref_select(0)
    assert synthesizer.get_ref_select() == 0
    assert synthesizer.set_reference(5_000_000)
    assert synthesizer.get_reference() == 5_000_000
    assert synthesizer.set_vco_range(8, 2000, 4000)
    assert (tuple(synthesizer.get_vco_range(8)), tuple(synthesizer.get_vco_range(0))) == (
        (2000, 4000),
        (2200, 4400),
    )
    assert synthesizer.get_phase_lock(0) is True
    synthesizer.flash()


def test_a_clock_says_which_frequency_it_makes(valon: tuple[Valon, SamplerClock, Any]) -> None:
    """10 MHz divided by 3 has no steps of 0.01 MHz, but of 10/3/333."""
    synthesizer, clock, _ = valon
    assert clock.set_frequency(0, 1433.5) == 1433.5
    config = SynthConfig.model_validate({"via": "katcp", "options": {"divider": 3}})
    assert isinstance(synthesizer, KatcpValon | SerialValon)
    found = SamplerClock(synthesizer, config).set_frequency(0, 1433.5)
    assert found == pytest.approx(10 / 3 * (860 + 33 / 333) / 2, rel=1e-9)
    assert (
        found == synthesizer.get_frequency(0) == pytest.approx(config.reachable(1433.5), rel=1e-12)
    )
    assert clock.set_frequency(0, 1433.5) == 1433.5
    assert synthesizer.set_frequency(0, 3896.30468, 0.003)
    assert synthesizer.get_frequency(0) == pytest.approx(3896.303630, abs=1e-6)


def test_what_a_synthesizer_cannot_do_is_named(valon: tuple[Valon, SamplerClock, Any]) -> None:
    synthesizer, clock, fault = valon
    with pytest.raises(SynthesizerError, match=r"5000 MHz is out of range, 137\.5 to 4400 MHz"):
        clock.set_frequency(0, 5000.0)
    with pytest.raises(SynthesizerError, match="'c' is no synthesizer; there are 0"):
        synthesizer.get_frequency("c")
    with pytest.raises(SynthesizerError, match="up to 16 printable ASCII"):
        synthesizer.set_label(0, "x" * 17)
    made: Any = synthesizer
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: made.set_frequency(0, "1500"), "a frequency of '1500'; expected a number of MHz"),
        (lambda: made.set_frequency(0, 1500.0, None), "a spacing of None"),
        (lambda: made.set_frequency(0, 1500.0, 0), "a spacing of 0 MHz cannot be made"),
        (lambda: made.set_frequency(0, float("nan")), "nan MHz is out of range"),
        (lambda: made.set_ref_select("external"), "the reference is 'external'; expected 0 to 1"),
        (lambda: made.set_reference(-1), "the reference in Hz is -1; expected 1 to 4294967295"),
        (lambda: made.set_options(0, "no"), "double is 'no'; expected 0 to 1"),
        (lambda: made.set_options(0, r=1024), "the reference divider is 1024; expected 1 to 1023"),
        (
            lambda: made.set_vco_range(0, None, 4400),
            "the VCO's low end is None; expected 1 to 65535",
        ),
        (
            lambda: made.set_vco_range(0, 4400, 2200),
            "a VCO range of 4400 to 2200 MHz; expected 1 to 65535, asc",
        ),
        (lambda: made.set_label(0, 5), "label 5: expected up to 16"),
    ]
    for call, says in wrong:
        with pytest.raises((SynthesizerError, BoardError)) as caught:
            call()
        assert says in str(caught.value)
    assert synthesizer.get_options(0)[2] == 1
    fault("unlocked")
    with pytest.raises(
        SynthesizerError, match="not locked at 1500 MHz; look at the external reference"
    ):
        clock.set_frequency(0, 1500.0)


def test_a_serial_synthesizer_that_is_ill() -> None:
    with ValonTerminal() as terminal:
        synthesizer = SerialValon(terminal.path)
        terminal.fault = "checksum"
        with pytest.raises(SynthesizerError, match=r"81: 00 98 96 80 .. has a wrong checksum"):
            synthesizer.get_reference()
        terminal.fault = "refuse"
        with pytest.raises(SynthesizerError, match=r"06 01 07 was refused \(0x15\)"):
            synthesizer.set_ref_select(1)
        terminal.fault = "silent"
        with pytest.raises(SynthesizerError, match="0 of 5 bytes came within 2 s"):
            synthesizer.get_reference()
        terminal.fault = ""
        assert synthesizer.get_reference() == 10_000_000
    for _ in range(2):  # its plug was pulled
        with pytest.raises(SynthesizerError, match=f"synthesizer at {terminal.path}: "):
            synthesizer.get_reference()
    synthesizer.close()
    with pytest.raises(SynthesizerError, match="/dev/no-such-port"):
        SerialValon("/dev/no-such-port").get_reference()
    with pytest.raises(SynthesizerError, match="has no ROACH"):
        make_valon(SynthConfig(via="katcp"), None)


@pytest.mark.parametrize(
    "lost",
    [
        lambda v: v.get_reference(),
        lambda v: v.get_ref_select(),
        lambda v: v._pll("a"),
        lambda v: v.get_label("a"),
        lambda v: v.set_ref_select(1),
        lambda v: v.set_frequency("a", 1500.0),
    ],
    ids=["reference", "one byte", "registers", "label", "acknowledgement", "of several"],
)
def test_a_late_answer_of_a_serial_synthesizer_answers_nothing_else(
    lost: Callable[[SerialValon], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spectrometer.instruments.valon.SERIAL_TIMEOUT_S", 0.3)
    with ValonTerminal() as terminal:
        synthesizer = SerialValon(terminal.path)
        try:
            before = synthesizer._pll("a").to_bytes()
            terminal.fault = "late"
            with pytest.raises(SynthesizerError, match="bytes came within"):
                lost(synthesizer)
            terminal.fault = ""
            monkeypatch.setattr("spectrometer.instruments.valon.SERIAL_TIMEOUT_S", TIMEOUT_S)
            synthesizer.close()
            assert synthesizer.set_frequency("b", 1234.0)
            assert synthesizer.set_label("b", "second")
            assert (synthesizer.get_label("a"), synthesizer.get_label("b")) == (LABEL, "second")
            assert synthesizer._pll("a").to_bytes() == before
            assert synthesizer.get_frequency("b") == pytest.approx(1234.0, abs=0.01)
            terminal.fault = "refuse"
            with pytest.raises(SynthesizerError, match="was refused"):
                synthesizer.set_label("a", "x")
            terminal.fault = "babble"
            with pytest.raises(SynthesizerError, match="0x3f came, which is no answer"):
                synthesizer.set_label("a", "x")
            terminal.fault = ""
            assert synthesizer.get_reference() == 10_000_000
        finally:
            synthesizer.close()


def test_a_serial_synthesizer_that_answers_ever_later_is_never_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("spectrometer.instruments.valon.SERIAL_TIMEOUT_S", 0.2)
    with ValonTerminal() as terminal:
        synthesizer = SerialValon(terminal.path)
        terminal.fault = "late"
        with pytest.raises(SynthesizerError, match="bytes came within"):
            synthesizer.set_ref_select(0)
        for _ in range(3):
            with pytest.raises(
                SynthesizerError, match="out of step since one came too late; ask again"
            ):
                synthesizer.set_label("a", "x")
        terminal.fault = ""
        monkeypatch.setattr("spectrometer.instruments.valon.SERIAL_TIMEOUT_S", TIMEOUT_S)
        synthesizer.close()
        with contextlib.suppress(
            SynthesizerError
        ):  # what piled up comes at once, and is thrown away
            synthesizer.get_label("a")
        assert synthesizer.get_label("a") == LABEL
        synthesizer.close()


def test_a_serial_port_is_opened_by_one_at_a_time() -> None:
    with ValonTerminal() as terminal:
        first, second = SerialValon(terminal.path), SerialValon(terminal.path)
        assert first.get_reference() == 10_000_000
        with pytest.raises(SynthesizerError, match="Could not exclusively lock port"):
            second.get_reference()
        first.close()
        assert second.get_reference() == 10_000_000
        second.close()


def test_json_can_carry_what_they_answer(valon: tuple[Valon, SamplerClock, Any]) -> None:
    synthesizer, _, _ = valon
    json.dumps(
        [synthesizer.get_options(0), synthesizer.get_vco_range(0), synthesizer.get_frequency(0)]
    )
