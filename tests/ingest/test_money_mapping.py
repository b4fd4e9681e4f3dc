"""How far ahead money is counted, kept in a mapping."""

import pytest

from iceberg.errors import MappingError, OptionError
from iceberg.ingest.mapping import MappingSet
from iceberg.model.assumptions import Assumptions


def test_months_and_discount_are_saved_and_read_back() -> None:
    mapping = MappingSet(money_months=24, discount=0.05)
    assert MappingSet.from_dict(mapping.to_dict()) == mapping
    assert Assumptions(**mapping.money) == Assumptions(residual_horizon_months=24, annual_discount_rate=0.05)
    assert MappingSet().money == {}


@pytest.mark.parametrize("entry", [3, {"months": 0}, {"months": 2.5}, {"months": True}, {"discount": 5}, {"discount": "5 %"}, {"years": 1}])
def test_a_value_that_makes_no_sense_is_refused(entry: object) -> None:
    with pytest.raises(MappingError):
        MappingSet.from_dict({"money": entry})


def test_a_discount_of_more_than_everything_is_no_assumption() -> None:
    with pytest.raises(OptionError):
        Assumptions(annual_discount_rate=1.5)
