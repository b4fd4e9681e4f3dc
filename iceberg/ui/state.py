"""Owns what a session holds: the study on screen, and the caches that keep a slider from paying twice.

Everything kept is found by text (a digest, an assumption, a language), never by a frame: Streamlit hashes large frames
by a sample. What comes from an upload is kept for that session alone; the sample company is the same for everyone.
"""

from __future__ import annotations

import json
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
    from iceberg.report.viewers import ViewerAxes
    from iceberg.store.studies import SourceFile, VersionEntry

SAMPLE_FOLDER = Path(__file__).resolve().parents[2] / "data"
SEED = 0
Progress = Callable[[str, float], None]
Result = TypeVar("Result")
# Estimates carry their draws (10 to 60 MB each), drawings that were read take ten times the memory of their text; everything else is small.
SHARED_SIZES = {"samples": 2, "estimates": 12, "slices": 12, "built": 600, "drawings": 32}
SESSION_SIZES = {"estimates": 3, "slices": 3, "built": 200, "drawings": 8, "files": 24}
_SHARED = {name: Shelf(size) for name, size in SHARED_SIZES.items()}  # one server, one sample


def _weight(estimate: IcebergEstimate) -> int:
    """About what an estimate weighs: its draws."""
    draws = estimate.draws
    return int(draws.silent_churn.nbytes + draws.natural.nbytes + (0 if draws.revenue_lost is None else draws.revenue_lost.nbytes))


# Published studies are the same for everyone who may see them: counts, never a customer. What a slider moved is worked out once, whoever moves it.
PUBLISHED_BYTES = 400_000_000  # judgement: twenty positions of a study like the sample, on a server of 2 GB
_PUBLISHED = {
    "estimates": Shelf(64, most_bytes=PUBLISHED_BYTES, weigh=_weight),
    "slices": Shelf(64, most_bytes=PUBLISHED_BYTES // 2, weigh=_weight),
    "built": Shelf(1500),
    "drawings": Shelf(96),
}
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
        published: The version it was opened from; None for the sample and for what this session counted.
        axes: What a viewer may choose from; None where everything may be chosen.
        sources, mapping: The files and how their columns were read, for whoever publishes.
        counts_key: Identity of the estimates, where `digest` says more than the counts do.
    """

    counts: CohortCounts
    digest: str
    name: str
    origin: str
    report: IngestReport | None = None
    published: VersionEntry | None = None
    axes: ViewerAxes | None = None
    sources: tuple[SourceFile, ...] = ()
    mapping: str = ""
    counts_key: str = ""

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories in the order of their colours."""
        return self.counts.categories if self.axes is None else self.axes.categories

    @property
    def segments(self) -> tuple[str, ...]:
        """Segments that may be chosen."""
        return self.counts.segments if self.axes is None else self.axes.segments

    @property
    def months(self) -> tuple[date, ...]:
        """Months that may be chosen: the first of each period."""
        return self.counts.months if self.axes is None else self.axes.months

    @property
    def assumptions(self) -> Assumptions:
        """What is assumed as long as nobody moves anything."""
        from iceberg.model.assumptions import Assumptions

        return Assumptions() if self.published is None else self.published.assumptions

    @property
    def seed(self) -> int:
        """Seed of its estimates."""
        return SEED if self.published is None else self.published.seed

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
    """The published study that a link opened, the study of this session, or the sample company with nothing uploaded."""
    from iceberg.ui.published import opened_study

    opened = opened_study(language)
    if opened is not None:
        return opened
    study = st.session_state.get(_STUDY)
    return cast("Study", study) if study is not None else load_sample(language)


def keep_study(study: Study) -> None:
    """Put `study` on every page of this session, and forget the files it was counted from."""
    from iceberg.ui.published import close_study

    close_study()
    st.session_state[_STUDY] = study
    session_shelf("files").clear()


def forget_study() -> None:
    """Return this session to the sample company; the uploaded counts are dropped."""
    from iceberg.ui.published import close_study

    close_study()
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
    """The estimate of a study that everybody may see, as long as nobody moves anything; no session is needed."""
    return _estimate(study, study.assumptions, _shelf("estimates", study))


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
    from iceberg.store.packed import open_fit
    from iceberg.ui.kept import keep_estimate, open_estimate

    counts = study.counts
    usual = study.assumptions
    name = estimate_name(study, usual)

    def make_base() -> IcebergEstimate:
        found = open_estimate(name) if study.is_sample else None
        if study.published is not None:
            from iceberg.ui.published import stored_estimate

            found = stored_estimate(study.published)
        if found is None:
            from iceberg.model.estimate import estimate_iceberg

            found = estimate_iceberg(counts, assumptions=usual, seed=study.seed, progress=progress)
            if study.is_sample:
                keep_estimate(name, found)
        return found

    base = shelf.get(name, make_base)
    if assumptions == usual:
        return base

    def make() -> IcebergEstimate:
        from iceberg.model.estimate import estimate_iceberg

        return estimate_iceberg(counts, assumptions=assumptions, seed=study.seed, progress=progress, warm=open_fit(base))

    return shelf.get(estimate_name(study, assumptions), make)


def is_estimated(study: Study, assumptions: Assumptions) -> bool:
    """Whether the estimate can be shown at once."""
    return estimate_name(study, assumptions) in _shelf("estimates", study)


def has_estimate(study: Study) -> bool:
    """Whether this session has already shown an estimate of `study`."""
    return bool(st.session_state.get(_SHOWN) == study.digest)


def estimate_name(study: Study, assumptions: Assumptions) -> str:
    """What an estimate depends on."""
    return f"{study.counts_key or study.digest}|{study.seed}|{assumptions!r}"


def focus_study(study: Study, estimate: IcebergEstimate, filters: Filters) -> IcebergEstimate:
    """The same estimate for the segments and months on screen; of a viewer's study, on its coarser axes."""
    if filters == Filters() and study.axes is None:
        return estimate

    def make() -> IcebergEstimate:
        from iceberg.model.estimate import focus_estimate

        whole = estimate
        if study.axes is not None:
            from iceberg.ui.published import veiled_estimate

            whole = veiled_estimate(study, estimate)
        months = filters.months
        if study.axes is not None and not study.axes.both and filters.segments is not None:
            months = None  # both together would make small cells
        return focus_estimate(whole, segments=filters.segments, months=months)

    return _shelf("slices", study).get(f"{study.digest}|{estimate_name(study, estimate.assumptions)}|{filters!r}", make)


def remember(key: str, make: Callable[[], Result], *, study: Study) -> Result:
    """What `make` returns, made once per `key` and study: curves, sensitivities, specifications of charts."""
    return _shelf("built", study).get(f"{study.digest}|{key}", make)


def read_drawing(key: str, written: str, *, study: Study) -> dict[str, Any]:
    """The specification `written`, read once for everybody who sees it: nobody may change what is inside."""
    return cast("dict[str, Any]", _shelf("drawings", study).get(f"{study.digest}|{key}", lambda: json.loads(written)))


def recall(key: str, *, study: Study) -> Any:  # noqa: ANN401  # whatever was built under that key
    """What `remember` or an earlier start of the server holds under `key`; None where there is nothing."""
    return _shelf("built", study).find(f"{study.digest}|{key}")


def is_remembered(key: str, *, study: Study) -> bool:
    """Whether `remember` would answer at once."""
    return f"{study.digest}|{key}" in _shelf("built", study)


def _shelf(kind: str, study: Study) -> Shelf:
    """Where results of this kind are kept: for everyone where the study is the sample or published, else for this session alone."""
    if study.published is not None:
        return _PUBLISHED[kind]
    return _SHARED[kind] if study.is_sample else session_shelf(kind)


def session_shelf(kind: str) -> Shelf:
    """Where this session alone keeps results of this kind."""
    if _SHELVES not in st.session_state:
        st.session_state[_SHELVES] = {name: Shelf(size) for name, size in SESSION_SIZES.items()}
    return cast("Shelf", st.session_state[_SHELVES][kind])
