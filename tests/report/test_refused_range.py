"""Where no range can be given, no report and no comparison gives a figure of the silent leavers."""

import csv
import io
import json
import re
from dataclasses import replace

import openpyxl
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.compare import compare_periods, compare_studies
from iceberg.model.results import CredibleInterval, Diagnostic, IcebergEstimate
from iceberg.report.files import FORMATS, report_bytes
from iceberg.report.files.pictures import CHARTS, available_charts
from iceberg.report.words import headline_sentence
from tests.report.examples import example_counts, example_estimate
from tests.report.readback import NUMBER, READERS, whole
from tests.report.test_files import ORIGIN


def refused() -> tuple[CohortCounts, IcebergEstimate]:
    """A company of contracts that the model cannot follow; its silent leavers are numbers that stand nowhere else."""
    counts = example_counts(3)
    made = example_estimate(3)
    odd = [CredibleInterval(71_111.0 + place, 72_222.0 + place, 73_333.0 + place) for place in range(4)]
    values: dict[str, object] = {"term": 12, "share": 40, "lost": made.silent_leavers}
    return counts, replace(
        made,
        total=replace(made.total, silent_churn=odd[3], placebo=odd[2], second_opinion=odd[1], pipeline={30: odd[0]}),
        categories=tuple(replace(item, silent_churn=own, pipeline={30: own}) for item, own in zip(made.categories, odd, strict=False)),
        diagnostics=(Diagnostic("renewals_not_fitted_short_window", "warning", values),),
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("format", ["pdf", "pptx", "html"])
def test_a_report_refuses_in_words_and_shows_what_was_counted(format: str, language: str) -> None:
    counts, estimate = refused()
    words = Translator(language)
    content = report_bytes(estimate, counts, format=format, provenance=ORIGIN, language=language)
    reader = READERS[format] if format != "pdf" else READERS["html"]
    web = report_bytes(estimate, counts, format="html", provenance=ORIGIN, language=language) if format == "pdf" else content
    text, found = reader(web, [item.category for item in estimate.categories], words)
    assert found == {}
    squeezed = re.sub(r"\s+", " ", text)
    assert re.sub(r"\s+", " ", headline_sentence(estimate, words)) in squeezed
    assert not {whole(number) for number in re.findall(NUMBER, text)} & set(range(71_000, 74_000))
    assert words.text("export.table.ranking") not in squeezed
    assert len(content) > 1_000


def test_workbook_csv_and_json_leave_the_figures_empty() -> None:
    counts, estimate = refused()
    made = {name: report_bytes(estimate, counts, format=name, provenance=ORIGIN) for name in ("xlsx", "csv", "json")}
    book = openpyxl.load_workbook(io.BytesIO(made["xlsx"]))
    numbers = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, int | float)]
    assert numbers
    assert not [number for number in numbers if 70_000 < number < 74_000]
    rows = list(csv.DictReader(io.StringIO(made["csv"].decode("utf-8-sig"), newline="")))
    assert {row["quantity"] for row in rows} & {"silent_churn", "placebo", "common_cause", "revenue_lost", "excess_probability"} == set()
    assert {row["quantity"] for row in rows} >= {"vocal_customers", "silent_ratio_prior"}
    document = json.loads(made["json"])
    unknown = ("silent_churn", "revenue_lost", "placebo", "second_opinion", "common_cause")
    assert {name: document["total"][name] for name in unknown} == dict.fromkeys(unknown)
    assert [item["excess_probability"] for item in document["categories"]] == [None] * 3


def test_no_chart_is_offered_and_asking_for_one_is_refused() -> None:
    counts, estimate = refused()
    assert available_charts(estimate) == ()
    for format in {"png", "svg"} & set(FORMATS):
        with pytest.raises(OptionError):
            report_bytes(estimate, counts, format=format, provenance=ORIGIN, chart=CHARTS[0])


def test_neither_periods_nor_studies_compare_with_a_refused_one() -> None:
    counts, estimate = refused()
    months = counts.months
    fair = example_estimate(3)
    for compare in (
        lambda: compare_periods(estimate, counts, before=(months[0], months[1]), after=(months[-2], months[-1])),
        lambda: compare_studies(estimate, counts, fair, counts),
        lambda: compare_studies(fair, counts, estimate, counts),
    ):
        with pytest.raises(OptionError) as raised:
            compare()
        assert raised.value.code == "compare_no_range"
