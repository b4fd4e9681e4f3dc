"""What moved between two versions, and what each cause did."""

from dataclasses import replace
from datetime import date

import pytest

from iceberg.cohort.window import ObservationWindow
from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.report.export import build_document
from iceberg.store.changes import explain_change
from iceberg.store.studies import Publication, Store
from iceberg.ui.sections.study_head import _as_text, _change_sentence
from tests.model.build import linked_counts
from tests.store.conftest import Maker


@pytest.fixture
def address(tmp_path: object) -> str:
    return f"{tmp_path}/store.db"  # what moved does not depend on the database


def test_only_the_assumptions_moved(store: Store, publication: Maker) -> None:
    study = store.publish(publication()).study_id
    store.publish(publication(ratio=2.0))
    change = explain_change(store.load(study, 1), store.load(study, 2))
    assert (change.data.moved, change.assumptions.moved, change.method.moved) == (False, True, False)
    assert [fact[0] for fact in change.assumptions.facts] == ["ratio"]
    assert change.data.effect is None
    assert change.assumptions.effect == change.difference


def test_only_the_data_moved(store: Store, publication: Maker) -> None:
    study = store.publish(publication()).study_id
    store.publish(publication(months_later=4, sha256="d" * 64))
    change = explain_change(store.load(study, 1), store.load(study, 2))
    assert (change.data.moved, change.assumptions.moved, change.method.moved) == (True, False, False)
    assert {fact[0]: fact[1:] for fact in change.data.facts}["silent_leavers"] == (600, 720)
    assert "content" in {fact[0] for fact in change.data.facts}
    assert change.data.effect == change.difference
    assert change.difference.lower <= change.difference.median <= change.difference.upper


def test_both_moved_and_the_steps_add_up_draw_by_draw(store: Store, publication: Maker) -> None:
    study = store.publish(publication()).study_id
    store.publish(publication(months_later=4, ratio=2.0))
    change = explain_change(store.load(study, 1), store.load(study, 2))
    assert change.data.effect is not None
    assert change.assumptions.effect is not None
    assert change.data.effect.median + change.assumptions.effect.median == pytest.approx(change.difference.median, abs=60)
    assert 0 <= change.probability_fell <= 1


def test_another_method_is_told_from_other_data(store: Store, publication: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("iceberg.store.codec.method_digest", lambda: "0" * 64)
        study = store.publish(publication()).study_id
    store.publish(publication())
    change = explain_change(store.load(study, 1), store.load(study, 2))
    assert (change.data.moved, change.assumptions.moved, change.method.moved) == (False, False, True)
    assert change.method.effect is None, "two methods differ by no chance: no interval is made up"
    assert change.method.answers is not None
    said, says = change.method.answers
    assert (said.lower, said.median, said.upper) == pytest.approx((says.lower, says.median, says.upper), abs=0.5), "the same lines under another name"


def test_nothing_moved_between_a_version_and_itself(store: Store, publication: Maker) -> None:
    study = store.publish(publication()).study_id
    one = store.load(study)
    change = explain_change(one, one)
    assert not (change.data.moved or change.assumptions.moved or change.method.moved)
    assert change.difference.median == 0
    assert change.probability_fell == 0.5, "neither a fall nor a rise"


def test_windows_of_different_length_are_compared_by_rates(store: Store) -> None:
    """The same company over one year and over two: twice the customers, the same rate."""
    for years in (1, 2):
        linked = linked_counts(
            {"billing": 120 * years, "delivery": 90 * years},
            silent_leavers=600 * years,
            person_days=3_650_000 * years,
            window=ObservationWindow(date(2025 - years, 1, 1), date(2024, 12, 31)),
        )
        # These complaints do not vary, so that departures cannot correct the ratio and nothing but the time differs.
        counts = replace(linked, has_linked_complaints=False)
        estimate = estimate_iceberg(counts, assumptions=Assumptions(draws=1000))
        rows = {table: {"read": 9, "kept": 9, "rejected": 0} for table in ("customers", "complaints")}
        study = store.publish(Publication("Longer", counts, estimate, build_document(estimate, counts, rows=rows))).study_id
    change = explain_change(store.load(study, 1), store.load(study, 2))
    assert change.rates is not None and change.after.median > 1.4 * change.before.median, "the totals say that it rose"
    assert change.rates.total.rate_after.median == pytest.approx(change.rates.total.rate_before.median, rel=0.25)
    assert change.probability_fell < change.rates.total.probability_fell < 0.8, "the rates say that nothing changed"
    said = {language: _change_sentence(change, Translator(language)) for language in ("en", "fr")}
    assert "(12 and 24 months)" in said["en"] and "(12 et 24 mois)" in said["fr"]
    window = {code: (before, after) for code, before, after in change.data.facts}["window"]
    assert "31 décembre 2024" in _as_text(window[0], Translator("fr")) and "2024-12-31" not in _as_text(window[0], Translator("fr"))


def test_windows_of_one_length_are_compared_by_totals(store: Store, publication: Maker) -> None:
    study = store.publish(publication()).study_id
    store.publish(publication(months_later=4, sha256="d" * 64))
    assert explain_change(store.load(study, 1), store.load(study, 2)).rates is None
