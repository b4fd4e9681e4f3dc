"""The caches of what pages work out: of this session alone, of the sample company, and of published studies.

Keys are texts (a digest, assumptions, a language), never frames: Streamlit hashes large frames by a sample. What comes from an upload is cached
for its session alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import streamlit as st

from iceberg.ui.session.lru_cache import LruCache
from iceberg.ui.session.study import Study
from iceberg.ui.study_store import open_store

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate
    from iceberg.store.studies import StoredVersion, VersionEntry

Result = TypeVar("Result")


def _draw_bytes(estimate: IcebergEstimate) -> int:
    """Bytes of an estimate's draws, which are nearly all of it."""
    draws = estimate.draws
    return int(draws.silent_churn.nbytes + draws.natural.nbytes + (0 if draws.revenue_lost is None else draws.revenue_lost.nbytes))


# An estimate holds 10 to 60 MB of draws and a parsed chart takes ten times its text; everything else is small.
SAMPLE_SIZES = {"estimates": 12, "slices": 12, "results": 600, "charts": 32}
SESSION_SIZES = {"estimates": 3, "slices": 3, "results": 200, "charts": 8, "digests": 24, "upload": 1}
_SAMPLE = {name: LruCache(size) for name, size in SAMPLE_SIZES.items()}
# Published studies are the same for all readers of a kind: counts, never a customer. A slider's position is worked out once for all of them.
PUBLISHED_BYTES = 400_000_000  # judgement: twenty positions of a study like the sample, on a server of 2 GB
PUBLISHED = {
    "estimates": LruCache(64, most_bytes=PUBLISHED_BYTES, weigh=_draw_bytes),
    "slices": LruCache(64, most_bytes=PUBLISHED_BYTES // 2, weigh=_draw_bytes),
    "results": LruCache(1500),
    "charts": LruCache(96),
}
_VERSIONS = LruCache(12)
_OF_SESSION = "caches"


def cached(key: str, make: Callable[[], Result], *, study: Study) -> Result:
    """What `make` returns, made once per `key` and study."""
    return cache_of("results", study).get(f"{study.digest}|{key}", make)


def find_cached(key: str, *, study: Study) -> Any:  # noqa: ANN401  # whatever was made under that key
    """The result for `key`; None where there is none."""
    return cache_of("results", study).find(f"{study.digest}|{key}")


def is_cached(key: str, *, study: Study) -> bool:
    """Whether there is a result for `key`."""
    return f"{study.digest}|{key}" in cache_of("results", study)


def parse_chart(key: str, specification: str, *, study: Study) -> dict[str, Any]:
    """A chart's specification, parsed once for all its readers: none of them may change what is inside."""
    return cast("dict[str, Any]", cache_of("charts", study).get(f"{study.digest}|{key}", lambda: json.loads(specification)))


def add_sample_results(study: Study, results: Mapping[str, object]) -> None:
    """Put results of an earlier start of the server into the sample's cache."""
    for key, result in results.items():
        _SAMPLE["results"].put(f"{study.digest}|{key}", result)


def stored_version(entry: VersionEntry) -> StoredVersion:
    """A published version with its counts and estimate, loaded once per server."""
    return _VERSIONS.get(version_key(entry), lambda: open_store().load(entry.study_id, entry.number))


def version_key(entry: VersionEntry) -> str:
    """Identity of a published version: a number can be given anew after a study was deleted."""
    return f"{entry.study_id}|{entry.number}|{entry.published_at}"


def cache_of(kind: str, study: Study) -> LruCache:
    """The cache of a kind of result: shared where the study is the sample or published, else of this session alone."""
    if study.published is not None:
        return PUBLISHED[kind]
    return _SAMPLE[kind] if study.is_sample else session_cache(kind)


def session_cache(kind: str) -> LruCache:
    """The cache of a kind of result of this session alone."""
    if _OF_SESSION not in st.session_state:
        st.session_state[_OF_SESSION] = {name: LruCache(size) for name, size in SESSION_SIZES.items()}
    return cast("LruCache", st.session_state[_OF_SESSION][kind])


def drop_session_caches() -> None:
    """Forget every result of this session."""
    st.session_state.pop(_OF_SESSION, None)
