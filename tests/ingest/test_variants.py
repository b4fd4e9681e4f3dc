"""Other languages, systems and spellings of the kinds that real exports showed: the right value, or a question; never nobody who left."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.recognise import recognise_tables
from tests.ingest.kinds import ENDED, FLAGGED
from tests.ingest.test_kinds import NOW, rows
from tests.ingest.variants import AMOUNTS, DAYS, FLAGS, GLPI, SALESFORCE, STATES, STRANGERS, SUBTOTALS, flagged, formulas_under, several, states


@pytest.mark.parametrize(("header", "yes", "no"), FLAGS)
def test_a_flag_says_who_left_in_any_language_and_under_a_header_of_last_days(header: str, yes: str, no: str) -> None:
    """Certain, or proposed to be confirmed; the twenty customers are counted either way."""
    text = flagged(header, yes, no)
    try:
        found = rows(text)
    except MappingError as error:
        assert error.proposal is not None
        found = rows(text, mapping=error.proposal.to_dict())
    assert sum(row[2] is True for row in found) == 20


def test_the_only_column_of_yes_and_no_is_asked_about_where_nothing_says_who_left() -> None:
    """Not taken in silence, and not left out in silence."""
    with pytest.raises(MappingError) as caught:
        rows(FLAGGED.replace("churned", "target"))
    assert caught.value.proposal.tables["customers"].header("churned") == "target"


@pytest.mark.parametrize("header", ["newsletter", "opt_in", "Senior Citizen", "is_vip"])
def test_yes_and_no_about_something_else_are_no_departures(header: str) -> None:
    """The customers are still here, as the note says."""
    assert all(row[2] is None for row in rows(FLAGGED.replace("churned", header)))


@pytest.mark.parametrize("header", ["Deactivated", "Date désactivation", "Last day", "Dernier jour", "dt_saida"])
def test_the_day_of_a_deactivation_is_a_last_day(header: str) -> None:
    """It is no day of activity."""
    assert sum(row[2] is not None for row in rows(ENDED.replace("end_date", header))) == 20


@pytest.mark.parametrize(("header", "words", "gone"), STATES)
def test_a_state_in_words_is_asked_about_with_the_word_that_says_who_left(header: str, words: tuple[str, ...], gone: str) -> None:
    """A sheet without dates is not taken for a list of reasons."""
    [tables] = recognise_tables([UploadedBytes("sheet.csv", states(header, words).encode())])
    with pytest.raises(MappingError) as caught:
        load_tables(**tables, today=NOW)
    assert (caught.value.code, caught.value.values["first"]) == ("flag_values", gone)


@pytest.mark.parametrize("header", ["churned", "Sortie déf."])
def test_formulas_without_results_are_named_under_any_header_where_nothing_says_who_left(header: str) -> None:
    """They may be the departures."""
    with pytest.raises(MappingError) as caught:
        load_tables(UploadedBytes("customers.xlsx", formulas_under(header)), today=NOW)
    assert (caught.value.code, caught.value.values["column"]) == ("formulas_unsolved", header)


@pytest.mark.parametrize(("text", "worth"), AMOUNTS)
def test_amounts_say_their_currency_and_what_they_are_paid_for(text: str, worth: float) -> None:
    """An amount per month in the cell is multiplied by twelve, once."""
    for header in ("annual_revenue", "monthly_fee") if "m" in text.lower()[-5:] else ("annual_revenue",):
        table = f'customer_id,start_date,{header}\nA,2023-01-01,"{text}"\nB,2023-01-02,"{text}"\n'
        assert [row[4] for row in rows(table)] == [pytest.approx(worth)] * 2


@pytest.mark.parametrize("text", DAYS)
def test_days_are_read_as_neighbours_write_them(text: str) -> None:
    """With the name of the day of the week, or a word beside the clock."""
    table = f'customer_id,start_date\nA,"{text}"\nB,"{text.replace("07/03", "17/03").replace("7.3", "17.3")}"\n'
    assert date(2024, 3, 7) in {row[1] for row in rows(table)}


def test_users_of_an_entity_are_keyed_by_their_own_id_and_tickets_point_at_it(tmp_path: Path) -> None:
    """The entity that many share is no customer, and no way to join."""
    tables, report = load_tables(*(UploadedBytes(name, text.encode()) for name, text in GLPI.items()), today=NOW, relate=True)
    with tables:
        assert {reading.table: reading.used["customer_id"] for reading in report.files} == {"customers": "id", "complaints": "users_id_recipient"}
        assert report.rows["complaints"].kept == 80


def test_accounts_with_a_type_are_customers_and_no_complaints() -> None:
    """Which of them left is to be confirmed."""
    [tables] = recognise_tables([UploadedBytes(name, text.encode()) for name, text in SALESFORCE.items()])
    assert {name: source.name for name, source in tables.items()} == {"customers": "Account.csv", "complaints": "Case.csv"}
    with pytest.raises(MappingError) as caught:
        load_tables(**tables, today=NOW)
    assert caught.value.proposal.tables["customers"].header("churned") == "Type"


def test_users_with_an_id_and_an_organisation_are_no_report_of_volumes() -> None:
    """A column of ids is no category."""
    [tables] = recognise_tables([UploadedBytes("users.csv", STRANGERS.encode())])
    assert set(tables) == {"customers"}


def test_a_subtotal_is_no_category() -> None:
    """Nor is the total beside it."""
    assert sum(row[2] for row in rows(SUBTOTALS, "volumes")) == 3 * 35


@pytest.mark.parametrize("separator", [";#", " & ", " et ", "/"])
def test_several_categories_in_a_cell_are_offered_for_splitting_at_any_usual_mark(separator: str) -> None:
    """Where each part stands alone elsewhere."""
    customers = UploadedBytes("c.csv", ENDED.encode())
    tables, report = load_tables(customers, UploadedBytes("k.csv", several(separator).encode()), today=NOW)
    tables.close()
    assert report.joining.categories is not None
    assert report.joining.categories.several is not None
    assert report.joining.categories.several.separator == separator
