"""The sample company, counted from its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from iceberg.installation import HOME
from iceberg.locale import load_conventions
from iceberg.ui.session.lru_cache import LruCache
from iceberg.ui.session.sample_cache import load_counts, save_counts
from iceberg.ui.session.study import Study

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts

SAMPLE_FOLDER = HOME / "data"
_STUDIES = LruCache(2)  # by language


def load_sample(language: str) -> Study:
    """The sample company, with its categories named in `language`; read and counted once per server.

    Raises:
        FileError: When ``data/`` is not beside the package.
    """

    def make() -> Study:
        files = sample_files(language)
        counts = load_counts(files)
        if counts is None:
            counts = _count_sample(files)
            save_counts(files, counts)
        return Study(counts=counts, digest=counts.digest, name="", origin="sample")

    return _STUDIES.get(language, make)


def _count_sample(files: tuple[Path, Path]) -> CohortCounts:
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    tables, _ = load_tables(*files)
    with tables:
        return reduce_tables(tables)


def sample_files(language: str) -> tuple[Path, Path]:
    """Customers and complaints of the sample company, as an analyst of that language would export them."""
    files = load_conventions(language).sample
    return SAMPLE_FOLDER / files["customers"], SAMPLE_FOLDER / files["complaints"]


def beside_file(language: str, table: str) -> Path:
    """Satisfaction scores (``scores``) or good moments (``positives``) of the sample company: optional, in no estimate."""
    return SAMPLE_FOLDER / load_conventions(language).sample[table]


def audit_files(language: str) -> dict[str, Path]:
    """The sheets that two raters of the sample company filled in: optional, in no estimate."""
    files = load_conventions(language).sample
    return {name: SAMPLE_FOLDER / files[name] for name in ("audit_1", "audit_2")}


def measured_files(language: str) -> dict[str, Path]:
    """Incident log, survey and answers of leavers of the sample company, by their tables: optional, evidence level 4."""
    files = load_conventions(language).sample
    return {name: SAMPLE_FOLDER / files[name] for name in ("incidents", "surveys", "leaver_surveys")}
