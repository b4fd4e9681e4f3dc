"""Writes the sample company in ``data/``: a home-box subscription whose loudest complaint is not its worst problem.

Everything in the files is simulated; `write_sample` makes them again, byte for byte, from the recorded seed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from iceberg.locale import Translator
from iceberg.simulation.company import SimulatedCompany, simulate_company
from iceberg.simulation.sample_audit import SimulatedAudit, simulate_audit
from iceberg.simulation.sample_leavers import simulate_leavers
from iceberg.simulation.sample_positives import simulate_positives
from iceberg.simulation.sample_scores import simulate_scores
from iceberg.simulation.worlds import (
    TENURE_MONTHS,
    WARM_UP_MONTHS,
    CategoryTruth,
    CompanyTruth,
    count_months,
    month_walk,
    season,
    tenure_shape,
)

SAMPLE_SEED = 3
SAMPLE_CUSTOMERS = 24_000
SURVEY_ASKED = 3_000  # customers still here at the end, asked about the last 12 months
LOGGED_CATEGORIES = ("billing", "delivery", "website and app")  # whose incidents an operational system records

FRENCH_CATEGORIES = {
    "billing": "facturation",
    "delivery": "livraison",
    "price": "prix",
    "product quality": "qualité du produit",
    "staff attitude": "attitude du personnel",
    "waiting time": "temps d'attente",
    "website and app": "site et application",
}
FRENCH_SEGMENTS = {
    "Essential": "Essentiel",
    "Comfort": "Confort",
    "Family": "Famille",
    "Premium": "Premium",
    "Business": "Professionnel",
    "Student": "Étudiant",
}
SEGMENTS = tuple(FRENCH_SEGMENTS)
# At which step of the journey each category happens, as the mapping says it in each language.
STAGES = {
    "billing": ("renewal", "renouvellement"),
    "delivery": ("delivery", "livraison"),
    "price": ("buying", "achat"),
    "product quality": ("use", "usage"),
    "staff attitude": ("help", "aide"),
    "waiting time": ("help", "aide"),
    "website and app": ("use", "usage"),
}
MOMENTS = (("call-back", "delivery"), ("rappel", "livraison"))  # calls to new customers, in each language
# What makes the story: about how many complain, P(complain), excess P(leave) silent and vocal, mean delay in days,
# tenure profile, segments struck most (in the order of SEGMENTS). Judgement; see the README of data/.
_KINDS: tuple[tuple[str, float, float, float, float, float, str, tuple[float, ...]], ...] = (
    ("billing", 640, 0.62, 0.02, 0.04, 30, "flat", (1.0, 1.2, 1.1, 0.8, 1.3, 0.7)),
    ("delivery", 300, 0.38, 0.12, 0.10, 25, "early", (1.2, 0.9, 1.6, 0.7, 0.6, 1.0)),
    ("waiting time", 260, 0.10, 0.40, 0.30, 35, "onboarding", (1.5, 1.0, 0.8, 0.4, 0.5, 1.8)),
    ("staff attitude", 190, 0.16, 0.26, 0.28, 40, "flat", (0.7, 1.1, 0.8, 0.9, 2.0, 0.6)),
    ("website and app", 250, 0.26, 0.06, 0.08, 25, "onboarding", (0.8, 0.9, 1.0, 0.7, 0.6, 2.3)),
    ("product quality", 220, 0.34, 0.20, 0.18, 45, "late", (0.9, 1.0, 1.3, 1.5, 0.7, 0.6)),
    ("price", 40, 0.07, 0.15, 0.35, 50, "late", (1.6, 1.1, 0.9, 0.5, 0.8, 1.4)),
)
# Months (YYYY-MM) in which something happened, to which segments (all where none is named), and by how much the problem grew: a move of the
# call centre, end-of-year parcels, a carrier's strike, a release that broke the app, a new billing system, a price rise on the cheaper plans, a
# reorganised sales team, two faulty batches.
_EVENTS: dict[str, list[tuple[tuple[str, ...], dict[str, float]]]] = {
    "waiting time": [
        (("Essential", "Student"), {"2025-02": 7.0, "2025-03": 9.0, "2025-04": 4.0, "2025-11": 5.0}),
        (("Comfort", "Family"), {"2025-06": 5.0, "2026-01": 7.0}),
    ],
    "delivery": [
        ((), {"2024-11": 1.8, "2024-12": 2.6, "2025-11": 1.8, "2025-12": 2.4}),
        (("Essential", "Family"), {"2025-06": 9.0, "2025-07": 5.0}),
        (("Comfort",), {"2024-09": 8.0}),
    ],
    "website and app": [(("Student", "Comfort"), {"2025-10": 14.0, "2025-11": 6.0}), (("Essential",), {"2024-10": 8.0})],
    "billing": [
        (("Essential", "Business"), {"2025-01": 12.0, "2025-02": 7.0}),
        (("Comfort", "Premium"), {"2025-09": 11.0, "2025-10": 6.0}),
        (("Family", "Student"), {"2026-02": 12.0}),
    ],
    "price": [(("Essential", "Comfort", "Student"), {"2026-01": 9.0, "2026-02": 6.0})],
    "staff attitude": [(("Business",), {"2025-08": 8.0, "2025-09": 5.0}), (("Comfort",), {"2024-10": 9.0, "2024-11": 6.0})],
    "product quality": [(("Premium", "Family"), {"2024-09": 12.0, "2024-10": 7.0}), (("Family", "Essential"), {"2026-03": 9.0})],
}


def draw_sample_truth(rng: np.random.Generator) -> CompanyTruth:
    """The rates of the sample company; only the small movements from month to month are drawn."""
    shell = CompanyTruth(categories=(), customers=SAMPLE_CUSTOMERS, segments=SEGMENTS)
    months = count_months(shell.window)
    kinds = tuple(_draw_kind(kind, shell, rng) for kind in _KINDS)
    return CompanyTruth(
        categories=kinds,
        customers=SAMPLE_CUSTOMERS,
        segments=SEGMENTS,
        segment_shares=(0.30, 0.26, 0.16, 0.10, 0.08, 0.10),
        natural_monthly_rate=0.008,
        natural_segment=(0.9, 1.05, 0.9, 1.1, 1.15, 1.0),
        natural_month=season(months, shell.window, amplitude=0.12, peak_month=9)
        * month_walk(months, rng, step_sd=0.04),
        natural_tenure=tenure_shape("early", rng),
        natural_frailty_sd=0.3,
        company_age_months=108,
        monthly_arrival_growth=0.006,
        revenue_median=(228, 348, 468, 696, 960, 168),
        revenue_log_sd=0.35,
    )


def _draw_kind(
    kind: tuple[str, float, float, float, float, float, str, tuple[float, ...]],
    shell: CompanyTruth,
    rng: np.random.Generator,
) -> CategoryTruth:
    name, complainers, speaks, leaves_silent, leaves_vocal, delay, profile, segments = kind
    months = count_months(shell.window)
    base = shell.window.since.year * 12 + shell.window.since.month - 1 - WARM_UP_MONTHS
    usual = np.asarray(segments)[:, None] * month_walk(months, rng, step_sd=0.12)[None, :]
    cells = usual.copy()
    for struck, events in _EVENTS[name]:
        rows = [SEGMENTS.index(segment) for segment in struck or SEGMENTS]
        for month, factor in events.items():
            cells[rows, int(month[:4]) * 12 + int(month[5:]) - 1 - base] *= factor
    window = slice(WARM_UP_MONTHS, WARM_UP_MONTHS + len(shell.window.months))
    cells *= np.mean(segments) / cells[:, window].mean()
    return CategoryTruth(
        name=name,
        # About 17 customer-months each, and a margin: only the scale of the story depends on it.
        monthly_rate=complainers / (SAMPLE_CUSTOMERS * 20.0 * speaks),
        complaint_probability=speaks,
        silent_leave_probability=leaves_silent,
        vocal_leave_probability=leaves_vocal,
        cell_multipliers=cells,
        tenure_profile=tenure_shape(profile, rng)[:TENURE_MONTHS],
        delay_mean_days=delay,
        delay_shape=1.6,
        repeat_complaints=0.18,
    )


def simulate_sample(seed: int = SAMPLE_SEED) -> SimulatedCompany:
    """The sample company before it is written to files."""
    rng = np.random.default_rng(seed)
    return simulate_company(draw_sample_truth(rng), rng)


def build_sample(seed: int = SAMPLE_SEED) -> dict[str, bytes]:
    """All generated files of ``data/`` as ``{relative path: content}``; the README is written by hand."""
    company = simulate_sample(seed)
    volumes = _volumes(company.complaints)
    survey = _survey(company, np.random.default_rng([seed, 1]))
    logged = company.incidents[company.incidents["category"].isin(LOGGED_CATEGORIES)]
    return {
        "en/customers.csv": _english(
            company.customers, ["customer_id", "start_date", "end_date", "segment", "annual_revenue"]
        ),
        "en/complaints.csv": _english(company.complaints, ["customer_id", "complaint_date", "category"]),
        "en/volumes.csv": _english(volumes, ["month", "category", "complaints"], days="%Y-%m"),
        "en/incidents.csv": _english(logged, ["customer_id", "incident_date", "category"]),
        "en/survey.csv": _english(survey, ["category", "asked", "had_problem", "complained"]),
        "fr/clients.csv": _french(
            company.customers, ["N° client", "Date d'entrée", "Date de résiliation", "Segment", "CA annuel"]
        ),
        "fr/reclamations.csv": _french(company.complaints, ["N° client", "Date de réclamation", "Motif"]),
        "fr/volumes.csv": _french(volumes, ["Mois", "Motif", "Réclamations"], days="%m/%Y"),
        "fr/incidents.csv": _french(logged, ["N° client", "Date de l'incident", "Motif"]),
        "fr/enquete.csv": _french(survey, ["Motif", "Interrogés", "Ont eu le problème", "Ont réclamé"]),
        "truth.json": _truth(company, seed),
        **build_sample_scores(company, seed),
        **build_sample_audit(company, seed),
        **build_sample_leavers(company, seed),
        **build_sample_positives(company, seed),
        "en/journey.toml": _journey({name: stages[0] for name, stages in STAGES.items()}, MOMENTS[0]),
        "fr/parcours.toml": _journey({FRENCH_CATEGORIES[name]: stages[1] for name, stages in STAGES.items()}, MOMENTS[1]),
    }


def build_sample_scores(company: SimulatedCompany, seed: int = SAMPLE_SEED) -> dict[str, bytes]:
    """The files with satisfaction scores, and what is true of them; drawn from random numbers of their own."""
    scores = simulate_scores(company, np.random.default_rng([seed, 2]))
    truth = json.dumps({"seed": seed} | scores.truth, indent=1) + "\n"
    return {
        "en/scores.csv": _english(scores.answers, ["customer_id", "answered_at", "nps"]),
        "fr/notes.csv": _french(scores.answers, ["N° client", "Répondu le", "Note de recommandation"]),
        "scores_truth.json": truth.encode("utf-8"),
    }


def build_sample_audit(company: SimulatedCompany, seed: int = SAMPLE_SEED) -> dict[str, bytes]:
    """The sheets that two raters filled in, and how each category was answered; drawn from random numbers of their own."""
    audit = simulate_audit(company, np.random.default_rng([seed, 3]))
    truth = json.dumps({"seed": seed, "categories": audit.truth}, indent=1) + "\n"
    sheets = {"audit_truth.json": truth.encode("utf-8")}
    for rater in range(1, len(audit.rows) + 1):
        sheets[f"en/audit-{rater}.csv"] = _sheet(audit, rater, "en", separator=",")
        sheets[f"fr/audit-{rater}.csv"] = _sheet(audit, rater, "fr", separator=";")
    return sheets


def build_sample_leavers(company: SimulatedCompany, seed: int = SAMPLE_SEED) -> dict[str, bytes]:
    """The answers of leavers, and why those who answered left; drawn from random numbers of their own."""
    leavers = simulate_leavers(company, np.random.default_rng([seed, 4]))
    french = leavers.rows.replace(
        {
            "reached": {"yes": "oui", "no": "non"},
            "told_us": {"no": "non"},
            "reason": FRENCH_CATEGORIES | {"none of these": "rien de tout cela"},
        }
    )
    return {
        "en/leavers.csv": _english(leavers.rows, list(leavers.rows.columns)),
        "fr/partants.csv": _french(french, ["Joint", "Motif", "Serait resté", "Nous l'a dit"]),
        "leavers_truth.json": (json.dumps({"seed": seed} | leavers.truth, indent=1) + "\n").encode("utf-8"),
    }


def build_sample_positives(company: SimulatedCompany, seed: int = SAMPLE_SEED) -> dict[str, bytes]:
    """The files with good moments, and what is true of them; drawn from random numbers of their own."""
    positives = simulate_positives(company, np.random.default_rng([seed, 5]))
    return {
        "en/positives.csv": _english(positives.calls, ["customer_id", "called_back_at"]),
        "fr/moments.csv": _french(positives.calls, ["N° client", "Rappelé le"]),
        "positives_truth.json": (json.dumps({"seed": seed} | positives.truth) + "\n").encode("utf-8"),
    }


def _sheet(audit: SimulatedAudit, rater: int, language: str, *, separator: str) -> bytes:
    """A sheet as ``iceberg audit --draw`` writes it, filled in."""
    from iceberg.cohort.audit.sheet import sheet_headers

    names = FRENCH_CATEGORIES if language == "fr" else {}
    rows = [
        (str(line), names.get(category, category), "", f"{probability:.6f}", str(rater), *map(str, scores))
        for line, category, probability, scores in audit.rows[rater - 1]
    ]
    return _csv(sheet_headers(Translator(language)), rows, separator=separator, line_end="\r\n").encode("utf-8-sig")


def _journey(stages: dict[str, str], moment: tuple[str, str]) -> bytes:
    """The part of a mapping that places categories and one kind of good moment at the steps of the journey."""
    lines = [f'"{name}" = "{stage}"' for name, stage in stages.items()]
    return "\n".join(["[journey]", *lines, "", "[journey.moments]", f'"{moment[0]}" = "{moment[1]}"', ""]).encode("utf-8")


def write_sample(directory: Path | str, *, seed: int = SAMPLE_SEED) -> list[Path]:
    """Write the generated files of ``data/`` under `directory`; the same seed gives the same bytes.

    Returns:
        The files written.
    """
    written = []
    for name, content in build_sample(seed).items():
        path = Path(directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return written


def _volumes(complaints: pd.DataFrame) -> pd.DataFrame:
    months = complaints["complaint_date"].dt.to_period("M").dt.to_timestamp().rename("month")
    return complaints.groupby([months, "category"]).size().rename("complaints").reset_index()


def _survey(company: SimulatedCompany, rng: np.random.Generator) -> pd.DataFrame:
    """What a survey at the end finds: of those asked, who had the problem within a year, and who complained."""
    still_here = company.customers.loc[company.customers["end_date"].isna(), "customer_id"].to_numpy()
    asked = set(rng.choice(still_here, size=SURVEY_ASKED, replace=False))
    year_ago = pd.Timestamp(company.truth["as_of"]) - pd.DateOffset(years=1)
    rows = []
    for category in sorted(company.truth["categories"]):
        struck = _customers_since(company.incidents, "incident_date", category, year_ago) & asked
        spoke = _customers_since(company.complaints, "complaint_date", category, year_ago) & struck
        rows.append({"category": category, "asked": len(asked), "had_problem": len(struck), "complained": len(spoke)})
    return pd.DataFrame(rows)


def _customers_since(events: pd.DataFrame, column: str, category: str, day: pd.Timestamp) -> set[str]:
    return set(events.loc[(events["category"] == category) & (events[column] > day), "customer_id"])


def _english(frame: pd.DataFrame, headers: Sequence[str], *, days: str = "%Y-%m-%d") -> bytes:
    return _csv(headers, _texts(frame, days=days), separator=",", line_end="\n").encode("utf-8")


def _french(frame: pd.DataFrame, headers: Sequence[str], *, days: str = "%d/%m/%Y") -> bytes:
    """As a French CRM writes it: UTF-8 with a byte-order mark, semicolons, decimal commas, day first, CR LF."""
    renamed = frame.replace({"category": FRENCH_CATEGORIES, "segment": FRENCH_SEGMENTS})
    rows = _texts(renamed, days=days, decimal=",")
    return _csv(headers, rows, separator=";", line_end="\r\n").encode("utf-8-sig")


def _texts(frame: pd.DataFrame, *, days: str, decimal: str = ".") -> Iterable[tuple[str, ...]]:
    columns = []
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_datetime64_any_dtype(values):
            columns.append(values.dt.strftime(days).fillna("").tolist())
        elif pd.api.types.is_float_dtype(values):
            columns.append([f"{value:.2f}".replace(".", decimal) for value in values])
        else:
            columns.append(values.astype(str).tolist())
    return zip(*columns, strict=True)


def _csv(headers: Sequence[str], rows: Iterable[tuple[str, ...]], *, separator: str, line_end: str) -> str:
    target = io.StringIO()
    writer = csv.writer(target, delimiter=separator, lineterminator=line_end)
    writer.writerow(headers)
    writer.writerows(rows)
    return target.getvalue()


def _truth(company: SimulatedCompany, seed: int) -> bytes:
    labels = {"categories": FRENCH_CATEGORIES, "segments": FRENCH_SEGMENTS}
    content: dict[str, Any] = {"seed": seed} | company.truth | {"french": labels}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8")
