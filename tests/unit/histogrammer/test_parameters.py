"""Parameters: created, edited, found by name and id."""

import math

import pytest

from histogrammer.errors import EventParameterError, LimitsError, ParameterExistsError
from histogrammer.parameters import Metadata, Parameters


def test_ids_count_from_one_in_order_of_creation() -> None:
    parameters = Parameters()
    names = ["det.e.01", "a*", "[x]", "with blank", '"{\\%+é', "x" * 300]
    assert [parameters.create(name).id for name in names] == [1, 2, 3, 4, 5, 6]
    assert list(parameters) == names
    assert [parameter.id for parameter in parameters.values()] == [1, 2, 3, 4, 5, 6]
    assert parameters["a*"].name == "a*"
    assert parameters.by_id(3).name == "[x]"
    assert "unknown" not in parameters


def test_metadata_are_unset_until_they_are_given() -> None:
    parameters = Parameters()
    assert parameters.create("e").metadata == Metadata()
    full = Metadata(low=0, high=4095, bins=2048, units="keV", description="energy")
    assert parameters.create("f", full).metadata == full


def test_an_edit_changes_only_the_metadata_that_are_given() -> None:
    parameters = Parameters()
    parameters.create("e", Metadata(low=0, high=10, units="keV"))
    edited = parameters.edit("e", Metadata(bins=5, units=""))
    assert edited.metadata == Metadata(low=0, high=10, bins=5, units="")
    assert parameters["e"] is edited is parameters.by_id(1)
    assert parameters.edit("e", Metadata(low=-1, high=0)).metadata == Metadata(
        low=-1, high=0, bins=5, units=""
    )


def test_a_name_in_use_is_refused_and_the_old_one_stays() -> None:
    parameters = Parameters()
    old = parameters.create("e", Metadata(bins=3))
    with pytest.raises(ParameterExistsError, match="e already exists"):
        parameters.create("e")
    assert parameters["e"] is old
    assert len(parameters) == 1


def test_unknown_names_and_ids_are_told() -> None:
    parameters = Parameters()
    parameters.create("e")
    with pytest.raises(EventParameterError, match=r"^Parameter f does not exist$"):
        parameters.edit("f", Metadata())
    for number in (0, 2, -1):
        with pytest.raises(EventParameterError, match=f"^No parameter with id {number} exists$"):
            parameters.by_id(number)


def test_one_limit_without_the_other_is_refused() -> None:
    for low, high in ((0, None), (None, 0)):
        with pytest.raises(LimitsError, match=r"^Either low and high must be provided or neither$"):
            Metadata(low=low, high=high)


@pytest.mark.parametrize(
    ("low", "high", "bins"), [(0, math.inf, None), (math.nan, 1, None), (0, 1, -1)]
)
def test_metadata_that_no_axis_can_start_from_are_refused(
    low: float, high: float, bins: int | None
) -> None:
    with pytest.raises(EventParameterError):
        Metadata(low=low, high=high, bins=bins)
