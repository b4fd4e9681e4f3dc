"""Says how many complaints were closed in time, how many of those customers left all the same, and what the difference to late ones does not say."""

from __future__ import annotations

from typing import Any

import pandas as pd

from iceberg.locale import Translator, visible
from iceberg.model.journey.service import Service, ServiceEstimate
from iceberg.model.results import CredibleInterval
from iceberg.report.journey.waits import wait_entries, wait_sentences
from iceberg.report.small_cells import SMALLEST
from iceberg.report.words import share

_DECIMALS = 6  # as in the whole document
# Columns of `service_table` that a table shows, with the sentence of `service` that heads each.
_SAME = ("in_time", "share", "left_in_time", "left_late")
TABLE_COLUMNS = {"name": "group", "in_time": "in_time", "late": "late_cases"} | {name: name for name in _SAME}


def is_shown(one: ServiceEstimate) -> bool:
    """Whether neither side counts one to four customers."""
    return not any(0 < number < SMALLEST for number in (one.in_time, one.late))


def service_headline(service: Service, words: Translator) -> str:
    """The one sentence: how many were closed in time, and how many of those left because of the problem."""
    one = service.everybody
    if one is None:
        said = wait_sentences(service.waits, words)
        return " ".join(said) if said else words.text("service.nothing")
    if not is_shown(one):
        return words.text("service.too_few", smallest=SMALLEST)
    closed = share(one.in_time / (one.in_time + one.late), words)
    if one.left_in_time is None:
        return words.text("service.headline_few", share=closed)
    if one.left_in_time.lower <= 0:
        return words.text("service.headline_none", share=closed, high=share(max(one.left_in_time.upper, 0.0), words), days=service.horizon_days)
    return words.text("service.headline", share=closed, **_range(one.left_in_time, words), days=service.horizon_days)


def service_sentences(service: Service, words: Translator) -> tuple[str, ...]:
    """What follows: late cases, the reservation on them, who of those lost had been answered in time, and what is not known."""
    one, found = service.everybody, []
    if one is not None and is_shown(one):
        if one.left_late is not None:
            found.append(words.text("service.late", **_range(one.left_late, words), days=service.horizon_days))
        found.append(words.text("service.reservation" if one.differs else "service.no_difference") if one.left_late is not None else "")
        if one.in_time_of_lost is not None:
            found.append(words.text("service.of_lost", **_range(one.in_time_of_lost, words)))
    found += wait_sentences(service.waits, words) if one is not None else []
    if service.undecided:
        found.append(words.text("service.undecided", number=_number(service.undecided, words)))
    if service.gone:
        found.append(words.text("service.gone", number=_number(service.gone, words)))
    if service.left_open >= SMALLEST:
        found.append(words.text("service.left_open", number=words.integer(service.left_open)))
    if service.only_present:
        found.append(words.text("service.only_present"))
    if one is not None:
        found.append(words.text(f"service.measured_{'dates' if service.by_dates else 'flag'}"))
    found += [words.text(f"service.unread{_kind_of(name)}", field=words.text(f"ingest.fields.{name}")) for name in service.unread]
    return tuple(sentence for sentence in found if sentence)


def _kind_of(name: str) -> str:
    """Which sentence says why a column could not be read."""
    return "_flag" if name in {"in_time", "late"} else ""


def service_table(service: Service, words: Translator) -> pd.DataFrame:
    """One row per category without small counts, all complainants first; texts: name, in_time, late, share, left_in_time, left_late.

    Numbers, of the picture: lower, median and upper of ``in_`` and ``late_``, NaN for too few. Counts of a category that is left out
    do not follow from the others, because customers may complain of several.
    """
    rows = [one for one in (service.everybody, *service.categories) if one is not None and is_shown(one)]
    columns = ["name", "in_time", "late", "share", "left_in_time", "left_late", "number"]
    columns += [f"{side}_{end}" for side in ("in", "late") for end in ("lower", "median", "upper")]
    return pd.DataFrame([_row(one, words) for one in rows], columns=columns)


def _row(one: ServiceEstimate, words: Translator) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": visible(one.category) if one.category else words.text("service.everybody"),
        "in_time": words.integer(one.in_time),
        "late": words.integer(one.late),
        "share": share(one.in_time / (one.in_time + one.late), words),
        "number": one.in_time + one.late,
    }
    for side, name, interval in (("in", "left_in_time", one.left_in_time), ("late", "left_late", one.left_late)):
        row[name] = words.text("journey.too_few") if interval is None else words.text("service.span", **_range(interval, words))
        for end in ("lower", "median", "upper"):
            row[f"{side}_{end}"] = float("nan") if interval is None else max(float(getattr(interval, end)), 0.0)
    return row


def service_document(service: Service, *, whole: bool = True) -> dict[str, Any]:
    """Builds the key ``service`` of the JSON document; counts of one to four customers are null.

    Args:
        service: The figures.
        whole: Whether categories are written; a document for viewers has all complainants only.
    """
    return {
        "horizon_days": service.horizon_days,
        "by_dates": service.by_dates,
        "unread": list(service.unread),
        "undecided": _hidden(service.undecided),
        "gone_before": _hidden(service.gone),
        "left_open": _hidden(service.left_open),
        "present_customers_only": service.only_present,
        "waits": wait_entries(service.waits, whole=whole),
        "everybody": None if service.everybody is None or not is_shown(service.everybody) else _entry(service.everybody),
        "categories": [{"category": one.category, **_entry(one)} for one in service.categories if is_shown(one)] if whole else [],
    }


def _entry(one: ServiceEstimate) -> dict[str, Any]:
    return {
        "in_time": one.in_time,
        "late": one.late,
        "share_in_time": _interval(one.share),
        "left_in_time": _interval(one.left_in_time),
        "left_late": _interval(one.left_late),
        "in_time_of_lost": _interval(one.in_time_of_lost),
        "late_leave_more": None if one.probability_later_worse is None else round(one.probability_later_worse, _DECIMALS),
        "severity_unknown": one.differs,
    }


def _interval(interval: CredibleInterval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"lower": round(interval.lower, _DECIMALS), "median": round(interval.median, _DECIMALS), "upper": round(interval.upper, _DECIMALS)}


def _hidden(number: int) -> int | None:
    return None if 0 < number < SMALLEST else number


def _number(number: int, words: Translator) -> str:
    return words.text("journey.fewer", smallest=SMALLEST) if 0 < number < SMALLEST else words.integer(number)


def _range(interval: CredibleInterval, words: Translator) -> dict[str, str]:
    """A share that may be below nothing by chance is written as nothing."""
    return {name: share(max(value, 0.0), words) for name, value in (("low", interval.lower), ("left", interval.median), ("high", interval.upper))}
