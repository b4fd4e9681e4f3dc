"""Says how far priorities, beliefs, targets and promises are from what customers did, and what is unknown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pandas as pd

from iceberg.cohort.journey.spheres import PERCENT
from iceberg.locale import Translator, visible
from iceberg.model.journey.spheres import GAPS, QUADRANTS, SphereEstimate, Spheres
from iceberg.model.results import CredibleInterval
from iceberg.report.journey.waits import wait_text
from iceberg.report.words import share

_DECIMALS = 6  # as in the whole document
LIKELY = 0.5  # of a quadrant: more likely than the other three together
VISION_COLUMNS, DELIVERY_COLUMNS = ("rank", "believed", "believed_share"), ("standards", "target", "promise")
TABLE_COLUMNS = (*VISION_COLUMNS, *DELIVERY_COLUMNS)
BLANK = "—"  # of a cell of which the sheet says nothing


def spheres_headline(found: Spheres, words: Translator) -> str:
    """The one sentence: whether the priorities are those of the customers who left; else of the first gap that is known."""
    if found.agreement is not None and found.first is not None and found.first_place is not None:
        ends = _ends(found.agreement, lambda value: _signed(value, words, 1).removeprefix("+"))
        place = _ends(found.first_place, lambda value: words.integer(round(value)))
        place = {f"place_{name}": text for name, text in place.items()}
        return words.text("spheres.headline", **ends, **place, category=visible(found.first), ranked=found.ranked)
    if found.believed:
        return _believed_sentence(found, words)
    targets = [one.target for one in found.rows if one.target is not None]
    return _aim_sentence("target", targets, words) if targets else words.text("spheres.nothing")


def spheres_sentences(found: Spheres, words: Translator) -> tuple[str, ...]:
    """What follows: beliefs, targets, promises, where gaps are unknown, and how they are measured."""
    said = []
    if found.agreement is not None and found.believed:
        said.append(_believed_sentence(found, words))
    headline = found.agreement is None and not found.believed
    targets = [one.target for one in found.rows if one.target is not None]
    if targets and not headline:
        said.append(_aim_sentence("target", targets, words))
    promises = [one.promise for one in found.rows if one.promise is not None]
    if promises:
        said.append(_aim_sentence("promise", promises, words))
    if found.unsaid:
        names = [words.text("spheres.likely", category=visible(name), chance=share(part, words)) for name, part in found.unsaid.items()]
        said.append(words.text("spheres.unsaid", categories=", ".join(names)))
    if found.only_present:
        said.append(words.text("service.only_present"))
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in found.rows:
        for name in GAPS:
            if one.unknown.get(name, "blank") != "blank":
                reasons[name, one.unknown[name]].append(visible(one.row.category))
    for (name, reason), categories in reasons.items():
        why = words.text(f"spheres.unknown.{reason}")
        said.append(words.text("spheres.cannot", gap=words.text(f"spheres.gaps.{name}"), categories=", ".join(categories), reason=why))
    return (*said, words.text("spheres.method"))


def category_sentence(found: Spheres, category: str, words: Translator) -> str:
    """What is promised, aimed at, put first and believed of one category, against what was lived; "" where the sheet says none of it."""
    one = next((one for one in found.rows if one.row.category == category), None)
    if one is None:
        return ""
    parts = [said for name in _AGAINST if (said := _against(found, one, name, words))]
    return words.text("spheres.of_category.sentence", parts=words.text("spheres.of_category.between").join(parts)) if parts else ""


_AGAINST = ("promise", "target", "believed", "rank")


def _against(found: Spheres, one: SphereEstimate, name: str, words: Translator) -> str:
    """One of `_AGAINST` beside what was lived, or why that is unknown; "" for a blank cell."""
    reason, gap = one.unknown.get(name), getattr(one, name)
    if name == "promise" and one.within is not None:
        return _within(one, one.within, words)
    if reason == "blank" or (reason is None and gap is None):
        return ""
    if reason is not None:
        why = words.text(f"spheres.unknown.{reason}")
        return words.text("spheres.of_category.cannot", what=words.text(f"spheres.of_category.what_{name}"), reason=why)
    row = one.row
    if name == "rank":
        ranked = sorted(other.row.priority_rank for other in found.rows if other.rank is not None and other.row.priority_rank is not None)
        own = float(ranked.index(row.priority_rank) + 1) if row.priority_rank is not None else 0.0
        ends = _ends(_less(own, gap), lambda value: words.integer(round(value)))
        return words.text("spheres.of_category.rank", place=round(own), ranked=found.ranked, **ends)
    if name == "believed":
        believed = row.believed_leavers or 0
        ends = _ends(_less(believed, gap), lambda value: words.integer(round(value)))
        verdict = "inside" if one.believed_inside else "low" if gap.upper < 0 else "high"
        return words.text("spheres.of_category.believed", believed=believed, verdict=words.text(f"spheres.of_category.believed_{verdict}"), **ends)
    aim = (row.promise_value if name == "promise" else row.target) or 0.0
    ends = _ends(CredibleInterval(aim + gap.lower, aim + gap.median, aim + gap.upper), lambda value: share(value, words))
    verdict = "missed" if gap.upper < 0 else "met" if gap.lower > 0 else "open"
    said = words.text(f"spheres.of_category.{name}_{verdict}")
    return words.text(f"spheres.of_category.{name}", aim=share(aim, words), verdict=said, **ends)


def _within(one: SphereEstimate, within: CredibleInterval, words: Translator) -> str:
    """A promise that is a length of time beside the median time to close and the share closed within it."""
    value, unit = one.row.promise_value or 0.0, one.row.promise_unit
    promised = words.decimal(value, 1) if value % 1 else words.integer(round(value))
    wait, ends = wait_text(one.closed, str(unit), words), _ends(within, lambda share_of: share(share_of, words))
    return words.text(f"spheres.of_category.within_{unit}", promised=promised, wait=wait, **ends)


def _less(value: float, gap: CredibleInterval) -> CredibleInterval:
    """`value` less the gap: what the gap was measured against."""
    return CredibleInterval(value - gap.upper, value - gap.median, value - gap.lower)


def quadrants_headline(found: Spheres, words: Translator) -> str:
    """Where work is needed first, by importance and performance; "" where no category stands in a quadrant."""
    placed = [(one.quadrants["work_here"], one.row.category) for one in found.rows if one.quadrants is not None]
    if not placed or found.performance is None:
        return ""
    likely = [(chance, name) for chance, name in sorted(placed, reverse=True) if chance > LIKELY]
    if not likely:
        return words.text(f"spheres.quadrants_none_{found.performance}")
    names = ", ".join(words.text("spheres.likely", category=visible(name), chance=share(chance, words)) for chance, name in likely)
    return words.text(f"spheres.quadrants_{found.performance}", categories=names)


def quadrants_note(found: Spheres, words: Translator) -> str:
    """By what importance and performance are measured."""
    return words.text("spheres.importance_money" if found.by_money else "spheres.importance_customers")


def spheres_table(found: Spheres, words: Translator) -> pd.DataFrame:
    """One row per category of the sheet, as texts: category and `TABLE_COLUMNS`."""
    rows = [{"category": visible(one.row.category), **{name: _cell(one, name, words) for name in TABLE_COLUMNS}} for one in found.rows]
    return pd.DataFrame(rows, columns=["category", *TABLE_COLUMNS])


def quadrants_table(found: Spheres) -> pd.DataFrame:
    """Probabilities: category and `QUADRANTS`; categories that stand in one, those that need work most probably first."""
    rows = [{"category": visible(one.row.category), **one.quadrants} for one in found.rows if one.quadrants is not None]
    frame = pd.DataFrame(rows, columns=["category", *QUADRANTS])
    return frame.sort_values(list(QUADRANTS[:2]), ascending=False, kind="stable", ignore_index=True)


def quadrant_names(found: Spheres, words: Translator) -> dict[str, str]:
    """What each quadrant is called, by what stands for performance."""
    key = "quadrant_priority" if found.performance == "priority" else "quadrant"
    return {name: words.text(f"spheres.{key}.{name}") for name in QUADRANTS}


def spheres_grid(found: Spheres, words: Translator) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of the gaps."""
    headers = [words.text("spheres.category"), *(words.text(f"spheres.gaps.{name}") for name in TABLE_COLUMNS)]
    return headers, spheres_table(found, words).to_numpy().tolist()


def quadrants_grid(found: Spheres, words: Translator) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of the quadrants."""
    headers = [words.text("spheres.category"), *quadrant_names(found, words).values()]
    return headers, [[row["category"], *(share(row[name], words) for name in QUADRANTS)] for row in quadrants_table(found).to_dict("records")]


def spheres_document(found: Spheres) -> dict[str, Any]:
    """Builds the key ``spheres`` of the JSON document."""
    return {
        "ranked": found.ranked,
        "agreement": _interval(found.agreement),
        "agreement_unknown": found.agreement_unknown,
        "first_priority": found.first,
        "first_priority_place": _interval(found.first_place),
        "importance": "money" if found.by_money else "customers",
        "performance": found.performance,
        "present_customers_only": found.only_present,
        "categories": [_entry(one, found.unsaid.get(one.row.category)) for one in found.rows],
    }


def _entry(one: SphereEstimate, unsaid: float | None) -> dict[str, Any]:
    row = one.row
    return {
        "category": row.category,
        "promise_value": row.promise_value,
        "promise_unit": row.promise_unit,
        "expected_value": row.expected_value,
        "target": row.target,
        "priority_rank": row.priority_rank,
        "believed_leavers": row.believed_leavers,
        "rank_gap": _interval(one.rank),
        "believed_gap": _interval(one.believed),
        "believed_inside": one.believed_inside,
        "believed_share_gap": _interval(one.believed_share),
        "standards_gap": None if one.standards is None else round(one.standards, _DECIMALS),
        "target_gap": _interval(one.target),
        "promise_gap": _interval(one.promise),
        "promise_kept_within": _interval(one.within),
        "median_to_close": _interval(one.closed),
        "unsaid_share": None if unsaid is None else round(unsaid, _DECIMALS),
        "quadrants": None if one.quadrants is None else {name: round(one.quadrants[name], _DECIMALS) for name in QUADRANTS},
        "cannot_be_told": dict(one.unknown),
    }


def _interval(interval: CredibleInterval | None) -> dict[str, float] | None:
    return None if interval is None else {name: round(getattr(interval, name), _DECIMALS) for name in ("lower", "median", "upper")}


def _believed_sentence(found: Spheres, words: Translator) -> str:
    inside = sum(bool(one.believed_inside) for one in found.believed)
    low = sum(one.believed is not None and one.believed.upper < 0 for one in found.believed)
    return words.text("spheres.believed", number=len(found.believed), inside=inside, low=low, high=len(found.believed) - inside - low)


def _aim_sentence(name: str, gaps: list[CredibleInterval], words: Translator) -> str:
    missed, met = sum(gap.upper < 0 for gap in gaps), sum(gap.lower > 0 for gap in gaps)
    return words.text(f"spheres.aim_{name}", number=len(gaps), missed=missed, met=met, open=len(gaps) - missed - met)


def _cell(one: SphereEstimate, name: str, words: Translator) -> str:
    """A gap as text; a dash for a blank cell."""
    reason = one.unknown.get(name)
    if reason is not None:
        return BLANK if reason == "blank" else words.text("spheres.cannot_be_told")
    if name == "promise" and one.within is not None:
        return words.text("spheres.kept_within", share=words.text("spheres.span", **_ends(one.within, lambda value: share(value, words))))
    if name == "standards":
        points = one.row.promise_unit == PERCENT
        number = _signed((one.standards or 0.0) * (100 if points else 1), words, 1)
        single = "one_" if abs(round(one.standards or 0.0, 1)) == 1 and not points else ""
        return words.text(f"spheres.in_{single}{'points' if points else one.row.promise_unit}", number=number)
    interval: CredibleInterval = getattr(one, name)
    scale, decimals = (1, 0) if name in {"rank", "believed"} else (100, 0)
    return words.text("spheres.span", **_ends(interval, lambda value: _signed(value * scale, words, decimals)))


def _ends(interval: CredibleInterval, text: Callable[[float], str]) -> dict[str, str]:
    return {"low": text(interval.lower), "middle": text(interval.median), "high": text(interval.upper)}


def _signed(value: float, words: Translator, decimals: int) -> str:
    value = round(value, decimals)
    said = words.decimal(abs(value), decimals) if decimals else words.integer(abs(value))
    return f"+{said}" if value > 0 else f"\N{MINUS SIGN}{said}" if value < 0 else said
