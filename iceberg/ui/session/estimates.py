"""Owns what a session holds: the study on screen, and the caches that keep a slider from paying twice.

Everything kept is found by text (a digest, an assumption, a language), never by a frame: Streamlit hashes large frames
by a sample. What comes from an upload is kept for that session alone; the sample company is the same for everyone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.locale import Translator
from iceberg.ui.session.caches import _shelf
from iceberg.ui.session.lru_cache import Shelf
from iceberg.ui.session.study import _SHOWN, Filters, Study

if TYPE_CHECKING:
    from iceberg.model.assumptions import Assumptions
    from iceberg.model.results import IcebergEstimate

Progress = Callable[[str, float], None]
def prepare_estimate(study: Study) -> IcebergEstimate:
    """The estimate of a study that everybody may see, as long as nobody moves anything; no session is needed."""
    return _estimate(study, study.assumptions, _shelf("estimates", study))


def estimate_study(study: Study, assumptions: Assumptions, *, progress: Progress | None = None) -> IcebergEstimate:
    """The estimate of `study` under `assumptions`, made once per pair."""
    estimate = _estimate(study, assumptions, _shelf("estimates", study), progress)
    st.session_state[_SHOWN] = study.digest
    return estimate


def _estimate(study: Study, assumptions: Assumptions, shelf: Shelf, progress: Progress | None = None) -> IcebergEstimate:
    """Every estimate starts from the fit under the default assumptions: whatever was moved before, the same choice gives the same figures."""
    from iceberg.store.packed_fit import open_fit
    from iceberg.ui.session.sample_cache import keep_estimate, open_estimate

    counts = study.counts
    usual = study.assumptions
    name = estimate_name(study, usual)

    def make_base() -> IcebergEstimate:
        found = open_estimate(name) if study.is_sample else None
        if study.published is not None:
            from iceberg.ui.session.stored_versions import stored_estimate

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
        from iceberg.model.summary import focus_estimate

        whole = estimate
        if study.axes is not None:

            whole = veiled_estimate(study, estimate)
        months = filters.months
        if study.axes is not None and not study.axes.both and filters.segments is not None:
            months = None  # both together would make small cells
        return focus_estimate(whole, segments=filters.segments, months=months)

    return _shelf("slices", study).get(f"{study.digest}|{estimate_name(study, estimate.assumptions)}|{filters!r}", make)


def veiled_estimate(study: Study, estimate: IcebergEstimate) -> IcebergEstimate:
    """What a viewer may have of an estimate of this study."""
    from iceberg.report.viewers import veil_estimate

    language = study.digest.rpartition(".")[2]
    return veil_estimate(estimate, Translator(language))[0]
