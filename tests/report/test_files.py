"""Every format of a report tells the same numbers, in both languages; none runs what a file's author typed; the same inputs give the same bytes."""

import io
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import openpyxl
import pypdf
import pytest
from pptx import Presentation

from iceberg.errors import OptionError
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.results import IcebergEstimate
from iceberg.model.summary import focus_estimate
from iceberg.provenance import SourceFile
from iceberg.report.files import FORMATS, Provenance, media_type, report_bytes, report_name
from iceberg.report.files.formats import FORMATS as REPORT_FORMATS
from iceberg.report.files.pictures import CHARTS
from iceberg.report.words import headline_sentence
from tests.report.examples import example_counts, example_estimate
from tests.report.readback import READERS

SHA = "3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd4f1b"
ORIGIN = Provenance(
    title="Étude d’été — 1 234 €",
    author="Zoë Ångström",
    created=datetime(2026, 7, 2, 9, 30, tzinfo=UTC),
    files=(SourceFile("customers", "/home/ada/exports/clients été.csv", SHA),),
    rows={"customers": {"read": 20_000, "kept": 19_990, "rejected": 10}},
)
NASTY = ("=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\tTab", "<script>alert(1)</script>", "#set text(red) $x$ *b*")


@cache
def made(format: str, language: str) -> bytes:
    return report_bytes(example_estimate(names="fr"), example_counts(names="fr"), format=format, language=language, provenance=ORIGIN)


def renamed(estimate: IcebergEstimate, names: tuple[str, ...]) -> IcebergEstimate:
    categories = tuple(replace(item, category=name) for item, name in zip(estimate.categories, names, strict=True))
    assert estimate.cells is not None
    return replace(estimate, categories=categories, cells=replace(estimate.cells, categories=names), diagnostics=())


def expected(estimate: IcebergEstimate, words: Translator) -> dict[str, tuple[int, int, int]]:
    intervals = {item.category: item.silent_churn for item in estimate.categories}
    intervals[words.text("report.all_categories")] = estimate.total.silent_churn
    return {name: (round(one.lower), round(one.median), round(one.upper)) for name, one in intervals.items()}


def squeezed(text: str) -> str:
    """Without the spaces that a reader of a PDF may lose or gain at a line's end, and its hyphens."""
    return re.sub(r"[\s\u00a0\u202f\u00ad\u2010-]", "", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("format", READERS)
def test_headline_and_every_interval_read_back_from_each_format(format: str, language: str) -> None:
    estimate, words = example_estimate(names="fr"), Translator(language)
    wanted = expected(estimate, words)
    text, found = READERS[format](made(format, language), list(wanted), words)
    assert found == wanted
    if format != "json":
        assert squeezed(headline_sentence(estimate, words)) in squeezed(text)


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_inputs_give_the_same_bytes(format: str) -> None:
    again = report_bytes(example_estimate(names="fr"), example_counts(names="fr"), format=format, language="fr", provenance=ORIGIN)
    assert again == made(format, "fr")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_is_tagged_says_its_language_and_names_its_files(language: str) -> None:
    reader = pypdf.PdfReader(io.BytesIO(made("pdf", language)))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root
    assert root["/Lang"].startswith(language)
    assert reader.metadata is not None and ORIGIN.title in str(reader.metadata.title) and reader.metadata.author == ORIGIN.author
    assert 2 <= len(reader.pages) <= 4
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert SHA in squeezed(text) and "clients été.csv" in text
    assert "/home" not in text
    assert [f"{number} / {len(reader.pages)}" in page.extract_text() for number, page in enumerate(reader.pages, 1)] == [True] * len(reader.pages)


def test_accents_apostrophes_narrow_spaces_and_the_euro_have_a_glyph() -> None:
    """A font without a glyph writes .notdef (glyph 0), which no reader gives back as the letter."""
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made("pdf", "fr"))).pages)
    for letter in "éèàÉ’€\u202f«»–":
        assert letter in text, f"{letter!r} is lost"


@pytest.mark.parametrize("format", ["xlsx", "csv", "pptx"])
def test_a_name_that_a_spreadsheet_would_run_is_text(format: str) -> None:
    estimate = renamed(example_estimate(), NASTY)
    counts = replace(example_counts(), categories=NASTY)
    content = report_bytes(estimate, counts, format=format, provenance=Provenance(title="=1+1", author="@me"))
    books = []
    if format == "csv":
        cells = [cell for line in content.decode("utf-8-sig").splitlines() for cell in line.split(",")]
        assert [cell for cell in cells if cell.strip('"').startswith(("=", "+", "@", "\t")) or re.match(r'"?-\D', cell)] == []
    elif format == "xlsx":
        books = [content]
    else:
        with zipfile.ZipFile(io.BytesIO(content)) as deck:
            books = [deck.read(name) for name in deck.namelist() if name.endswith(".xlsx")]
        assert len(books) == 3  # ranking, months, still to come
    for book in books:
        with zipfile.ZipFile(io.BytesIO(book)) as parts:
            assert not any(b"<f>" in parts.read(name) for name in parts.namelist() if "worksheets/" in name)
        for sheet in openpyxl.load_workbook(io.BytesIO(book)):
            texts = [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
            assert [text for text in texts if text.startswith(("=", "+", "-", "@", "\t"))] == []


def test_a_name_is_never_markup() -> None:
    estimate, counts = renamed(example_estimate(), NASTY), replace(example_counts(), categories=NASTY)
    page = report_bytes(estimate, counts, format="html", provenance=Provenance(title="<b>x</b>")).decode()
    assert "<script" not in page and "<b>x</b>" not in page
    assert "default-src 'none'" in page
    text = "".join(part.extract_text() for part in pypdf.PdfReader(io.BytesIO(report_bytes(estimate, counts, format="pdf"))).pages)
    assert "#set text(red) $x$ *b*" in re.sub(r"\s+", " ", text)


def test_the_web_page_asks_for_nothing() -> None:
    page = made("html", "fr").decode()
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"|url\(|@import|<script|<link', page) == []
    assert re.search(r'<html lang="fr">', page) and page.count("<img alt=") == 4


@pytest.mark.parametrize("format", ["pdf", "pptx", "xlsx"])  # HTML says what the PDF says, CSV what the workbook says
@pytest.mark.parametrize(
    ("number", "level", "revenue", "names"), [(1, "3", True, "fr"), (12, "3", True, "long"), (7, "0", False, "en"), (5, "2", True, "fr")]
)
def test_any_company_has_a_report(format: str, number: int, level: str, revenue: bool, names: str) -> None:
    estimate = example_estimate(number, level=level, revenue=revenue, names=names)
    counts = replace(example_counts(number, names=names, revenue=revenue), has_customers=level != "0")
    content = report_bytes(estimate, counts, format=format, language="fr")
    if format == "pdf":
        assert 2 <= len(pypdf.PdfReader(io.BytesIO(content)).pages) <= 4
    if format == "pptx":
        assert 4 <= len(Presentation(io.BytesIO(content)).slides) <= 6


def test_slides_can_be_edited_heard_and_presented() -> None:
    """Native charts with their workbooks, a title on each slide, alternative text on each chart, picture and table, notes with the method."""
    deck = Presentation(io.BytesIO(made("pptx", "en")))
    charts = [shape.chart for slide in deck.slides for shape in slide.shapes if shape.has_chart]
    assert len(charts) == 3
    assert all(slide.shapes.title.text_frame.text and slide.notes_slide.notes_text_frame.text for slide in deck.slides)
    shapes = [shape for slide in deck.slides for shape in slide.shapes]
    described = [shape for shape in shapes if shape.has_chart or shape.shape_type == 13 or getattr(shape, "has_table", False)]
    assert all(shape._element.xpath(".//p:cNvPr")[0].get("descr") for shape in described)
    ranges = charts[0]._chartSpace.xpath(".//c:errBars")
    estimate = example_estimate(names="fr")
    plus = [float(value.text) for value in ranges[0].xpath("./*[local-name()='plus']//*[local-name()='v']")]
    assert sorted(plus) == sorted(round(item.silent_churn.upper) - round(item.silent_churn.median) for item in estimate.categories)


def test_a_workbook_is_ready_to_use() -> None:
    book = openpyxl.load_workbook(io.BytesIO(made("xlsx", "fr")))
    assert book.sheetnames[-1] == "Notes"
    for sheet in book:
        assert sheet.freeze_panes is not None and sheet.auto_filter.ref
    money = next(cell for row in book.worksheets[0].iter_rows() for cell in row if "EUR" in cell.number_format)
    assert isinstance(money.value, float)


@pytest.mark.parametrize("chart", CHARTS)
def test_each_chart_is_a_picture(chart: str) -> None:
    estimate, counts = example_estimate(), example_counts()
    svg = report_bytes(estimate, counts, format="svg", language="fr", chart=chart)  # type: ignore[arg-type]
    assert svg.startswith(b"<svg") and b"DejaVu Sans" in svg and b"system-ui" not in svg


def test_what_cannot_be_made_says_so() -> None:
    estimate, counts = example_estimate(), example_counts()
    with pytest.raises(OptionError, match="pptx"):
        report_bytes(estimate, counts, format="docx")
    with pytest.raises(OptionError, match="ranking"):
        report_bytes(estimate, counts, format="png", chart="pie")  # type: ignore[arg-type]
    assert estimate.cells is not None
    undated = replace(estimate, cells=replace(estimate.cells, has_calendar=False))
    with pytest.raises(OptionError, match="dates"):
        report_bytes(undated, counts, format="svg", chart="months")


def test_names_and_types_of_the_files() -> None:
    assert FORMATS == REPORT_FORMATS
    assert all("/" in media_type(format) for format in FORMATS)
    assert report_name(Provenance(title="Étude: été / 2026 ✓"), example_counts(), "pdf", Translator("fr")) == "etude-ete-2026-2026-06-28.pdf"
    assert report_name(Provenance(title="…"), example_counts(), "pdf", Translator("fr")) == "iceberg-2026-06-28.pdf"


def test_a_report_without_a_clock_is_dated_by_its_window() -> None:
    counts = example_counts()
    assert Provenance().stamp(counts) == datetime(2026, 6, 29, tzinfo=UTC)
    content = report_bytes(example_estimate(), counts, format="pdf")
    assert str(pypdf.PdfReader(io.BytesIO(content)).metadata.creation_date_raw).startswith("D:20260629")  # type: ignore[union-attr]


def test_asking_for_one_format_loads_no_other() -> None:
    """The page starts without a report library; a PDF needs neither python-pptx nor XlsxWriter."""
    script = (
        "import sys, iceberg.report.files; heavy = {'typst', 'pptx', 'xlsxwriter', 'vl_convert', 'altair', 'matplotlib', 'lxml'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


UNTESTED = {"en": "not tested for this selection", "fr": "non testé pour cette sélection"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("format", READERS)
def test_a_report_of_a_selection_that_was_not_tested_says_so_and_never_fix(format: str, language: str) -> None:
    """Dropping one month of a study whose placebo is not kept by cell leaves no test: no format may read that as clear of chance."""
    words, whole = Translator(language), example_estimate(names="fr")
    assert whole.cells is not None
    kept = replace(whole, draws=replace(whole.draws, placebo=None))
    part = focus_estimate(kept, months=(whole.cells.months[1], whole.cells.months[-1]))
    fix = squeezed(words.text("report.verdict.fix") + "–")
    texts = []
    for estimate in (whole, part):
        content = report_bytes(estimate, example_counts(names="fr"), format=format, language=language, provenance=ORIGIN)
        text = content.decode() if format == "json" else READERS[format](content, [], words)[0]
        texts.append(squeezed(text).lower())
    assert squeezed(UNTESTED[language]) not in texts[0] and squeezed(UNTESTED[language]) in texts[1]
    assert squeezed(words.text("report.of_whole_study", sentence="")).lower() in texts[1]
    assert fix.lower() not in texts[1]
    if format in {"pdf", "pptx", "html"}:
        assert squeezed(words.text("report.verdict.fix")).lower() in texts[0]
        assert texts[1].count(squeezed(UNTESTED[language])) >= 4
