"""Cases are drawn with the probabilities that are written, sheets are read as they were filled, and tickets are counted without a text leaving."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from iceberg.cohort.audit.draw import Draw, allocate, draw_cases
from iceberg.cohort.audit.indicators import SMALLEST, count_indicators
from iceberg.cohort.audit.record import FEWEST_CASES, FEWEST_MET, ITEMS
from iceberg.cohort.audit.replies import plain_reply, signature
from iceberg.cohort.audit.sheet import read_sheets, sheet_headers
from iceberg.errors import EvidenceError, FileError, IcebergError, OptionError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.locale import LANGUAGES, Translator
from iceberg.report import small_cells


def tickets(folder: Path, *, number: int = 300) -> Path:
    """Tickets of three categories and two channels, the last of which is rare."""
    rows = ["Ticket ID,Customer ID,Created,Category,Channel,Reopens,First reply time in minutes,Answer"]
    for place in range(number):
        category = "billing" if place % 2 else "delivery" if place % 4 else "price"
        day = f"2025-{place % 12 + 1:02d}-{place % 28 + 1:02d}"
        answer = "Sorry for the wait. This was our mistake." if place % 10 == 0 else f"text {' '.join(_word(place * 31 + one) for one in range(12))}"
        channel = "shop" if place % 9 == 0 else "mail"
        rows.append(f"T{place:04d},C{place % 200},{day},{category},{channel},{place % 3 // 2},{60 * (place % 5)},{answer}")
    path = folder / "tickets.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def _word(number: int) -> str:
    return "".join(chr(97 + number * 7919 // 26**power % 26) for power in range(5))


def drawn(path: Path, seed: int = 0, **options: object) -> Draw:
    tables, _ = load_tables(complaints=path)
    with tables:
        return draw_cases(tables, **({"number": 60, "raters": 2, "rng": np.random.default_rng(seed)} | options))  # type: ignore[arg-type]


def test_cases_are_given_out_first_evenly_then_in_proportion() -> None:
    assert allocate({"a": 100, "b": 4, "c": 50}, 30, least=10) == {"a": 14, "b": 4, "c": 12}
    assert allocate({"a": 100, "b": 4, "c": 50}, 8, least=10) == {"a": 3, "b": 2, "c": 3}
    assert allocate({"a": 3, "b": 4}, 50, least=10) == {"a": 3, "b": 4}
    for number in range(1, 155):
        given = allocate({"a": 100, "b": 4, "c": 50}, number, least=10)
        assert sum(given.values()) == min(number, 154) and given["b"] <= 4


def test_probabilities_are_those_of_the_draw(tmp_path: Path) -> None:
    """Of each stratum the cases over their probability add up to its size; in a category each has ten cases."""
    found = drawn(tickets(tmp_path), by=("Channel",))
    weights: dict[str, float] = defaultdict(float)
    for one in {(one.case_id, one.category, one.probability) for one in found.rows}:
        weights[one[1]] += 1 / one[2]
    assert found.population == {"billing": 150, "delivery": 75, "price": 75}
    assert {name: round(weight, 6) for name, weight in weights.items()} == found.population
    assert all(number >= FEWEST_CASES for number in found.drawn.values()) and sum(found.drawn.values()) == found.cases == 60
    assert {one.stratum for one in found.rows} == {"mail", "shop"}


def test_every_case_of_a_stratum_is_drawn_as_often_as_any_other(tmp_path: Path) -> None:
    path, times, said = tickets(tmp_path, number=60), defaultdict(int), {}
    for seed in range(60):
        for case, probability in {(one.case_id, one.probability) for one in drawn(path, seed, number=30).rows}:
            times[case] += 1
            said[case] = probability
    assert len(times) == 60
    deviations = [(times[case] - 60 * said[case]) / np.sqrt(60 * said[case] * (1 - said[case]) + 1e-9) for case in times if said[case] < 1]
    assert np.abs(deviations).max() < 4.5 and np.mean(np.square(deviations)) < 1.5


def test_a_fifth_is_scored_by_two_and_nobody_sees_which(tmp_path: Path) -> None:
    found = drawn(tickets(tmp_path), raters=3, number=90)
    by_case = defaultdict(list)
    for one in found.rows:
        by_case[one.case_id].append(one.rater)
    assert sorted({len(raters) for raters in by_case.values()}) == [1, 2]
    assert sum(len(raters) == 2 for raters in by_case.values()) == found.twice == 18
    assert all(len(set(raters)) == len(raters) for raters in by_case.values())
    assert {tuple(sorted(raters)) for raters in by_case.values() if len(raters) == 2} == {(1, 2), (1, 3), (2, 3)}
    assert drawn(tickets(tmp_path), number=20).twice == FEWEST_MET


def test_without_a_number_of_the_case_its_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "complaints.csv"
    path.write_text("customer_id,complaint_date,category\n" + "".join(f"C{place},2025-03-{place % 28 + 1:02d},billing\n" for place in range(40)))
    found = drawn(path, number=40)
    assert found.lines and {one.case_id for one in found.rows} == {f"line {place + 2}" for place in range(40)}
    assert not drawn(tickets(tmp_path)).lines


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError) as problem:
        drawn(tickets(tmp_path), by=("Étape",))
    assert problem.value.code == "audit_column" and "Channel" in problem.value.message("fr")
    with pytest.raises(OptionError, match="5 raters"):
        drawn(tickets(tmp_path), number=4, raters=5)


Edit = Callable[[list[list[str]]], object]


def sheet(edit: Edit = lambda rows: None, *, language: str = "en", rater: str = "1", cases: int = 20, separator: str = ",") -> UploadedBytes:
    """A filled sheet; `edit` changes its rows, the header among them."""
    rng = np.random.default_rng(5)
    rows = [sheet_headers(Translator(language))]
    for place in range(cases):
        rows.append([f"T{place}", "billing" if place % 2 else "delivery", "", "0.25", rater, *map(str, rng.integers(0, 5, len(ITEMS)))])
    edit(rows)
    target = io.StringIO()
    csv.writer(target, delimiter=separator).writerows(rows)
    return UploadedBytes(f"sheet-{rater}.csv", target.getvalue().encode("utf-8-sig"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("separator", [",", ";"])
def test_filled_sheets_are_read_as_they_were_filled(language: str, separator: str) -> None:
    scored = read_sheets([sheet(language=language, separator=separator), sheet(language=language, rater="2")])
    assert scored.categories == ("billing", "delivery") and scored.raters == 2 and scored.met == 20
    assert scored.scores.shape == (40, 12) and set(np.unique(scored.scores)) == {0, 1, 2, 3, 4}
    assert scored.weight.tolist() == [4.0] * 20
    other = read_sheets([sheet(language=language, rater="2"), sheet(lambda rows: rows.append(rows.pop(3)), language=language)])
    assert (other.scores == scored.scores).all() and (other.case == scored.case).all()


def test_blank_cells_are_blank_and_blank_rows_are_counted() -> None:
    def leave(rows: list[list[str]]) -> None:
        rows[1][5], rows[2][5:] = "", [""] * 12
        rows[3][5:8] = ["3.0", "2,0", " 1 "]

    scored = read_sheets([sheet(leave), sheet(rater="2")])
    assert scored.blank_rows == 1 and np.isnan(scored.scores).sum() == 1


def test_lines_that_were_taken_out_are_named_where_the_probabilities_show_it() -> None:
    """Of 25 complaints 20 were drawn, 0.8 of them; 19 lines would be 23.75 complaints. One in four drawn shows nothing: 4 complaints a line."""
    def likelier(rows: list[list[str]]) -> None:
        for row in rows[1:]:
            row[3] = "0.8"

    def without_one(rows: list[list[str]]) -> None:
        likelier(rows)
        del rows[2]

    whole = [sheet(likelier, cases=40), sheet(likelier, cases=40, rater="2")]
    assert read_sheets(whole).incomplete == ()
    assert read_sheets([sheet(without_one, cases=40), sheet(without_one, cases=40, rater="2")]).incomplete == ("billing",)
    assert read_sheets([sheet(without_one, cases=40), whole[1]]).incomplete == ()  # the other rater's sheet has the case
    assert read_sheets([sheet(lambda rows: rows.pop(2)), sheet(lambda rows: rows.pop(2), rater="2")]).incomplete == ()


def put(line: int, column: int, text: str) -> Edit:
    return lambda rows: rows[line].__setitem__(column, text)


@pytest.mark.parametrize(
    ("edit", "code", "said"),
    [
        (put(3, 5, "5"), "audit_score", ("line 4", "Humanity 1", "“5”", "0 to 4")),
        (put(3, 16, "2.5"), "audit_score", ("line 4", "Humour and warmth 4", "2.5")),
        (put(3, 16, "good"), "audit_score", ("line 4", "good")),
        (put(2, 1, "invoices"), "audit_category", ("line 3", "invoices", "billing, delivery")),
        (put(2, 1, ""), "audit_blank", ("line 3", "Category")),
        (put(2, 0, ""), "audit_blank", ("line 3", "Case")),
        (put(2, 3, "0"), "audit_probability", ("line 3", "Inclusion probability")),
        (put(2, 3, "often"), "audit_probability", ("line 3", "often")),
        (put(2, 0, "T0"), "audit_repeated", ("line 3", "case T0", "rater 1")),
        (put(0, 7, "Friendliness"), "audit_header", ("column 8", "Friendliness", "Humanity 3")),
        (lambda rows: [row.pop() for row in rows], "audit_header", ("column 17", "Humour and warmth 4")),
        (put(2, 3, "0.5"), "audit_differs", ("case T1",)),
        (put(2, 1, "delivery"), "audit_differs", ("case T1",)),
        (lambda rows: [row.__setitem__(slice(5, None), [""] * 12) for row in rows[1:]], "", ()),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(edit: Edit, code: str, said: tuple[str, ...]) -> None:
    sources = [sheet(rater="2"), sheet(edit)]
    if not code:
        with pytest.raises(EvidenceError) as problem:
            read_sheets(sources)
        assert problem.value.code == "audit_one_rater"
        return
    with pytest.raises(IcebergError) as refused:
        read_sheets(sources, categories=("billing", "delivery"))
    assert refused.value.code == code
    told = refused.value.message("en").replace('"', "“", 1).replace('"', "”", 1)
    assert "sheet-1.csv" in told and all(part in told or part in refused.value.message("en") for part in said)
    assert refused.value.message("fr") != refused.value.message("en")


def test_raters_who_never_met_are_named() -> None:
    apart = sheet(lambda rows: [row.__setitem__(0, f"U{row[0]}") for row in rows[1:]], rater="3")
    with pytest.raises(EvidenceError) as problem:
        read_sheets([sheet(), sheet(rater="2"), apart])
    assert problem.value.code == "audit_never_met" and "from 1, 2 to 3" in problem.value.message("en")
    with pytest.raises(EvidenceError, match="one rater"):
        read_sheets([sheet()])


def test_empty_sheets_and_other_languages_are_named() -> None:
    def empty(rows: list[list[str]]) -> None:
        for row in rows[1:]:
            row[5:] = [""] * 12

    with pytest.raises(EvidenceError) as problem:
        read_sheets([sheet(empty), sheet(empty, rater="2")])
    assert problem.value.code == "audit_empty"
    with pytest.raises(FileError) as other:
        read_sheets([sheet(language="fr"), sheet(language="fr", rater="2")], language="en")
    assert other.value.code == "audit_language" and "--lang fr" in other.value.message("en") and "--" not in other.value.message_on_page("en")
    with pytest.raises(FileError) as mixed:
        read_sheets([sheet(), sheet(language="fr", rater="2")])
    assert mixed.value.code == "audit_languages"


def test_a_sheet_has_no_words_of_more_than_the_case() -> None:
    assert len(sheet_headers(Translator("en"))) == len(sheet_headers(Translator("fr"))) == 17
    assert all("\u202f" not in header and "\u00a0" not in header for header in sheet_headers(Translator("fr")))


def test_indicators_are_those_of_a_hand_count(tmp_path: Path) -> None:
    tables, _ = load_tables(complaints=tickets(tmp_path))
    with tables:
        found = count_indicators(tables, reply_text="Answer")
        without = count_indicators(tables)
    everybody = found.everybody
    assert everybody.cases == 300 and everybody.shares_and_means["reopened"] == pytest.approx(1 / 3)
    assert everybody.shares_and_means["first_reply_hours"] == 2.0
    assert found.missing == ("called_back", "replies", "transfers", "gesture")
    assert everybody.shares_and_means["apology"] == pytest.approx(0.1) == everybody.shares_and_means["ownership"]
    assert everybody.shares_and_means["template"] == pytest.approx(0.1)
    by_name = {one.category: one for one in found.categories}
    assert by_name["price"].cases == 75 and by_name["price"].shares_and_means["apology"] == pytest.approx(15 / 75)
    assert by_name["billing"].shares_and_means["apology"] == 0.0
    assert without.off == ("template", "apology", "ownership") and "template" not in without.everybody.shares_and_means


def test_the_same_category_again_counts_within_thirty_days_and_only_where_it_can_be_seen(tmp_path: Path) -> None:
    rows = ["customer_id,complaint_date,category"]
    for place in range(12):
        rows.append(f"C{place},2025-03-01,billing")
        rows.append(f"C{place},{'2025-03-20' if place < 6 else '2025-05-20'},{'billing' if place < 6 or place > 8 else 'price'}")
    rows.append("D,2025-06-30,billing")  # the last day: nothing of the last thirty days counts
    path = tmp_path / "complaints.csv"
    path.write_text("\n".join(rows) + "\n")
    tables, _ = load_tables(complaints=path)
    with tables:
        found = count_indicators(tables).everybody
    assert found.known["recontact"] == 24 and found.shares_and_means["recontact"] == pytest.approx(6 / 24)


def test_shares_of_one_to_four_cases_are_not_given_and_do_not_follow_from_the_total(tmp_path: Path) -> None:
    assert SMALLEST == small_cells.SMALLEST
    rows = ["Ticket ID,Customer ID,Created,Category,Reopens"]
    for category, number, reopened in (("a", 30, 10), ("b", 25, 3), ("c", 20, 8)):
        own = [f"2025-03-{place % 28 + 1:02d},kind {category},{int(place < reopened)}" for place in range(number)]
        rows += [f"T{category}{place},{category}{place},{row}" for place, row in enumerate(own)]
    path = tmp_path / "tickets.csv"
    path.write_text("\n".join(rows) + "\n")
    tables, _ = load_tables(complaints=path)
    with tables:
        found = count_indicators(tables)
    assert found.everybody.shares_and_means["reopened"] == pytest.approx(21 / 75)
    assert [one.shares_and_means["reopened"] for one in found.categories] == [pytest.approx(1 / 3), None, None]


def test_a_column_that_is_not_recognised_is_named_by_the_analyst(tmp_path: Path) -> None:
    path = tickets(tmp_path)
    path.write_text(path.read_text().replace("Reopens", "Zeta"))
    tables, _ = load_tables(complaints=path)
    with tables:
        assert "reopened" in count_indicators(tables).missing
        assert count_indicators(tables, columns={"reopened": "Zeta"}).everybody.shares_and_means["reopened"] == pytest.approx(1 / 3)
        with pytest.raises(OptionError) as problem:
            count_indicators(tables, columns={"mood": "Zeta"})
    assert problem.value.code == "audit_indicator" and "reopened" in problem.value.message("en")


def test_near_copies_share_a_band_and_other_replies_none() -> None:
    body = "we thank you for your message of the {} and will answer case {} within two working days please do not reply to this message {}"
    first, second = (signature(plain_reply(body.format(day, case, "kind regards"))) for day, case in (("3 March", 17), ("4 March", 9_120)))
    other = signature(plain_reply("I have just called the driver, who was stuck in the snow; he comes to you this evening before eight, I am sorry"))
    assert (first == second).all() and not (first == other).any()
    assert plain_reply("Nous sommes désolés : l’erreur n°12 est la nôtre") == "nous sommes desoles l erreur n 0 est la notre"
