"""What a mapping and the columns of cases say of the journey: recognised in both languages, named where unknown, and never part of an estimate."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from iceberg.cohort.reduce import reduce_tables
from iceberg.errors import MappingError
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.recognise import recognise_table
from iceberg.ingest.schema import CASE_FIELDS
from tests.companies import write_company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_company(tmp_path_factory.mktemp("company"), lambda number: f"C{number}")


def with_columns(company: Path, **columns: list[str]) -> pd.DataFrame:
    """The complaints with more columns, whose values repeat."""
    frame = pd.read_csv(company / "complaints.csv")
    return frame.assign(**{name: [values[place % len(values)] for place in range(len(frame))] for name, values in columns.items()})


@pytest.mark.parametrize(
    ("stage", "channel"),
    [("Journey stage", "Via"), ("Étape du parcours", "Canal"), ("Pipeline stage", "Case Origin"), ("Process", "Source"), ("Parcours", "Received Via"),
     ("Étape", "Canal de contact"), ("Stage", "Channel")],
)  # fmt: skip
def test_columns_of_both_languages_are_recognised(company: Path, stage: str, channel: str) -> None:
    frame = with_columns(company, **{stage: ["delivery", "achat"], channel: ["web", "phone"]})
    tables, report = load_tables(company / "customers.csv", frame)
    with tables:
        assert tables.case_fields["complaints"] == CASE_FIELDS[: len(tables.case_fields["complaints"])]
        assert set(tables.case_fields["complaints"]) >= {"stage", "channel"}
    used = next(reading.used for reading in report.files if reading.table == "complaints")
    assert (used["stage"], used["channel"]) == (stage, channel)


def test_a_column_that_is_the_category_stays_the_category(company: Path) -> None:
    frame = pd.read_csv(company / "complaints.csv").rename(columns={"category": "Process"})
    with pytest.raises(MappingError) as refused:  # no header names a category, and the step of the journey does not take its place
        load_tables(company / "customers.csv", frame)
    assert refused.value.code == "category_missing"
    columns = {"customer_id": "customer_id", "complaint_date": "complaint_date", "category": "Process"}
    mapping = MappingSet.from_dict({"complaints": {"columns": columns}})
    tables, _ = load_tables(company / "customers.csv", frame, mapping=mapping)
    with tables:
        assert tables.case_fields["complaints"] == ()


def test_the_columns_change_no_count_and_no_table(company: Path, tmp_path: Path) -> None:
    frame = with_columns(company, stage=["delivery", "use", ""], via=["web", "phone"])
    frame.to_csv(tmp_path / "log.csv", index=False)
    pd.read_csv(company / "complaints.csv").to_csv(tmp_path / "plain.csv", index=False)
    assert recognise_table(tmp_path / "log.csv") == recognise_table(tmp_path / "plain.csv") == "complaints"
    digests = []
    for complaints in (company / "complaints.csv", frame):
        tables, _ = load_tables(company / "customers.csv", complaints)
        with tables:
            digests.append(replace(reduce_tables(tables), journey=None).digest)
    assert digests[0] == digests[1]


def test_files_of_which_only_one_has_the_column_are_still_one_table(company: Path) -> None:
    frame = with_columns(company, stage=["delivery", "use"])
    tables, report = load_tables(company / "customers.csv", [frame.iloc[:25], frame.iloc[25:].drop(columns="stage")])
    with tables:
        assert tables.case_fields["complaints"] == () and report.rows["complaints"].kept == len(frame)


def test_a_mapping_says_it_and_is_written_back() -> None:
    text = {"journey": {"billing": "achat", "stages": "use", "late parcel": "Livraison"}}
    rules = MappingSet.from_dict(text).journey
    assert rules.categories == {"billing": "buying", "stages": "use", "late parcel": "delivery"}
    own = MappingSet.from_dict({"journey": {"stages": ["Essai", "Contrat"], "billing": "contrat", "channel_is_place": True}})
    assert own.journey.names == ("Essai", "Contrat") and own.journey.categories == {"billing": "Contrat"} and own.journey.channel_is_place
    assert MappingSet.from_dict(own.to_dict()) == own
    buoys = MappingSet.from_dict({"journey": {"billing": "achat", "moments": {"call-back": "aide", "geste": "livraison"}}})
    assert buoys.journey.moments == {"call-back": "help", "geste": "delivery"} and buoys.journey.categories == {"billing": "buying"}
    assert MappingSet.from_dict(buoys.to_dict()) == buoys
    assert MappingSet.from_dict(tomllib.loads(buoys.to_toml())) == buoys
    assert "journey" not in MappingSet().to_dict()


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [({"billing": "delivry"}, "billing", "delivry"), ({"stages": 3}, "stages", "3"), ({"stages": ["a", "A"]}, "stages", "A"),
     ({"channel_is_place": "perhaps"}, "channel_is_place", "perhaps"), ({"billing": 1}, "billing", "1"), (["x"], "journey", "x"),
     ({"moments": ["call-back"]}, "moments", "call-back"), ({"moments": {"call-back": "sea"}}, "call-back", "sea"),
     ({"stages": ["Essai"], "billing": "use"}, "billing", "Essai"), ({"stages": [" "]}, "stages", "stages")],
)  # fmt: skip
def test_what_cannot_be_a_step_is_refused_by_name(section: object, key: str, value: str) -> None:
    with pytest.raises(MappingError) as refused:
        MappingSet.from_dict({"journey": section}, name="mine.toml")
    assert refused.value.code == "mapping_value_wrong" and refused.value.values["key"] == key
    assert all(part in str(refused.value) for part in ("mine.toml", "[journey]", value))
