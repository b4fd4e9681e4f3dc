"""Owns what a session holds: the study on screen, and the caches that keep a slider from paying twice.

Everything kept is found by text (a digest, an assumption, a language), never by a frame: Streamlit hashes large frames
by a sample. What comes from an upload is kept for that session alone; the sample company is the same for everyone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import streamlit as st

from iceberg.ui.shelf import Shelf

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.ingest.tables import IngestReport
    from iceberg.model.assumptions import Assumptions
    from iceberg.model.results import IcebergEstimate

SAMPLE_FOLDER = Path(__file__).resolve().parents[2] / "data"
SEED = 0
Progress = Callable[[str, float], None]
Result = TypeVar("Result")
# Estimates carry their draws (10 to 60 MB each); everything else is small.
SHARED_SIZES = {"samples": 2, "estimates": 12, "slices": 12, "built": 600}
SESSION_SIZES = {"estimates": 3, "slices": 3, "built": 200, "files": 24}
_SHARED = {name: Shelf(size) for name, size in SHARED_SIZES.items()}  # one server, one sample
_SHELVES = "shelves"
_STUDY = "study"
_SHOWN = "shown"


@dataclass(frozen=True, eq=False)
class Study:
    """Counts on screen and where they came from.

    Attributes:
        counts: What every page reads; no customer row.
        digest: Identity of the counts; the key of every cache.
        name: File names, or "" for the sample company and typed volumes.
        origin: Where the counts came from.
        report: What became of each row; None where nothing was read in this session.
    """

    counts: CohortCounts
    digest: str
    name: str
    origin: str
    report: IngestReport | None = None

    @property
    def is_sample(self) -> bool:
        """Whether this is the company that ships with the product."""
        return self.origin == "sample"


@dataclass(frozen=True)
class Filters:
    """What part of the estimate is on screen; None means all of it. A filter slices draws and never estimates again."""

    segments: tuple[str, ...] | None = None
    months: tuple[date, date] | None = None


def current_study(language: str) -> Study:
    """The study of this session, or the sample company with nothing uploaded."""
    study = st.session_state.get(_STUDY)
    return cast("Study", study) if study is not None else load_sample(language)


def keep_study(study: Study) -> None:
    """Put `study` on every page of this session, and forget the files it was counted from."""
    st.session_state[_STUDY] = study
    session_shelf("files").clear()


def forget_study() -> None:
    """Return this session to the sample company; the uploaded counts are dropped."""
    for name in (_STUDY, _SHELVES, _SHOWN):
        st.session_state.pop(name, None)


def load_sample(language: str) -> Study:
    """The sample company, with its categories named in `language`; read and counted once per server.

    Raises:
        FileError: When ``data/`` is not beside the package.
    """

    def make() -> Study:
        from iceberg.ui.kept import keep_counts, open_counts

        files = sample_files(language)
        counts = open_counts(files)
        if counts is None:
            counts = _count_sample(files)
            keep_counts(files, counts)
        return Study(counts=counts, digest=counts.digest, name="", origin="sample")

    return _SHARED["samples"].get(language, make)


def _count_sample(files: tuple[Path, Path]) -> CohortCounts:
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    tables, _ = load_tables(*files)
    with tables:
        return reduce_tables(tables)


def prepare_estimate(study: Study) -> IcebergEstimate:
    """The estimate of the sample company under the default assumptions, before anybody visits."""
    from iceberg.model.assumptions import Assumptions

    return _estimate(study, Assumptions(), _SHARED["estimates"])


def share_built(study: Study, built: Mapping[str, object]) -> None:
    """Let `remember` find what was built on an earlier start of the server."""
    for key, result in built.items():
        _SHARED["built"].put(f"{study.digest}|{key}", result)


def sample_files(language: str) -> tuple[Path, Path]:
    """Customers and complaints of the sample company, as an analyst of that language would export them."""
    names = ("en/customers.csv", "en/complaints.csv") if language == "en" else ("fr/clients.csv", "fr/reclamations.csv")
    return SAMPLE_FOLDER / names[0], SAMPLE_FOLDER / names[1]


def measured_files(language: str) -> tuple[Path, Path]:
    """Incident log and survey of the sample company: optional, evidence level 4."""
    names = ("en/incidents.csv", "en/survey.csv") if language == "en" else ("fr/incidents.csv", "fr/enquete.csv")
    return SAMPLE_FOLDER / names[0], SAMPLE_FOLDER / names[1]


def estimate_study(study: Study, assumptions: Assumptions, *, progress: Progress | None = None) -> IcebergEstimate:
    """The estimate of `study` under `assumptions`, made once per pair."""
    estimate = _estimate(study, assumptions, _shelf("estimates", study), progress)
    st.session_state[_SHOWN] = study.digest
    return estimate


def _estimate(study: Study, assumptions: Assumptions, shelf: Shelf, progress: Progress | None = None) -> IcebergEstimate:
    """Every estimate starts from the fit under the default assumptions: whatever was moved before, the same choice gives the same figures."""
    from iceberg.model.assumptions import Assumptions as Defaults
    from iceberg.ui.kept import KeptFit, keep_estimate, open_estimate

    counts = study.counts
    name = estimate_name(study, Defaults())

    def make_base() -> IcebergEstimate:
        found = open_estimate(name) if study.is_sample else None
        if found is None:
            from iceberg.model.estimate import estimate_iceberg

            found = estimate_iceberg(counts, assumptions=Defaults(), seed=SEED, progress=progress)
            if study.is_sample:
                keep_estimate(name, found)
        return found

    base = shelf.get(name, make_base)
    if assumptions == Defaults():
        return base

    def make() -> IcebergEstimate:
        from iceberg.model.estimate import estimate_iceberg

        warm = base.fit_state.open() if isinstance(base.fit_state, KeptFit) else base.fit_state
        return estimate_iceberg(counts, assumptions=assumptions, seed=SEED, progress=progress, warm=warm)

    return shelf.get(estimate_name(study, assumptions), make)


def is_estimated(study: Study, assumptions: Assumptions) -> bool:
    """Whether the estimate can be shown at once."""
    return estimate_name(study, assumptions) in _shelf("estimates", study)


def has_estimate(study: Study) -> bool:
    """Whether this session has already shown an estimate of `study`."""
    return bool(st.session_state.get(_SHOWN) == study.digest)


def estimate_name(study: Study, assumptions: Assumptions) -> str:
    """What an estimate depends on."""
    return f"{study.digest}|{SEED}|{assumptions!r}"


def focus_study(study: Study, estimate: IcebergEstimate, filters: Filters) -> IcebergEstimate:
    """The same estimate for the segments and months on screen."""
    if filters == Filters():
        return estimate

    def make() -> IcebergEstimate:
        from iceberg.model.estimate import focus_estimate

        return focus_estimate(estimate, segments=filters.segments, months=filters.months)

    return _shelf("slices", study).get(f"{estimate_name(study, estimate.assumptions)}|{filters!r}", make)


def remember(key: str, make: Callable[[], Result], *, study: Study) -> Result:
    """What `make` returns, made once per `key` and study: curves, sensitivities, specifications of charts."""
    return _shelf("built", study).get(f"{study.digest}|{key}", make)


def recall(key: str, *, study: Study) -> Any:  # noqa: ANN401  # whatever was built under that key
    """What `remember` or an earlier start of the server holds under `key`; None where there is nothing."""
    return _shelf("built", study).find(f"{study.digest}|{key}")


def is_remembered(key: str, *, study: Study) -> bool:
    """Whether `remember` would answer at once."""
    return f"{study.digest}|{key}" in _shelf("built", study)


def _shelf(kind: str, study: Study) -> Shelf:
    """Where results of this kind are kept: for everyone where the study is the sample, else for this session alone."""
    return _SHARED[kind] if study.is_sample else session_shelf(kind)


def session_shelf(kind: str) -> Shelf:
    """Where this session alone keeps results of this kind."""
    if _SHELVES not in st.session_state:
        st.session_state[_SHELVES] = {name: Shelf(size) for name, size in SESSION_SIZES.items()}
    return cast("Shelf", st.session_state[_SHELVES][kind])
