"""What a message says: the headline, what changed beyond noise, the limits that are crossed, the warnings, and the link. No customer, no small group.

Everything is read off the estimate as a viewer sees it (`iceberg.report.viewers`): small categories are pooled, and a message that was sent cannot be
closed again. So the counts of the headline are left out where their difference from a version that was announced before is one to four customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.compare import Comparison, compare_studies
from iceberg.model.evidence import cannot_say
from iceberg.model.results import IcebergEstimate
from iceberg.notify.conditions import Limit
from iceberg.report.comparison import comparison_document, comparison_headline, remark_sentences
from iceberg.report.words import customers_range, diagnostic_sentences, headline
from iceberg.store.studies import VersionEntry

CLEAR = {"fell", "rose"}  # verdicts beyond noise


@dataclass(frozen=True)
class Digest:
    """One message.

    Attributes:
        language: Of all its sentences.
        subject: One line.
        paragraphs: What it says, without the link.
        link: Of the study.
        link_label: What a button with it is called.
        document: All of it for programs.
    """

    language: str
    subject: str
    paragraphs: tuple[str, ...]
    link: str
    link_label: str
    document: dict[str, Any] = field(repr=False)

    @property
    def text(self) -> str:
        """As plain text."""
        return "\n\n".join((*self.paragraphs[:-1], Translator(self.language).text("notify.link", link=self.link), self.paragraphs[-1])) + "\n"


@dataclass(frozen=True, eq=False)
class ViewedVersion:
    """A version as a viewer sees it."""

    entry: VersionEntry
    estimate: IcebergEstimate
    counts: CohortCounts


def compare_sides(before: ViewedVersion, after: ViewedVersion) -> Comparison | None:
    """The comparison of two versions; None where they were made from the same counts, or one has no range, or they cannot be compared."""
    if before.entry.counts_digest == after.entry.counts_digest or cannot_say(before.estimate) or cannot_say(after.estimate):
        return None
    try:
        return compare_studies(before.estimate, before.counts, after.estimate, after.counts)
    except OptionError:  # one knows customers or dates and the other does not, or they share no category
        return None


def changed_beyond_noise(comparison: Comparison | None) -> bool:
    """Whether the company, or a category, changed beyond noise."""
    return comparison is not None and any(one.verdict in CLEAR for one in (comparison.total, *comparison.categories))


def build_digest(
    after: ViewedVersion,
    words: Translator,
    *,
    link: str,
    before: VersionEntry | None = None,
    comparison: Comparison | None = None,
    crossed: Mapping[Limit, Mapping[str, float]],
    shows_counts: bool,
) -> Digest:
    """The message about a version.

    Args:
        after: The version.
        words: Language.
        link: Address of the study.
        before: The version that it is compared with; None for the first one.
        comparison: Of both; None where they cannot be compared.
        crossed: Limits that are crossed, with the churn per month.
        shows_counts: Whether counts of customers may be shown.
    """
    entry = after.entry
    says = headline(after.estimate, words) if shows_counts else _headline_without_counts(after.estimate, words)
    changes = _changes(comparison, words)
    limits = [_limit_sentence(limit, churn, words) for limit, churn in crossed.items()]
    warnings = _warnings(after.estimate, words, says=says, shows_counts=shows_counts)
    paragraphs = [
        says,
        *([_listed(words.text("notify.crossed"), limits)] if limits else []),
        _change_paragraph(entry, before, comparison, changes, words),
        *([_listed(words.text("notify.warnings"), warnings)] if warnings else []),
        words.text("notify.foot"),
    ]
    subject = words.text("notify.subject_crossed" if limits else "notify.subject_changed" if changes else "notify.subject", title=entry.title)
    document = {
        "schema_version": 1,
        "event": "version_published",
        "study": entry.study_id,
        "title": entry.title,
        "version": entry.number,
        "compared_with": None if before is None else before.number,
        "language": words.language,
        "subject": subject,
        "headline": says,
        "changes": _change_rows(comparison),
        "crossed": [_limit_row(limit, churn) for limit, churn in crossed.items()],
        "warnings": warnings,
        "text": "\n\n".join(paragraphs),
        "link": link,
    }
    return Digest(words.language, subject, tuple(paragraphs), link, words.text("notify.open"), document)


def _headline_without_counts(estimate: IcebergEstimate, words: Translator) -> str:
    if cannot_say(estimate):
        return words.text("notify.headline_no_range")
    return words.text("notify.headline", **customers_range(estimate.total.silent_churn, words))


def _changes(comparison: Comparison | None, words: Translator) -> list[str]:
    """A sentence about the company and each category that changed beyond noise, with both rates: windows may differ in length."""
    if comparison is None:
        return []
    clear = [one for one in (comparison.total, *comparison.categories) if one.verdict in CLEAR]
    return [comparison_headline(comparison, words, category=one.category) for one in clear]


def _change_paragraph(
    entry: VersionEntry, before: VersionEntry | None, comparison: Comparison | None, changes: Sequence[str], words: Translator
) -> str:
    if before is None:
        return words.text("notify.first")
    since = {"version": str(before.number), "day": before.published_at.date()}
    if before.counts_digest == entry.counts_digest:
        return words.text("notify.same_counts", **since)
    if comparison is None:
        return words.text("notify.not_comparable", **since)
    remarks = [sentence for severity, sentence in remark_sentences(comparison, words) if severity != "info"]
    if before.method_digest != entry.method_digest:
        remarks.append(words.text("notify.other_method"))
    said = _listed(words.text("notify.changed", **since), changes) if changes else words.text("notify.unchanged", **since)
    return " ".join((said, *remarks)) if not changes else "\n".join((said, *remarks))


def _change_rows(comparison: Comparison | None) -> list[dict[str, Any]]:
    """The changes beyond noise for programs: estimates alone, no count of complainants."""
    if comparison is None:
        return []
    document = comparison_document(comparison, Translator())
    rows = [{"category": None} | document["total"], *document["categories"]]
    kept = ("category", "verdict", "probability_fell", "rate_before", "rate_after", "rate_change", "customers_kept")
    return [{name: row[name] for name in kept} | {"basis": comparison.basis} for row in rows if row["verdict"] in CLEAR]


def _limit_sentence(limit: Limit, churn: Mapping[str, float], words: Translator) -> str:
    about = words.text("compare.company") if limit.category is None else words.text("compare.category", category=limit.category)
    ends = {f"{name}_end": words.rounded(value) for name, value in churn.items()}
    return words.text(f"notify.{'surely_' if limit.surely else ''}{limit.side}", about=about, limit=words.decimal(limit.per_month), **ends)


def _limit_row(limit: Limit, churn: Mapping[str, float]) -> dict[str, Any]:
    per_month = {name: round(value, 6) for name, value in churn.items()}
    about = {"category": limit.category, "side": limit.side, "limit_per_month": limit.per_month, "surely": limit.surely}
    return about | {"silent_churn_per_month": per_month}


def _warnings(estimate: IcebergEstimate, words: Translator, *, says: str, shows_counts: bool) -> list[str]:
    """What forbids acting on the number alone, unless the headline says it; without counts, also without the counts that a warning names."""
    found = []
    for item in estimate.diagnostics:
        counted = any(isinstance(value, int) and not isinstance(value, bool) for value in item.values.values())
        sentence = diagnostic_sentences(item, words)[0]
        if item.severity == "warning" and sentence not in says and (shows_counts or not counted):
            found.append(sentence)
    return found


def _listed(title: str, sentences: Sequence[str]) -> str:
    return "\n".join((title, *(f"- {sentence}" for sentence in sentences)))
