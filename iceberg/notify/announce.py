"""Announces a version to every target once: decides whether a message is due, sends it, and writes to the audit trail what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import NotifyError, OptionError
from iceberg.locale import Translator
from iceberg.model.compare import Comparison
from iceberg.model.estimate import estimate_iceberg
from iceberg.notify.conditions import Limit, churn_per_month, newly_crossed
from iceberg.notify.digest import Digest, ViewedVersion, build_digest, changed_beyond_noise, compare_sides
from iceberg.notify.mail import send_mail
from iceberg.notify.settings import Settings
from iceberg.notify.targets import Recipient
from iceberg.notify.webhook import send_webhook
from iceberg.report.viewers import StudyGroups, cells_of_counts, differs_safely, merge_groups, veil_estimate
from iceberg.store.audit import Announcement, announced_versions, claim_announcement, end_announcement
from iceberg.store.studies import Store, VersionEntry

Code = Literal["sent", "already", "busy", "not_due", "not_newest", "too_few", "failed"]


@dataclass(frozen=True)
class Delivery:
    """What became of the message to one target; `problem` says why it failed."""

    target: Recipient
    code: Code
    problem: NotifyError | None = None


def check_limits(settings: Settings, counts: CohortCounts, earlier: Sequence[VersionEntry]) -> None:
    """Check before anything is published that each limit can be judged.

    Raises:
        NotifyError: ``limit_no_months`` or ``limit_category``, where neither these counts nor an earlier version has the category.
    """
    for limit in settings.conditions.limits:
        if not counts.has_calendar:
            raise NotifyError("limit_no_months")
        known = {*counts.categories, *(one["category"] for entry in earlier for one in entry.summary["categories"])}
        if limit.category is not None and limit.category not in known:
            raise NotifyError("limit_category", {"value": limit.category, "known": ", ".join(sorted(known))})


def announce(store: Store, study_id: str, number: int, settings: Settings, *, actor: str) -> tuple[Delivery, ...]:
    """Announce a version to the targets of `settings`. A failure is an outcome: what is published stays published.

    Raises:
        StoreError: When the store cannot be read or written.
    """
    study = _Study(store, study_id)
    if study.entries[0].number != number:
        return tuple(Delivery(target, "not_newest") for target in settings.targets)
    return tuple(_announce(study, target, settings, actor=actor) for target in settings.targets)


def _announce(study: _Study, target: Recipient, settings: Settings, *, actor: str) -> Delivery:
    store, newest = study.store, study.entries[0]
    announced = announced_versions(store.engine, study_id=newest.study_id, target=target.digest)
    if newest.number in announced:
        return Delivery(target, "already")
    try:
        digest = study.digest(settings, announced)
    except OptionError:  # all customers together are a small group
        return Delivery(target, "too_few")
    if digest is None:
        return Delivery(target, "not_due")
    claim = Announcement(newest.study_id, newest.number, target.digest, actor)
    if (refused := claim_announcement(store.engine, claim)) is not None:
        return Delivery(target, refused)
    sent = False
    try:
        _send(digest, target, settings, key=hashlib.sha256(f"{newest.study_id} {newest.number} {target.digest}".encode()).hexdigest()[:32])
        sent = True
    except NotifyError as problem:
        return Delivery(target, "failed", problem)
    finally:  # also where a signal ends the run
        end_announcement(store.engine, claim, sent=sent)
    return Delivery(target, "sent")


def _send(digest: Digest, target: Recipient, settings: Settings, *, key: str) -> None:
    if target.kind == "mail":
        assert settings.mail is not None  # noqa: S101  # read_settings checked it
        send_mail(digest, target, settings.mail, key=key)
    else:
        send_webhook(digest, target, key=key)


class _Study:
    """The versions of one study, newest first, as viewers see them; each is read once."""

    def __init__(self, store: Store, study_id: str) -> None:
        self.store = store
        self.entries = store.versions(study_id)
        self._sides: dict[tuple[int, str], ViewedVersion] = {}
        self._comparisons: dict[tuple[int, str], Comparison | None] = {}
        self._groups = self._read_groups()

    def digest(self, settings: Settings, announced: Sequence[int]) -> Digest | None:
        """The message about the newest version to a target that was sent these versions; None where none is due.

        It is compared with the last version that the target knows, else with the one before.
        """
        newest, words = self.entries[0], Translator(settings.language)
        before = next((entry for entry in self.entries[1:] if entry.number in announced), next(iter(self.entries[1:]), None))
        comparison = None if before is None else self._compare(before, words)
        crossed = self._crossed(settings.conditions.limits, announced)
        conditions = settings.conditions
        changed = conditions.change and (before is None or changed_beyond_noise(comparison))
        if not (conditions.always or changed or crossed):
            return None
        return build_digest(
            self._side(newest, words),
            words,
            link=f"{settings.address}/?study={newest.study_id}&lang={words.language}",
            before=before,
            comparison=comparison,
            crossed=crossed,
            shows_counts=self._shows_counts(),
        )

    def _read_groups(self) -> StudyGroups:
        """What is taken together for viewers, this version included."""
        document, covered = self.store.groups(self.entries[0].study_id)
        groups = StudyGroups.from_dict(document)
        for entry in reversed(self.entries):
            if entry.number > covered:
                groups = merge_groups(groups, cells_of_counts(self.store.counts(entry), entry.assumptions))
        return groups

    def _shows_counts(self) -> bool:
        """Whether the counts of this version and of each one that anybody was sent differ by nobody or by at least five customers."""
        known = announced_versions(self.store.engine, study_id=self.entries[0].study_id)
        shown = [self.entries[0], *(entry for entry in self.entries[1:] if entry.number in known)]
        cells = [cells_of_counts(self.store.counts(entry), entry.assumptions) for entry in shown]
        return all(differs_safely(cells[0], other, self._groups) for other in cells[1:])

    def _crossed(self, limits: Sequence[Limit], announced: Sequence[int]) -> dict[Limit, dict[str, float]]:
        """The limits that are crossed now and were not, with the churn per month. A category that viewers do not see by itself is not judged."""
        crossed = {}
        for limit in limits:
            churn = churn_per_month(self.entries[0], limit.category)
            if limit.category not in self._groups.pooled and churn is not None and newly_crossed(limit, self.entries, announced):
                crossed[limit] = churn
        return crossed

    def _side(self, entry: VersionEntry, words: Translator) -> ViewedVersion:
        key = entry.number, words.language
        if key not in self._sides:
            stored = self.store.load(entry.study_id, entry.number)
            estimate = stored.estimate or estimate_iceberg(stored.counts, assumptions=entry.assumptions, seed=entry.seed)
            self._sides[key] = ViewedVersion(entry, veil_estimate(estimate, words, groups=self._groups)[0], stored.counts)
        return self._sides[key]

    def _compare(self, before: VersionEntry, words: Translator) -> Comparison | None:
        key = before.number, words.language
        if key not in self._comparisons:
            self._comparisons[key] = compare_sides(self._side(before, words), self._side(self.entries[0], words))
        return self._comparisons[key]
