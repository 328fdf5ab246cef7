"""Names: any text, up to a length, for parameters, spectra and gates alike."""

from __future__ import annotations

import pytest

from histogrammer.axes import Axis
from histogrammer.engine import Engine
from histogrammer.errors import ConditionError, EventParameterError, SpectrumError
from histogrammer.filling import Filler
from histogrammer.gates.condition import Given
from histogrammer.names import MAX_NAME_LETTERS, refusal
from histogrammer.spectra import kind_of


@pytest.mark.parametrize("name", ["", " ", "two words", '{}\\"$%+', "ü" * MAX_NAME_LETTERS])
def test_any_text_is_a_name(name: str) -> None:
    assert refusal(name) is None


def test_a_name_that_is_too_long_is_refused_everywhere() -> None:
    name = "x" * (1 << 20)
    with Engine(filler=Filler(threads=1, compiled=False)) as engine:
        engine.create_parameter("a")
        definition = kind_of("1").define(name, [["a"]], [Axis(0, 1, 1)])
        text = "has 1048576 letters: choose one of at most 1000$"
        with pytest.raises(EventParameterError, match=text) as refused:
            engine.create_parameter(name)
        with pytest.raises(SpectrumError, match=text):
            engine.create_spectrum(definition)
        with pytest.raises(ConditionError, match=text):
            engine.edit_condition(name, "T", Given())
        assert len(str(refused.value)) < 200
        assert (list(engine.parameters), engine.spectra, len(engine.conditions)) == (["a"], {}, 0)
