"""Stores `CohortCounts` as a few Parquet tables and a JSON header, which any data tool opens.

Names stand in the tables where a person would look for them (segment, category, month, band); tables by exact day hold positions in the
header's lists. Nothing is derived: what comes back has the digest of what went in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import product
from typing import Any

import numpy as np

from iceberg.cohort.counts import CELL_FIELDS, PLAIN_FIELDS, CohortCounts
from iceberg.cohort.day_counts import ComplaintClockCounts, TenureDayCounts
from iceberg.cohort.findings.header import findings_from_header, findings_to_header
from iceberg.cohort.silent_observations import ObservedSilence
from iceberg.cohort.window import ObservationWindow
from iceberg.errors import StoreError
from iceberg.store.parquet import json_bytes, read_columns, read_json, table_bytes

HEADER = "counts.json.gz"
_PLAIN = (*PLAIN_FIELDS, "has_calendar")
_CELLS = (*CELL_FIELDS, "silent_exit_revenue")
_MEANING = {
    "counts_cells.parquet": "Per segment, calendar month and tenure band (lower edge in completed months): days at risk and departures of customers "
    "who had not complained (silent) and who had (vocal), annual revenue of the silent leavers, first complaints of any category.",
    "counts_complainants.parquet": "Distinct customers by category and by segment, month and band of their first complaint in it; zeros left out.",
    "counts_complaints.parquet": "Complaints per category and month, repeats included.",
    "counts_segments.parquet": "Distinct customers with at least one day at risk, per segment.",
    "counts_tenure_days.parquet": "Entries and ends by exact day of tenure. state 0 = has not complained, 1 + c = first complaint in category c; "
    "segment and category are positions in the lists of this header.",
    "counts_clock.parquet": "Complainants on the clock since their first complaint (category -1 = of any): bin of clock_edges_days in which "
    "follow-up ended; category, segment, month and band are positions.",
    "counts_observed.parquet": "What an incident log saw: customers struck, and of them those who complained.",
    "counts_observed_clock.parquet": "Silent sufferers on the clock since their first incident; positions as above.",
    "counts_survey.parquet": "What a survey saw per category.",
}


def counts_parts(counts: CohortCounts) -> dict[str, bytes]:
    """Name -> bytes of every table, and of the header."""
    segments, months, bands, categories = counts.segments, counts.months, counts.band_edges_months, counts.categories
    cells = list(product(segments, months, bands))
    header = {
        "since": counts.window.since.isoformat(),
        "as_of": counts.window.as_of.isoformat(),
        "look_back_days": counts.window.look_back_days,
        "months": [month.isoformat() for month in months],
        "digest": counts.digest,
        **{name: getattr(counts, name) for name in _PLAIN},
    }
    held = np.nonzero(counts.complainants)
    parts = {
        "counts_cells.parquet": table_bytes(
            {
                "segment": [cell[0] for cell in cells],
                "month": [cell[1] for cell in cells],
                "band_months": np.array([cell[2] for cell in cells], dtype=np.int64),
                **{name: getattr(counts, name).ravel() for name in _CELLS},
            }
        ),
        "counts_complainants.parquet": table_bytes(
            {
                "category": [categories[place] for place in held[0]],
                "segment": [segments[place] for place in held[1]],
                "month": [months[place] for place in held[2]],
                "band_months": np.array([bands[place] for place in held[3]], dtype=np.int64),
                "complainants": counts.complainants[held],
            }
        ),
        "counts_complaints.parquet": table_bytes(
            {
                "category": [category for category, _ in product(categories, months)],
                "month": [month for _, month in product(categories, months)],
                "complaints": counts.complaints.ravel(),
            }
        ),
        "counts_segments.parquet": table_bytes({"segment": list(segments), "customers_at_risk": counts.customers_at_risk}),
        "counts_tenure_days.parquet": table_bytes(counts.tenure_days.columns),
        "counts_clock.parquet": table_bytes(counts.clock.columns),
    }
    if counts.observed is not None:
        parts |= _observed_parts(counts, counts.observed)
        header["observed"] = {"complain_within_days": counts.observed.complain_within_days, "unmatched": counts.observed.unmatched}
    if counts.segment_columns:
        header |= {"segment_columns": counts.segment_columns, "segment_levels": counts.segment_levels}
    header |= findings_to_header(counts)
    header["tables"] = {name: _MEANING[name] for name in parts}
    return {HEADER: json_bytes(header), **parts}


def _observed_parts(counts: CohortCounts, observed: ObservedSilence) -> dict[str, bytes]:
    cells = list(product(counts.categories, counts.segments))
    return {
        "counts_observed.parquet": table_bytes(
            {
                "category": [cell[0] for cell in cells],
                "segment": [cell[1] for cell in cells],
                "struck": observed.struck.ravel(),
                "voiced": observed.voiced.ravel(),
            }
        ),
        "counts_survey.parquet": table_bytes(
            {
                "category": list(counts.categories),
                "asked": observed.survey[:, 0],
                "had_problem": observed.survey[:, 1],
                "complained": observed.survey[:, 2],
            }
        ),
        "counts_observed_clock.parquet": table_bytes(observed.clock.columns),
    }


def read_counts(parts: Mapping[str, bytes]) -> CohortCounts:
    """The counts of `counts_parts`.

    Raises:
        StoreError: ``store_damaged`` when they are not those that were written.
    """
    try:
        counts, digest = _build(parts)
    except (KeyError, ValueError, TypeError, OSError, EOFError) as fault:
        raise StoreError("store_damaged", {"store": HEADER}) from fault
    if counts.digest != digest:
        raise StoreError("store_damaged", {"store": HEADER})
    return counts


def _build(parts: Mapping[str, bytes]) -> tuple[CohortCounts, str]:
    header: dict[str, Any] = read_json(parts[HEADER])
    window = ObservationWindow(date.fromisoformat(header["since"]), date.fromisoformat(header["as_of"]), header["look_back_days"])
    segments, categories, bands = header["segments"], header["categories"], header["band_edges_months"]
    shape = (len(segments), len(window.months), len(bands))
    cells = read_columns(parts["counts_cells.parquet"])
    where = [{name: place for place, name in enumerate(names)} for names in (categories, segments, window.months, bands)]
    vocal = read_columns(parts["counts_complainants.parquet"])
    complainants = np.zeros((len(categories), *shape), dtype=np.int64)
    keys = zip(vocal["category"], vocal["segment"], vocal["month"], vocal["band_months"].tolist(), strict=True)
    places = np.array([[axis[one] for axis, one in zip(where, key, strict=True)] for key in keys], dtype=np.int64).reshape(-1, 4)
    complainants[tuple(places.T)] = vocal["complainants"]
    counts = CohortCounts(
        window=window,
        complainants=complainants,
        complaints=read_columns(parts["counts_complaints.parquet"])["complaints"].reshape(len(categories), len(window.months)),
        customers_at_risk=read_columns(parts["counts_segments.parquet"])["customers_at_risk"],
        tenure_days=TenureDayCounts(**read_columns(parts["counts_tenure_days.parquet"])),
        clock=ComplaintClockCounts(**read_columns(parts["counts_clock.parquet"])),
        observed=_read_observed(parts, header, len(categories), len(segments)) if "observed" in header else None,
        segment_columns=tuple(header.get("segment_columns", ())),
        segment_levels=tuple(header.get("segment_levels", ())),
        **findings_from_header(header),
        **{name: cells[name].reshape(shape) for name in _CELLS},
        **{name: header[name] for name in _PLAIN},
    )
    return counts, str(header["digest"])


def _read_observed(parts: Mapping[str, bytes], header: Mapping[str, Any], categories: int, segments: int) -> ObservedSilence:
    seen = read_columns(parts["counts_observed.parquet"])
    survey = read_columns(parts["counts_survey.parquet"])
    return ObservedSilence(
        struck=seen["struck"].reshape(categories, segments),
        voiced=seen["voiced"].reshape(categories, segments),
        survey=np.stack([survey["asked"], survey["had_problem"], survey["complained"]], axis=1).reshape(categories, 3),
        clock=ComplaintClockCounts(**read_columns(parts["counts_observed_clock.parquet"])),
        **header["observed"],
    )
