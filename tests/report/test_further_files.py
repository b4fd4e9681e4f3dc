"""What further files say is in every report a person reads: each kind's sentence and figures, in both languages; viewers see no small group."""

import io
import re
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pypdf
import pytest
from pptx import Presentation

from iceberg.cohort.audit.sheet import read_sheets
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.journey.sphere_sheet import read_sphere_sheet
from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.audit.estimate import audit_of
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import IcebergEstimate
from iceberg.report.files import report_bytes
from iceberg.report.files.document.executive import further_sections
from iceberg.report.files.slides.template import read_template
from tests.report.examples import example_counts, example_estimate
from tests.report.readback import Cells
from tests.report.test_rhythm_report import COUNTS as RHYTHMS
from tests.report.test_slides import faults, made_template

DATA = Path(__file__).resolve().parents[2] / "data" / "en"
KINDS = ["journey", "service", "spheres", "positives", "scores", "audit", "rhythm"]
SPHERES = """category,promise_value,promise_unit,target,priority_rank,believed_leavers
billing,5,days,90,2,100
delivery,7,days,80,1,900
waiting time,10,days,85,3,200
"""


@cache
def company() -> tuple[IcebergEstimate, CohortCounts]:
    """The sample company with all its files, days of closing and deadlines, a sheet of promises, and breaks of rhythm."""
    complaints = pd.read_csv(DATA / "complaints.csv")
    told, rng = pd.to_datetime(complaints["complaint_date"]), np.random.default_rng(1)
    closed, due = told + pd.to_timedelta(rng.integers(1, 12, len(told)), "D"), told + pd.Timedelta(days=7)
    complaints = complaints.assign(
        closed_at=closed.dt.date.astype(str), due_date=due.dt.date.astype(str), channel=rng.choice(["phone", "web"], len(told))
    )
    mapping = MappingSet.from_dict(tomllib.loads((DATA / "journey.toml").read_text(encoding="utf-8")))
    customers, scores, positives = (DATA / f"{table}.csv" for table in ("customers", "scores", "positives"))
    tables, _ = load_tables(customers, complaints, mapping=mapping, scores=scores, positives=positives)
    with tables:
        counts = reduce_tables(tables)
    audit = audit_of(read_sheets([DATA / "audit-1.csv", DATA / "audit-2.csv"], categories=counts.categories), seed=1)
    spheres = read_sphere_sheet([UploadedBytes("spheres.csv", SPHERES.encode())], categories=counts.categories)
    counts = replace(counts, audit=audit, spheres=spheres, rhythms=(RHYTHMS,))
    return estimate_iceberg(counts, assumptions=Assumptions(draws=200)), counts


@cache
def made(format: str, language: str, smallest: int = 0) -> bytes:
    return report_bytes(*company(), format=format, language=language, smallest=smallest)


def text_of(format: str, content: bytes) -> str:
    """All that a reader sees of a report, without white space, which a line's end may add."""
    if format == "pptx":
        shapes = [shape for slide in Presentation(io.BytesIO(content)).slides for shape in slide.shapes]
        texts = [shape.text_frame.text for shape in shapes if shape.has_text_frame]
        texts += [cell.text for shape in shapes if getattr(shape, "has_table", False) for row in shape.table.rows for cell in row.cells]
    elif format == "xlsx":
        texts = [str(cell) for sheet in openpyxl.load_workbook(io.BytesIO(content)) for row in sheet.iter_rows(values_only=True) for cell in row]
    elif format == "pdf":
        texts = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    else:
        page = Cells()
        page.feed(content.decode())
        texts = [*page.text, *(cell for row in page.rows for cell in row)]
    return squeezed(" ".join(texts))


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u00ad\u2010-]", "", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("format", ["pdf", "html", "pptx", "xlsx"])
def test_every_kind_of_file_has_its_sentence_in_each_format(format: str, language: str) -> None:
    sections, text = further_sections(*company(), Translator(language)), text_of(format, made(format, language))
    assert list(sections) == KINDS
    for kind, section in sections.items():
        assert section.sentence and squeezed(section.sentence) in text, kind


def sheets_of(language: str, smallest: int = 0) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(io.BytesIO(made("xlsx", language, smallest)))
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_is_a_sheet_with_its_numbers_below_the_sentence(language: str) -> None:
    words, sheets = Translator(language), sheets_of(language)
    assert list(sheets)[-1] == words.text("export.sheet.notes")
    for kind, section in further_sections(*company(), words).items():
        for number, table in enumerate(section.tables, 1):
            name = words.text(f"export.sheet.{kind}") + (f" {number}" if number > 1 else "")
            rows = [row[: len(table.headers)] for row in sheets[name]]
            assert (rows[0][0], rows[1][0]) == (section.sentence, table.caption)
            written = [
                tuple(words.integer(cell) if isinstance(cell, int) else str(cell or "") for cell in row) for row in rows[3 : 4 + len(table.rows)]
            ]
            assert written == [table.headers, *table.rows]
        text = squeezed(" ".join(str(cell) for row in sheets[words.text(f"export.sheet.{kind}")] for cell in row))
        assert all(squeezed(line) in text for line in (*section.lines, *section.small_print)), kind


def test_counts_can_be_summed_and_rows_filtered() -> None:
    book = openpyxl.load_workbook(io.BytesIO(made("xlsx", "fr")))
    sheet = book[Translator("fr").text("export.sheet.scores")]
    assert all(isinstance(cell.value, int) for row in sheet["B5:F6"] for cell in row)
    assert sheet["B5"].value == sum(cell.value for cell in sheet["C5:F5"][0])
    assert sheet.auto_filter.ref.startswith("A4:") and sheet.freeze_panes == "A5"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("own", [True, False])
def test_every_kind_is_one_slide_with_its_picture_that_holds_its_text(tmp_path: Path, language: str, own: bool) -> None:
    template = None
    if not own:
        (tmp_path / "deck.potx").write_bytes(made_template())
        template = read_template(tmp_path / "deck.potx")
    deck = Presentation(io.BytesIO(report_bytes(*company(), format="pptx", language=language, template=template)))
    assert faults(deck) == []
    for kind, section in further_sections(*company(), Translator(language)).items():
        [slide] = [slide for slide in deck.slides if slide.shapes.title.text_frame.text == section.sentence]
        [picture] = [shape for shape in slide.shapes if shape.shape_type == 13]
        assert picture._element.xpath(".//p:cNvPr")[0].get("descr"), kind
        said = squeezed(" ".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame) + slide.notes_slide.notes_text_frame.text)
        assert all(squeezed(line) in said for line in section.lines), kind


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_for_viewers_says_what_the_other_reports_for_viewers_say(language: str) -> None:
    """No channel, no category by time, no segment of scores, no group of rhythms, in no format."""
    words = Translator(language)
    sections = further_sections(*company(), words, smallest=5)
    sheets, whole = sheets_of(language, smallest=5), sheets_of(language)
    named = [f"{words.text(f'export.sheet.{kind}')}{f' {number}' if number else ''}" for kind in KINDS for number in (0, 2, 3)]
    assert [name for name in sheets if name in named] != [name for name in whole if name in named]
    assert sum(len(section.tables) or 1 for section in sections.values()) == sum(name in named for name in sheets)
    for format in ("pptx", "xlsx"):
        text = text_of(format, made(format, language, 5))
        assert "secretclub" not in text and "phone" not in text
        assert all(squeezed(section.sentence) in text for section in sections.values())
    assert "secretclub" in text_of("xlsx", made("xlsx", language)) and "phone" in text_of("xlsx", made("xlsx", language))


def test_a_study_without_further_files_has_no_further_sheet_and_no_further_slide() -> None:
    estimate, counts = company()
    bare = replace(counts, journey=None, service=None, spheres=None, positives=None, scores=None, audit=None, rhythms=())
    assert further_sections(estimate, bare, Translator("en")) == {}
    names = openpyxl.load_workbook(io.BytesIO(report_bytes(estimate, bare, format="xlsx"))).sheetnames
    assert names == [name for name in sheets_of("en") if name in names] and len(sheets_of("en")) >= len(names) + len(KINDS)
    slides = [len(Presentation(io.BytesIO(report_bytes(estimate, one, format="pptx"))).slides) for one in (bare, counts)]
    assert slides[1] - slides[0] == len(KINDS)


def test_names_of_sixty_letters_and_formulas_stay_text_in_a_further_sheet() -> None:
    counts = example_counts(12, names="sixty", months=12)
    categories = (
        RHYTHMS.categories[0],
        replace(RHYTHMS.categories[0], category="=cmd|'/c calc'!A1"),
        replace(RHYTHMS.categories[0], category="-2+3" * 15),
    )
    counts = replace(counts, rhythms=(replace(RHYTHMS, categories=categories),))
    estimate = example_estimate(12, names="sixty", draws=60, months=12)
    assert faults(Presentation(io.BytesIO(report_bytes(estimate, counts, format="pptx")))) == []
    book = openpyxl.load_workbook(io.BytesIO(report_bytes(estimate, counts, format="xlsx")))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert [cell for cell in cells if str(cell.value).startswith("'=cmd")] and [cell for cell in cells if str(cell.value).startswith("'-2+3")]
