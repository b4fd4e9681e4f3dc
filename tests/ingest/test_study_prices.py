"""What studies cost, kept in a mapping."""

from pathlib import Path

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.sections.prices import STUDIES
from iceberg.model.decision.information.studies import StudyKind


def test_prices_are_saved_and_read_back_and_know_every_study(tmp_path: Path) -> None:
    assert tuple(StudyKind) == STUDIES
    mapping = MappingSet(study_prices={"leaver_survey": 8.0, "incident_audit": 0.0})
    for name in ("mapping.toml", "mapping.json"):
        mapping.save(tmp_path / name)
        assert MappingSet.load(tmp_path / name) == mapping
    assert "study_prices" not in MappingSet().to_dict()


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (3, {"key": "leaver_survey", "value": "3"}),
        ({"leaver_survey": -1}, {"key": "leaver_survey", "value": "-1"}),
        ({"interviews": "60 EUR"}, {"key": "interviews", "value": "60 EUR"}),
        ({"interviews": True}, {"key": "interviews", "value": "True"}),
        ({"interviews": float("nan")}, {"key": "interviews", "value": "nan"}),
        ({"survey": 5}, {"value": "survey", "known": ", ".join(STUDIES)}),
    ],
)
def test_a_price_that_makes_no_sense_is_refused_with_its_place(entry: object, says: dict[str, str]) -> None:
    with pytest.raises(MappingError) as raised:
        MappingSet.from_dict({"study_prices": entry}, name="mine.toml")
    assert raised.value.values | says | {"file": "mine.toml", "table": "study_prices"} == raised.value.values
