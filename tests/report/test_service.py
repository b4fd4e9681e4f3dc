"""What is said of complaints closed in time: who left all the same, the reservation on late cases, and no count of one to four."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.journey.companies import service_company
from iceberg.cli.main import main
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.load import load_tables
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.journey.service import Service, ServiceEstimate, estimate_service
from iceberg.model.results import CredibleInterval
from iceberg.report.charts.answers.service import build_service_chart
from iceberg.report.files import report_bytes
from iceberg.report.journey.service import service_document, service_headline, service_sentences, service_table
from tests.companies import write_company


def reduced(harder: float) -> tuple[CohortCounts, dict[str, float]]:
    customers, complaints, truth = service_company(4, late=0.2, harder=harder)
    tables, _ = load_tables(customers, complaints)
    with tables:
        return reduce_tables(tables), truth


@pytest.fixture(scope="module")
def hard() -> tuple[CohortCounts, dict[str, float]]:
    return reduced(4.0)


def test_the_shares_who_left_are_found_and_late_hard_cases_carry_a_reservation(hard: tuple[CohortCounts, dict[str, float]]) -> None:
    counts, truth = hard
    service = estimate_service(counts, horizon_days=180)
    assert service is not None and service.everybody is not None
    one = service.everybody
    assert one.left_in_time is not None and one.left_late is not None and one.in_time_of_lost is not None
    assert one.left_in_time.median == pytest.approx(truth["in"], abs=0.04) and one.left_late.median == pytest.approx(truth["late"], abs=0.08)
    assert one.in_time_of_lost.median == pytest.approx(truth["of_lost"], abs=0.08) and one.differs
    words = Translator("en")
    assert words.text("service.reservation") in service_sentences(service, words)
    assert estimate_service(counts, horizon_days=180) == service  # the same seed, the same figures


def test_where_late_says_nothing_no_difference_is_claimed() -> None:
    counts, _ = reduced(1.0)
    service = estimate_service(counts, horizon_days=180)
    assert service is not None and service.everybody is not None and not service.everybody.differs
    assert Translator("en").text("service.no_difference") in service_sentences(service, Translator("en"))


def interval(low: float, middle: float, high: float) -> CredibleInterval:
    return CredibleInterval(low, middle, high)


def everybody(**fields: object) -> ServiceEstimate:
    usual = {"category": "", "in_time": 910, "late": 90, "share": interval(0.89, 0.91, 0.93), "left_in_time": interval(0.09, 0.12, 0.15)}
    return ServiceEstimate(**(usual | fields))  # type: ignore[arg-type]


def service(one: ServiceEstimate | None, *categories: ServiceEstimate, **fields: object) -> Service:
    usual = {"undecided": 0, "gone": 0, "by_dates": True, "unread": (), "horizon_days": 180}
    return Service(one, categories, **(usual | fields))  # type: ignore[arg-type]


def test_the_sentence_is_the_one_of_the_question() -> None:
    words = Translator("en")
    said = service_headline(service(everybody()), words)
    assert said == (
        "91% of the complaints were closed in time; of those customers 12% left because of their problem all the same, within 180 days (9% to 15%)."
    )
    assert "cannot be told from chance" in service_headline(service(everybody(left_in_time=interval(-0.01, 0.01, 0.03))), words)
    assert "too few customers" in service_headline(service(everybody(left_in_time=None)), words)
    assert "not shown" in service_headline(service(everybody(late=3)), words)
    assert service_headline(service(None), words) == words.text("service.nothing")


def test_small_counts_are_in_no_table_and_no_document() -> None:
    words = Translator("en")
    billing, price = everybody(category="billing", in_time=60, late=3), everybody(category="price", in_time=40, late=0)
    found = service(everybody(), billing, price, undecided=2, gone=4)
    assert service_table(found, words)["name"].tolist() == ["all complainants", "price"]
    document = service_document(found)
    assert [one["category"] for one in document["categories"]] == ["price"] and document["undecided"] is None and document["gone_before"] is None
    assert service_document(found, whole=False)["categories"] == []
    said = [sentence for sentence in service_sentences(found, words) if "does not say whether" in sentence or "before the deadline" in sentence]
    assert len(said) == 2 and all("fewer than 5" in sentence for sentence in said)
    assert service_document(service(everybody(late=2)))["everybody"] is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_report_and_picture_say_it_in_both_languages(hard: tuple[CohortCounts, dict[str, float]], language: str) -> None:
    counts, _ = hard
    words = Translator(language)
    found = estimate_service(counts, horizon_days=180)
    assert found is not None
    for theme in ("light", "dark"):
        for narrow in (False, True):
            build_service_chart(service_table(found, words), words, theme, description="x", narrow=narrow).to_dict(validate=True)  # type: ignore[arg-type]
    build_service_chart(service_table(found, words).iloc[:0], words, description="x").to_dict(validate=True)
    estimate = estimate_iceberg(counts, assumptions=Assumptions(draws=200))
    page, viewers = (report_bytes(estimate, counts, format="html", language=language, smallest=smallest).decode() for smallest in (0, 5))
    assert all(words.text("service.title") in text for text in (page, viewers))
    assert words.text("service.late_cases") in page
    assert words.text("service.title") not in report_bytes(estimate, replace(counts, service=None), format="html", language=language).decode()


def test_the_command_line_says_it_and_nothing_else_moves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_company(tmp_path, lambda number: f"C{number}")
    frame = pd.read_csv(tmp_path / "complaints.csv")
    rng = np.random.default_rng(0)
    frame.assign(**{"Dans les délais": rng.choice(["oui", "non"], len(frame))}).to_csv(tmp_path / "told.csv", index=False)
    documents = []
    for complaints in ("complaints.csv", "told.csv"):
        files = ["--customers", str(tmp_path / "customers.csv"), "--complaints", str(tmp_path / complaints)]
        assert main(["estimate", *files, "--json", str(tmp_path / "out.json"), "--quiet", "--lang", "fr"]) == 0
        documents.append(json.loads((tmp_path / "out.json").read_text(encoding="utf-8")))
    assert "Clos dans les délais, et vécu" in capsys.readouterr().out
    assert "service" not in documents[0] and documents[1]["service"]["everybody"]["in_time"] > 0
    documents[1].pop("service")
    assert json.dumps(documents[0]) == json.dumps(documents[1])
