"""The estimate of a study and its slices, each made once: a slider never pays twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.locale import Translator
from iceberg.store.packed_fit import open_fit
from iceberg.ui.counters import count
from iceberg.ui.session.caches import cache_of, stored_version
from iceberg.ui.session.sample_cache import load_estimate, save_estimate
from iceberg.ui.session.study import Filters, Study

if TYPE_CHECKING:
    from iceberg.model.assumptions import Assumptions
    from iceberg.model.estimate import Progress
    from iceberg.model.results import IcebergEstimate

_SHOWN = "shown"  # digest of the study whose estimate this session saw last


def estimate_study(study: Study, assumptions: Assumptions, *, progress: Progress | None = None) -> IcebergEstimate:
    """The estimate of `study` under `assumptions`, made once per pair.

    Every estimate starts from the fit under the study's own assumptions, so that a choice gives the same figures whatever was chosen before it.
    """
    estimate = first = unmoved_estimate(study, progress=progress)
    if assumptions != study.assumptions:

        def make() -> IcebergEstimate:
            from iceberg.model.estimate import estimate_iceberg

            with _counting():
                return estimate_iceberg(study.counts, assumptions=assumptions, seed=study.seed, progress=progress, warm=open_fit(first))

        estimate = cache_of("estimates", study).get(estimate_name(study, assumptions), make)
    st.session_state[_SHOWN] = study.digest
    return estimate


def unmoved_estimate(study: Study, *, progress: Progress | None = None) -> IcebergEstimate:
    """The estimate under the study's own assumptions, made once; of the sample and of published studies without a session."""
    return cache_of("estimates", study).get(estimate_name(study, study.assumptions), lambda: _first_estimate(study, progress))


def _first_estimate(study: Study, progress: Progress | None = None) -> IcebergEstimate:
    """The estimate under the study's own assumptions: the stored one where there is one."""
    name = estimate_name(study, study.assumptions)
    stored = load_estimate(name) if study.is_sample else None
    if study.published is not None:
        stored = stored_version(study.published).estimate
    if stored is not None:
        return stored
    from iceberg.model.estimate import estimate_iceberg

    with _counting():
        estimate = estimate_iceberg(study.counts, assumptions=study.assumptions, seed=study.seed, progress=progress)
    if study.is_sample:
        save_estimate(name, estimate)
    return estimate


@contextmanager
def _counting() -> Iterator[None]:
    began, outcome = time.monotonic(), "failed"
    try:
        yield
        outcome = "done"
    finally:
        count("iceberg_estimates_total", f'outcome="{outcome}"')
        count("iceberg_estimate_seconds_total", amount=time.monotonic() - began)


def placed_categories(study: Study) -> tuple[str, ...]:
    """The categories in the order of their colours and places: that of the study, else from most to least in its whole estimate.

    No filter, no language and no theme moves them, and a later version only appends to them.
    """
    from iceberg.report.files.pictures import category_order

    order = study.places or category_order(unmoved_estimate(study))
    shown = [name for name in order if name in study.categories]
    return (*shown, *(name for name in study.categories if name not in shown))


def is_estimated(study: Study, assumptions: Assumptions) -> bool:
    """Whether the estimate can be shown without a wait."""
    return estimate_name(study, assumptions) in cache_of("estimates", study)


def was_shown(study: Study) -> bool:
    """Whether an estimate of `study` was the last that this session saw."""
    return bool(st.session_state.get(_SHOWN) == study.digest)


def estimate_name(study: Study, assumptions: Assumptions) -> str:
    """Everything that an estimate depends on."""
    return f"{study.counts_key or study.digest}|{study.seed}|{assumptions!r}"


def focus_study(study: Study, estimate: IcebergEstimate, filters: Filters) -> IcebergEstimate:
    """The same estimate for the segments and months on screen; of a viewer's study, on its coarser axes."""
    axes = study.axes
    if filters == Filters() and axes is None:
        return estimate

    def make() -> IcebergEstimate:
        from iceberg.model.summary import focus_estimate

        whole, months = estimate, filters.months
        if axes is not None:
            from iceberg.report.viewers import veil_estimate

            whole = veil_estimate(estimate, Translator(study.digest.rpartition(".")[2]), groups=axes.groups)[0]
            if not axes.both and filters.segments is not None:
                months = None  # both together would make small cells
        return focus_estimate(whole, segments=filters.segments, months=months)

    return cache_of("slices", study).get(f"{study.digest}|{estimate_name(study, estimate.assumptions)}|{filters!r}", make)
