"""Caches of samples, estimates and charts: per session, for everyone, and of published studies."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import streamlit as st

from iceberg.ui.session.lru_cache import Shelf
from iceberg.ui.session.study import Study

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate


def _weight(estimate: IcebergEstimate) -> int:
    """About what an estimate weighs: its draws."""
    draws = estimate.draws
    return int(draws.silent_churn.nbytes + draws.natural.nbytes + (0 if draws.revenue_lost is None else draws.revenue_lost.nbytes))


Result = TypeVar("Result")
# Estimates carry their draws (10 to 60 MB each), drawings that were read take ten times the memory of their text; everything else is small.
SHARED_SIZES = {"samples": 2, "estimates": 12, "slices": 12, "built": 600, "drawings": 32}
SESSION_SIZES = {"estimates": 3, "slices": 3, "built": 200, "drawings": 8, "files": 24}
_SHARED = {name: Shelf(size) for name, size in SHARED_SIZES.items()}  # one server, one sample
# Published studies are the same for everyone who may see them: counts, never a customer. What a slider moved is worked out once, whoever moves it.
PUBLISHED_BYTES = 400_000_000  # judgement: twenty positions of a study like the sample, on a server of 2 GB
_PUBLISHED = {
    "estimates": Shelf(64, most_bytes=PUBLISHED_BYTES, weigh=_weight),
    "slices": Shelf(64, most_bytes=PUBLISHED_BYTES // 2, weigh=_weight),
    "built": Shelf(1500),
    "drawings": Shelf(96),
}
_SHELVES = "shelves"


def share_built(study: Study, built: Mapping[str, object]) -> None:
    """Let `remember` find what was built on an earlier start of the server."""
    for key, result in built.items():
        _SHARED["built"].put(f"{study.digest}|{key}", result)


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
