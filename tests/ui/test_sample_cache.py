"""The sample's estimate kept between two starts: the same to the last byte, or made anew."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from iceberg.model.results import IcebergEstimate
from iceberg.ui.session import sample_cache
from iceberg.ui.session.sample import load_sample
from tests.report.examples import example_estimate

ESTIMATE = example_estimate(3, draws=40)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_cache, "FOLDER", tmp_path / "cache")


def same(one: object, other: object) -> bool:
    """Equal to the last byte, types included."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and all(same(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one))
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def test_what_is_kept_comes_back_the_same() -> None:
    sample_cache.save_estimate("a", ESTIMATE)
    assert same(sample_cache.load_estimate("a"), ESTIMATE)


def test_other_counts_or_assumptions_find_nothing() -> None:
    sample_cache.save_estimate("a", ESTIMATE)
    assert sample_cache.load_estimate("b") is None


def test_another_version_of_the_model_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sample_cache.save_estimate("a", ESTIMATE)
    monkeypatch.setattr(sample_cache, "_source_digest", lambda: "changed")
    assert sample_cache.load_estimate("a") is None


@pytest.mark.parametrize("damage", [b"", b"not an archive", None])
def test_a_damaged_file_is_made_anew(damage: bytes | None) -> None:
    sample_cache.save_estimate("a", ESTIMATE)
    (path,) = sample_cache.FOLDER.iterdir()
    path.write_bytes(path.read_bytes()[:2000] if damage is None else damage)
    assert sample_cache.load_estimate("a") is None


@pytest.mark.parametrize("name", ["subprocess:Popen", "iceberg.model.results:np", "iceberg.ui.session.sample_cache:Path"])
def test_a_file_that_names_anything_but_a_part_of_an_estimate_is_refused(name: str) -> None:
    sample_cache.save_estimate("a", ESTIMATE)
    (path,) = sample_cache.FOLDER.iterdir()
    np.savez(path, text=np.array(json.dumps({"class": name, "fields": {}})))
    assert sample_cache.load_estimate("a") is None


def test_a_folder_that_cannot_be_written_to_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(sample_cache, "FOLDER", tmp_path / "file")
    sample_cache.save_estimate("a", ESTIMATE)
    assert sample_cache.load_estimate("a") is None


def test_only_the_last_few_are_kept() -> None:
    for place in range(sample_cache.MOST_FILES + 2):
        sample_cache.save_estimate(str(place), ESTIMATE)
    assert len(list(sample_cache.FOLDER.iterdir())) == sample_cache.MOST_FILES
    assert isinstance(sample_cache.load_estimate(str(sample_cache.MOST_FILES + 1)), IcebergEstimate)


def test_counts_come_back_for_the_same_files_only(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("customer_id\n1\n")
    counts = load_sample("en").counts
    assert sample_cache.load_counts((file,)) is None
    sample_cache.save_counts((file,), counts)
    found = sample_cache.load_counts((file,))
    assert found is not None
    assert found.digest == counts.digest
    file.write_text("customer_id\n2\n")
    assert sample_cache.load_counts((file,)) is None
