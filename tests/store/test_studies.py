"""What is published comes back as it was, once."""

import gzip
import io
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text, update

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import StoreError
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.summary import focus_estimate
from iceberg.store import schema
from iceberg.store.audit import read_audit
from iceberg.store.changes import explain_change
from iceberg.store.connection import writing
from iceberg.store.counts_tables import counts_parts, read_counts
from iceberg.store.estimate_tables import estimate_parts, read_estimate
from iceberg.store.naming import name_study
from iceberg.store.packed_fit import PackedFit, open_fit
from iceberg.store.studies import Published, Store
from tests.store.conftest import Maker, small_estimate


def test_a_published_study_comes_back(store: Store, publication: Maker) -> None:
    given = publication("Départs 2026")
    published = store.publish(given)
    assert published == Published(published.study_id, 1, is_new=True, began_study=True)
    found = store.load(published.study_id)
    assert found.counts.digest == given.counts.digest
    assert found.estimate is not None
    assert found.estimate.total == given.estimate.total
    assert found.estimate.categories == given.estimate.categories
    assert found.estimate.diagnostics == given.estimate.diagnostics
    assert found.estimate.assumptions == given.estimate.assumptions
    entry = found.entry
    assert (entry.title, entry.author, entry.mapping) == ("Départs 2026", "ana", "[customers]\n")
    assert entry.summary == json.loads(json.dumps(given.summary))
    assert entry.sources == tuple(given.sources)
    assert entry.assumptions == given.estimate.assumptions
    assert (datetime.now(UTC) - entry.published_at).total_seconds() < 60


def test_what_comes_back_can_be_filtered_like_what_went_in(store: Store, publication: Maker) -> None:
    given = publication()
    found = store.load(store.publish(given).study_id).estimate
    assert found is not None
    assert focus_estimate(found, segments=["north"]).total == focus_estimate(given.estimate, segments=["north"]).total
    months = (given.counts.months[2], given.counts.months[5])
    assert focus_estimate(found, months=months).categories == focus_estimate(given.estimate, months=months).categories


def test_the_same_again_is_the_same_version(store: Store, publication: Maker) -> None:
    first = store.publish(publication())
    again = store.publish(publication(author="someone else"))
    assert (again.study_id, again.number, again.is_new) == (first.study_id, 1, False)
    assert len(store.versions(first.study_id)) == 1
    assert [line.action for line in read_audit(store.engine)] == ["publish"]


def test_anything_it_is_made_from_makes_another_version(store: Store, publication: Maker) -> None:
    first = publication()
    others = [publication(ratio=20.0), publication(months_later=1), publication(sha256="c" * 64), replace(first, mapping="[other]\n")]
    assert len({one.identity for one in (first, *others)}) == 5
    numbers = [store.publish(one).number for one in (first, *others)]
    assert numbers == [1, 2, 3, 4, 5]
    assert [entry.number for entry in store.versions(name_study("Quarterly"))] == [5, 4, 3, 2, 1]


def test_another_method_is_another_version(store: Store, publication: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    store.publish(publication())
    monkeypatch.setattr("iceberg.store.codec.method_digest", lambda: "f" * 64)
    again = store.publish(publication())
    assert (again.number, again.is_new) == (2, True)
    monkeypatch.undo()
    assert store.load(again.study_id).estimate is None, "another version of the method wrote it"
    assert store.load(again.study_id, 1).estimate is not None


def test_titles_that_read_alike_are_one_study(store: Store, publication: Maker) -> None:
    store.publish(publication("Churn  north"))
    store.publish(publication("churn North", ratio=20.0))
    assert [(study.title, study.versions) for study in store.studies()] == [("Churn north", 2)]


def test_titles_that_only_share_their_letters_are_two() -> None:
    assert name_study("Départs") != name_study("Departs")
    assert name_study("Départs").startswith("departs-")
    assert name_study("東京").startswith("study-")


def test_a_study_needs_a_title(store: Store, publication: Maker) -> None:
    with pytest.raises(StoreError) as caught:
        store.publish(publication("  "))
    assert caught.value.code == "title_missing"


def test_what_two_versions_share_is_held_once(store: Store, publication: Maker) -> None:
    store.publish(publication())
    store.publish(replace(publication(), mapping="[other]\n"))
    with store.engine.connect() as connection:
        parts = connection.execute(text("SELECT count(*) FROM parts")).scalar()
        blobs = connection.execute(text("SELECT count(*) FROM blobs")).scalar()
    assert parts == 2 * blobs


def test_unknown_studies_and_versions_are_said_in_words(store: Store, publication: Maker) -> None:
    published = store.publish(publication())
    with pytest.raises(StoreError, match="no study nothing"):
        store.load("nothing")
    with pytest.raises(StoreError, match=r"no version 7\. It has: 1"):
        store.load(published.study_id, 7)


def test_content_that_was_changed_is_refused(store: Store, publication: Maker) -> None:
    published = store.publish(publication())
    with writing(store.engine) as connection:
        connection.execute(update(schema.blobs).values(content=b"something else"))
    with pytest.raises(StoreError) as caught:
        store.load(published.study_id)
    assert caught.value.code == "store_damaged"


def test_two_analysts_publish_at_once_and_both_versions_exist(address: str, publication: Maker) -> None:
    makers = [publication(ratio=ratio, author=f"analyst {ratio}") for ratio in (5.0, 10.0, 15.0, 20.0)]
    stores = [Store(address) for _ in makers]
    start, numbers = threading.Barrier(len(makers)), []

    def publish(store: Store, place: int) -> None:
        start.wait()
        numbers.append(store.publish(makers[place]).number)

    workers = [threading.Thread(target=publish, args=(store, place)) for place, store in enumerate(stores)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(numbers) == [1, 2, 3, 4]
    entries = stores[0].versions(name_study("Quarterly"))
    assert {entry.author for entry in entries} == {one.author for one in makers}
    assert all(stores[0].load(entry.study_id, entry.number).estimate is not None for entry in entries)
    for store in stores:
        store.close()


def test_the_same_published_twice_at_once_is_one_version(address: str, publication: Maker) -> None:
    given = publication()
    stores = [Store(address) for _ in range(3)]
    start, told = threading.Barrier(3), []

    def publish(store: Store) -> None:
        start.wait()
        told.append(store.publish(given))

    workers = [threading.Thread(target=publish, args=(store,)) for store in stores]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(one.is_new for one in told) == [False, False, True]
    assert len(stores[0].versions(told[0].study_id)) == 1
    for store in stores:
        store.close()


def test_counts_are_tables_that_any_tool_reads() -> None:
    counts, _ = small_estimate()
    parts = counts_parts(counts)
    assert counts_parts(counts) == parts, "equal counts, equal bytes"
    header = json.loads(gzip.decompress(parts["counts.json.gz"]))
    assert header["digest"] == counts.digest
    assert set(header["tables"]) == set(parts) - {"counts.json.gz"}
    cells = pq.read_table(io.BytesIO(parts["counts_cells.parquet"])).to_pandas()
    assert cells["silent_exits"].sum() == counts.silent_leavers
    north = cells[cells["segment"] == "north"]
    assert north["silent_person_days"].sum() == counts.silent_person_days[0].sum()
    vocal = pq.read_table(io.BytesIO(parts["counts_complainants.parquet"])).to_pandas()
    assert vocal.groupby("category")["complainants"].sum().to_dict() == dict(zip(counts.categories, counts.vocal_customers.tolist(), strict=True))


def test_every_kind_of_counts_comes_back_with_its_digest() -> None:
    from tests.model.build import WINDOW

    volumes = CohortCounts.from_volumes(WINDOW, categories=["b", "a"], complaints=np.arange(24).reshape(2, 12))
    nobody = CohortCounts.zeros(WINDOW)
    for counts in (volumes, nobody):
        assert read_counts(counts_parts(counts)).digest == counts.digest


def test_draws_are_a_table_that_any_tool_reads() -> None:
    counts, estimate = small_estimate()
    parts = estimate_parts(estimate)
    cells = pq.read_table(io.BytesIO(parts["draws_cells.parquet"])).to_pandas()
    total = np.stack(cells["silent_churn"].to_list()).sum(axis=0)
    assert np.quantile(total, 0.5) == pytest.approx(estimate.total.silent_churn.median)
    natural = pq.read_table(io.BytesIO(parts["draws_natural.parquet"])).to_pandas()
    assert np.allclose(total + np.stack(natural["natural"].to_list()).sum(axis=0), counts.silent_leavers, rtol=1e-5)


def test_an_estimate_of_level_3_comes_back_to_the_last_draw() -> None:
    counts, estimate = small_estimate()
    assert estimate.evidence.level == "3"
    found = read_estimate(estimate_parts(estimate))
    assert found is not None
    assert np.array_equal(found.draws.silent_churn, estimate.draws.silent_churn)
    assert np.array_equal(found.draws.ratio, estimate.draws.ratio)
    assert found.total == estimate.total
    assert isinstance(found.fit_state, PackedFit), "unpacked before anybody moved anything"
    other = Assumptions(draws=50, horizon_days=90)
    warm = estimate_iceberg(counts, assumptions=other, warm=open_fit(found))
    assert warm.total == estimate_iceberg(counts, assumptions=other, warm=estimate.fit_state).total


def test_an_estimate_of_another_version_is_not_guessed_at() -> None:
    _, estimate = small_estimate()
    parts = estimate_parts(estimate)
    held = json.loads(gzip.decompress(parts["estimate.json.gz"]))
    held["estimate"]["fields"]["something_new"] = 1
    assert read_estimate(parts | {"estimate.json.gz": gzip.compress(json.dumps(held).encode())}) is None
    held["estimate"]["class"] = "subprocess:Popen"
    assert read_estimate(parts | {"estimate.json.gz": gzip.compress(json.dumps(held).encode())}) is None


# Where a warm start finds its classes -> where versions before the packages of the model found them; the last one is a package today.
OLD_HOMES = {
    "iceberg.model.departures.fit.model:ExcessHazardFit": "iceberg.model.excess_hazard:ExcessHazardFit",
    "iceberg.model.departures.correction:_Reference": "iceberg.model.level_three:_Reference",
    "iceberg.model.survival.delay_kernel:DelayKernel": "iceberg.model.survival:DelayKernel",
}


def parts_of_the_old_house(parts: Mapping[str, bytes], homes: Mapping[str, str] = OLD_HOMES) -> dict[str, bytes]:
    """The parts of an estimate as a version wrote them whose modules stood elsewhere."""
    with np.load(io.BytesIO(parts["warm_start.npz"])) as archive:
        arrays = {name: archive[name] for name in archive.files}
    words = str(arrays.pop("text"))
    for new, old in homes.items():
        assert new in words
        words = words.replace(new, old)
    target = io.BytesIO()
    np.savez_compressed(target, text=np.array(words), **arrays)
    return {**parts, "warm_start.npz": target.getvalue()}


@pytest.mark.parametrize("home", OLD_HOMES)
def test_an_estimate_whose_fit_names_modules_that_moved_is_shown_and_fitted_anew(home: str) -> None:
    counts, estimate = small_estimate()
    found = read_estimate(parts_of_the_old_house(estimate_parts(estimate), {home: OLD_HOMES[home]}))
    assert found is not None
    assert (found.total, found.categories) == (estimate.total, estimate.categories)
    assert open_fit(found) is None
    other = Assumptions(draws=50, horizon_days=90)
    assert estimate_iceberg(counts, assumptions=other, warm=open_fit(found)).total == estimate_iceberg(counts, assumptions=other).total


def test_a_version_of_the_old_house_is_said_to_be_of_another_method(store: Store, publication: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    given = publication()
    monkeypatch.setattr("iceberg.store.codec.method_digest", lambda: "f" * 64)
    monkeypatch.setattr("iceberg.store.studies.estimate_parts", lambda estimate: parts_of_the_old_house(estimate_parts(estimate)))
    study = store.publish(given).study_id
    monkeypatch.undo()
    store.publish(given)
    old, new = store.load(study, 1), store.load(study, 2)
    assert (old.counts.digest, old.entry.assumptions, old.entry.summary) == (given.counts.digest, given.estimate.assumptions, new.entry.summary)
    assert old.estimate is None
    change = explain_change(old, new)
    assert (change.method.moved, change.data.moved, change.assumptions.moved) == (True, False, False)
    assert change.before.median == given.estimate.total.silent_churn.median
