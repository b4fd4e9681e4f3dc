"""The brief of a category: one page in every format and language, the same numbers in each, nothing of small groups, no markup from a name."""

import io
from dataclasses import replace
from datetime import date
from functools import cache

import pypdf
import pytest
from pptx import Presentation

from iceberg.errors import OptionError
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.decision.agreed_test import AgreedTest, later_month
from iceberg.model.decision.fixes import Fix, decide
from iceberg.report.files import BRIEF_FORMATS, brief_bytes
from iceberg.report.files.brief import BLANK, Brief, agreement_lines, brief_headline, fix_lines, problem_lines
from tests.report.examples import example_counts, example_estimate

AGREED = AgreedTest(date(2026, 9, 1), date(2027, 8, 1), 0.1)


@cache
def brief_of(names: str = "en", *, revenue: bool = True) -> Brief:
    counts, estimate = (make(7, names=names, revenue=revenue) for make in (example_counts, example_estimate))
    priced = [estimate.categories[place].category for place in (1, 2)]
    decisions = decide(estimate, [Fix(priced[0], 40_000, 6_000, 0.5), Fix(priced[1], 15_000)], years=2)
    return Brief(estimate, counts, decisions, priced[0], AGREED, "Ann Lee" if names == "en" else "Jeanne " * 17)


def text_of(content: bytes, format: str) -> str:
    if format == "pdf":
        pages = pypdf.PdfReader(io.BytesIO(content)).pages
        assert len(pages) == 1
        return pages[0].extract_text()
    if format == "pptx":
        (slide,) = Presentation(io.BytesIO(content)).slides
        return "\n".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
    return content.decode()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("format", BRIEF_FORMATS)
def test_it_is_one_page_with_names_of_sixty_letters(format: str, language: str) -> None:
    brief = brief_of("sixty")
    assert len(brief.category) == 60
    content = brief_bytes(brief, format=format, language=language)
    said = "".join(text_of(content, format).split())
    expected = Translator(language).text("brief.expected", share="15")
    assert "".join(expected.split())[:20] in said  # the last line stands on the page, not in the notes
    assert content == brief_bytes(brief, format=format, language=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_format_holds_the_same_lines(language: str) -> None:
    brief, words = brief_of(), Translator(language)
    lines = (*problem_lines(brief, words), *fix_lines(brief, words), *agreement_lines(brief, words))
    for format in BRIEF_FORMATS:
        said = "".join(text_of(brief_bytes(brief, format=format, language=language), format).replace("\u00ad", "").split()).replace("&amp;", "&")
        said = said.replace("&gt;", ">").replace("&lt;", "<")
        for _, line in lines:
            assert "".join(line.replace("\u2011", "-").split()) in said or format == "pdf"  # a word broken at the end of a line is another string
        assert "".join(brief_headline(brief, words).split()) in said


def test_what_it_says_is_what_the_decisions_say() -> None:
    """Cost and money as typed and decided; the expected fall is extent times efficacy: 50 % of 30 %."""
    brief, words = brief_of(), Translator("en")
    said = dict((*problem_lines(brief, words), *fix_lines(brief, words), *agreement_lines(brief, words)))
    assert said["Cost, as typed"].startswith("€40K once and €6K a year; it reaches 50% of the problem")
    assert "15%" in said["Expected"]
    assert said["Owner"] == "Ann Lee"
    assert "August 2027" in said["When it is read"] and "10%" in said["What counts as success"]
    assert f"{brief.item.vocal_customers:,}" in said["Who said it"]
    proposed = dict(agreement_lines(replace(brief, test=None, owner=""), words))
    assert proposed["Owner"] == BLANK and proposed["Start"] == "July 2026 (proposed)"
    poor = brief_of(revenue=False)
    assert "Pays" not in dict(fix_lines(poor, words)) and "keeps about" in brief_headline(poor, words)


def test_a_viewer_gets_no_small_count_and_nothing_of_analysts() -> None:
    brief, words = brief_of(), Translator("en")
    cells = brief.estimate.cells
    assert cells is not None
    vocal = cells.vocal.copy()
    place = cells.categories.index(brief.category)
    vocal[place, 0] = 0.0
    vocal[place, 0, 0] = 3.0  # three complainants in the first segment: they and a second count are left out
    few = replace(brief, estimate=replace(brief.estimate, cells=replace(cells, vocal=vocal)), smallest=5)
    where = dict(problem_lines(few, words))["Where"]
    assert where.count("complained: not known") == 2 and "complained: 3" not in where
    assert "complained: 3)" in dict(problem_lines(replace(few, smallest=0), words))["Where"]
    labels = [label for label, _ in problem_lines(replace(brief, smallest=5), words)]
    assert "When in their time with you" not in labels
    small = replace(brief.estimate, categories=tuple(replace(one, vocal_customers=4) for one in brief.estimate.categories))
    with pytest.raises(OptionError, match="fewer than 5"):
        replace(brief, estimate=small, smallest=5)


def test_a_name_is_text_and_never_markup() -> None:
    brief = brief_of()
    evil = "<b onload=x>*_$ #a"
    renamed = replace(brief, owner=evil)
    assert "<b onload" not in brief_bytes(renamed, format="html").decode()
    assert evil in text_of(brief_bytes(renamed, format="pptx"), "pptx")
    assert evil in text_of(brief_bytes(renamed, format="pdf"), "pdf")


def test_what_cannot_be_agreed_on_is_refused() -> None:
    brief = brief_of()
    for change, code in (
        ({"category": "nowhere"}, "decide_unknown"),
        ({"category": brief.estimate.categories[0].category}, "brief_no_cost"),
        ({"owner": "x" * 121}, "brief_owner"),
    ):
        with pytest.raises(OptionError) as refused:
            replace(brief, **change)
        assert refused.value.code == code
    for start, reading, fall, code in (
        (date(2026, 9, 1), date(2026, 8, 1), 0.0, "test_reading"),
        (date(2026, 9, 1), date(2026, 9, 1), 1.0, "test_fall"),
    ):
        with pytest.raises(OptionError) as refused:
            AgreedTest(start, reading, fall)
        assert refused.value.code == code
    assert later_month(date(2026, 12, 31), 1) == date(2027, 1, 1) and later_month(date(2026, 1, 5), -13) == date(2024, 12, 1)
