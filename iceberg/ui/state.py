"""Owns what a session holds: the study on screen, and the caches that keep a slider from paying twice.

Every cache is keyed by text (a digest, an assumption, a language), never by a frame: Streamlit hashes large frames by a
sample. What comes from an upload is cached for that session alone; the sample company is the same for everyone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import streamlit as st

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.ingest.tables import IngestReport
    from iceberg.model.assumptions import Assumptions
    from iceberg.model.results import IcebergEstimate

SAMPLE_FOLDER = Path(__file__).resolve().parents[2] / "data"
SEED = 0
Progress = Callable[[str, float], None]
Result = TypeVar("Result")
_STUDY = "study"
_WARM = "warm_start"


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
    """Put `study` on every page of this session."""
    st.session_state[_STUDY] = study
    st.session_state.pop(_WARM, None)


def forget_study() -> None:
    """Return this session to the sample company; the uploaded counts are dropped."""
    st.session_state.pop(_STUDY, None)
    st.session_state.pop(_WARM, None)


@st.cache_resource(max_entries=2, show_spinner=False)
def load_sample(language: str) -> Study:
    """The sample company, with its categories named in `language`; read and counted once per server.

    Raises:
        FileError: When ``data/`` is not beside the package.
    """
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    customers, complaints = sample_files(language)
    tables, report = load_tables(customers, complaints)
    with tables:
        counts = reduce_tables(tables)
    return Study(counts=counts, digest=counts.digest, name="", origin="sample", report=report)


def sample_files(language: str) -> tuple[Path, Path]:
    """Customers and complaints of the sample company, as an analyst of that language would export them."""
    names = ("en/customers.csv", "en/complaints.csv") if language == "en" else ("fr/clients.csv", "fr/reclamations.csv")
    return SAMPLE_FOLDER / names[0], SAMPLE_FOLDER / names[1]


def estimate_study(study: Study, assumptions: Assumptions, *, progress: Progress | None = None) -> IcebergEstimate:
    """The estimate of `study` under `assumptions`, computed once per pair; a slider starts from the fit before it."""
    key = f"{study.digest}|{SEED}|{assumptions!r}"
    cached = _estimate_for_all if study.is_sample else _estimate_for_session
    digest, warm = st.session_state.get(_WARM, (None, None))
    estimate = cached(key, study.counts, assumptions, progress, warm if digest == study.digest else None)
    st.session_state[_WARM] = (study.digest, estimate.fit_state)
    return estimate


def focus_study(study: Study, estimate: IcebergEstimate, filters: Filters) -> IcebergEstimate:
    """The same estimate for the segments and months on screen."""
    if filters == Filters():
        return estimate
    key = f"{estimate.counts_digest}|{SEED}|{estimate.assumptions!r}|{filters!r}"
    return (_focus_for_all if study.is_sample else _focus_for_session)(key, estimate, filters)


def _estimate(
    counts: CohortCounts, assumptions: Assumptions, progress: Progress | None, warm: object | None
) -> IcebergEstimate:
    from iceberg.model.estimate import estimate_iceberg

    return estimate_iceberg(counts, assumptions=assumptions, seed=SEED, progress=progress, warm=warm)


@st.cache_resource(max_entries=12, show_spinner=False)
def _estimate_for_all(
    key: str, _counts: CohortCounts, _assumptions: Assumptions, _progress: Progress | None, _warm: object | None
) -> IcebergEstimate:
    return _estimate(_counts, _assumptions, _progress, _warm)


@st.cache_resource(max_entries=4, scope="session", show_spinner=False)
def _estimate_for_session(
    key: str, _counts: CohortCounts, _assumptions: Assumptions, _progress: Progress | None, _warm: object | None
) -> IcebergEstimate:
    return _estimate(_counts, _assumptions, _progress, _warm)


def _focus(estimate: IcebergEstimate, filters: Filters) -> IcebergEstimate:
    from iceberg.model.estimate import focus_estimate

    return focus_estimate(estimate, segments=filters.segments, months=filters.months)


@st.cache_resource(max_entries=12, show_spinner=False)
def _focus_for_all(key: str, _estimate: IcebergEstimate, _filters: Filters) -> IcebergEstimate:
    return _focus(_estimate, _filters)


@st.cache_resource(max_entries=4, scope="session", show_spinner=False)
def _focus_for_session(key: str, _estimate: IcebergEstimate, _filters: Filters) -> IcebergEstimate:
    return _focus(_estimate, _filters)


def remember(key: str, build: Callable[[], Result], *, study: Study) -> Result:
    """What `build` returns, built once per `key` and study: curves, sensitivities, specifications of charts."""
    return cast("Result", (_built_for_all if study.is_sample else _built_for_session)(f"{study.digest}|{key}", build))


@st.cache_resource(max_entries=400, show_spinner=False)
def _built_for_all(key: str, _build: Callable[[], Any]) -> Any:  # noqa: ANN401  # whatever is built
    return _build()


@st.cache_resource(max_entries=120, scope="session", show_spinner=False)
def _built_for_session(key: str, _build: Callable[[], Any]) -> Any:  # noqa: ANN401  # whatever is built
    return _build()
