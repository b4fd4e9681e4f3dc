"""Reading the reasons of leavers: what counts as an answer, what is left out and counted, and what is refused."""

import json
from pathlib import Path

import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.reasons.answers import NONE_OF_THESE
from iceberg.cohort.reasons.count import SOURCES
from iceberg.cohort.reduce import reduce_tables
from iceberg.errors import EvidenceError, IcebergError
from iceberg.ingest.load import load_tables
from iceberg.ingest.schema import REASON_TABLES
from tests.companies import write_company

SILENT = [number for number in range(0, 300, 4) if number % 6]  # left, and never complained
VOCAL = list(range(0, 300, 12))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_company(tmp_path_factory.mktemp("company"), lambda number: f"C{number}", segments=lambda number: "north" if number % 3 else "south")


def counts_with(folder: Path, *, header: str, rows: list[str], table: str = "leaver_surveys") -> CohortCounts:
    """The company with these rows as a file of reasons."""
    path = folder / "reasons.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    tables, _ = load_tables(folder / "customers.csv", folder / "complaints.csv", **{table: path})  # type: ignore[arg-type]  # named by the table
    with tables:
        return reduce_tables(tables)


FULL = "customer_id,reached,reason,would_have_stayed,told_us"


def test_every_row_is_an_answer_or_is_counted_as_why_it_is_none(company: Path) -> None:
    a, b, c, d, e, f = (f"C{number}" for number in SILENT[:6])
    rows = [
        f"{a},yes,Billing,8,no",
        f"{b},yes,DELIVERY,3,yes",  # would have left anyway
        f"{c},yes,none of these,,no",
        f"{d},no,,,",  # not reached
        f"{e},yes,moved away,,no",  # no problem of the company
        f"{f},yes,too dear,9,no",  # no category
        f"C{VOCAL[0]},yes,billing,9,no",  # had complained
        "C1,yes,billing,9,no",  # is still here
        "X1,yes,billing,9,no",
    ]
    [said] = counts_with(company, header=FULL, rows=rows).stated
    assert (said.number, said.of("billing"), said.of("delivery"), said.of(NONE_OF_THESE), said.informed) == (4, 1, 0, 3, 1)
    assert (said.asked, said.reached, said.blank, said.vocal, said.untold, said.elsewhere, said.unknown) == (9, 8, 1, 1, 1, 1, 1)
    assert said.unmatched == (("too dear", 1),)
    assert sum(number for _, number in said.by_month) == said.number
    assert not any(name in json.dumps(said.to_dict()) for name in (a, b, c, "X1"))  # no customer leaves the engine


def test_an_answer_that_cannot_be_read_is_named_and_counts_as_not_given(company: Path, tmp_path: Path) -> None:
    """By column, value and line; a number beyond ten is no answer. Who does not know is no mistake."""
    a, b, c, d = (f"C{number}" for number in SILENT[:4])
    path = tmp_path / "reasons.csv"
    rows = [f"{a},yes,billing,rather so,no", f"{b},yes,billing,85,no", f"{c},yes,billing,don't know,no", f"{d},,billing,10,no"]
    path.write_text("\n".join([FULL, *rows]))
    tables, report = load_tables(company / "customers.csv", company / "complaints.csv", leaver_surveys=path)
    with tables:
        [said] = reduce_tables(tables).stated
    found = sorted((issue.line, issue.column, issue.value, issue.rejected) for issue in report.issues if issue.rule == "unreadable_answer")
    assert found == [(2, "would_have_stayed", "rather so", False), (3, "would_have_stayed", "85", False)]
    assert {one.stayed for one in said.answers} == {None, True}
    assert said.number == 4


def test_one_and_zero_are_yes_and_no_and_not_the_lowest_of_eleven(company: Path) -> None:
    """A column of 0 and 1 said that nobody would have stayed."""
    rows = [f"C{number},1,billing,{place % 2},0" for place, number in enumerate(SILENT[:8])]
    [said] = counts_with(company, header=FULL, rows=rows).stated
    assert (said.of("billing"), said.of(NONE_OF_THESE)) == (4, 4)


def test_french_headers_strata_and_yes_no_answers_are_read(company: Path) -> None:
    rows = ["north,oui,billing,non,non"] * 8 + ["south,oui,delivery,oui,non"] * 4 + ["south,oui,rien de tout cela,,"] * 2
    [said] = counts_with(company, header="strate,joint,raison,serait resté,nous l’a dit", rows=rows).stated
    assert {one.segment for one in said.answers} == {"north", "south"}
    assert (said.of("billing"), said.of("delivery"), said.of(NONE_OF_THESE)) == (0, 4, 10)
    assert said.by_month == ()


def test_the_customers_file_itself_gives_cancellation_reasons(tmp_path: Path) -> None:
    """A column of the churn table: stayers have a blank there."""
    write_company(tmp_path, lambda number: f"C{number}")
    lines = (tmp_path / "customers.csv").read_text().splitlines()
    with_reason = [lines[0] + ",cancellation_reason"]
    for line in lines[1:]:
        number = int(line.split(",")[0][1:])
        with_reason.append(line + "," + ("" if line.endswith(",") else "Billing" if number in SILENT[:20] else "unused"))
    (tmp_path / "customers.csv").write_text("\n".join(with_reason) + "\n")
    tables, _ = load_tables(tmp_path / "customers.csv", tmp_path / "complaints.csv", cancellation_reasons=tmp_path / "customers.csv")
    with tables:
        [said] = reduce_tables(tables).stated
    assert said.source == "cancellation"
    assert said.of("billing") == 20 and said.elsewhere == 0
    tables, _ = load_tables(tmp_path / "customers.csv", tmp_path / "complaints.csv")
    with tables:
        assert reduce_tables(tables).stated == ()  # a column alone changes nothing


@pytest.mark.parametrize(
    ("header", "rows", "code"),
    [
        (FULL, ["X1,yes,billing,9,no", "X2,yes,billing,9,no"], "answers_customers"),
        ("stratum,reason", ["west,billing", "north,billing"], "answers_segments"),
        ("stratum,reason", ["north,too dear", "north,ugly"], "answers_categories"),
        ("stratum,reason", ["south,billing"] * 400, "answers_too_many"),
        (FULL, [f"C{SILENT[0]},yes,billing,9,no", f"C{SILENT[0]},yes,delivery,9,no"], "answers_twice"),
        (FULL, [f"C{one},yes,billing,{stayed},no" for one, stayed in zip(SILENT, (85, 9, 70, 55), strict=False)], "answers_scale"),  # of 100
        (FULL, [f"C{SILENT[0]},yes,billing,perhaps,no", f"C{SILENT[1]},yes,billing,,no"], "answers_scale"),
    ],
)
def test_answers_that_cannot_be_are_refused_in_words(company: Path, header: str, rows: list[str], code: str) -> None:
    with pytest.raises(EvidenceError) as raised:
        counts_with(company, header=header, rows=rows)
    assert raised.value.code == code
    for language in ("en", "fr"):
        assert "{" not in raised.value.message(language)


def test_a_survey_without_reasons_is_asked_about(company: Path) -> None:
    with pytest.raises(IcebergError, match="why a customer left"):
        counts_with(company, header="customer_id,told_us", rows=[f"C{SILENT[0]},no"])


def test_every_table_of_reasons_has_a_source() -> None:
    assert set(SOURCES) == set(REASON_TABLES)
