"""Every test of the store runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import IcebergEstimate
from iceberg.provenance import SourceFile
from iceberg.report.export import build_document
from iceberg.store.studies import Publication, Store
from tests import postgres
from tests.model.build import linked_counts

FEW_DRAWS = 60


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    server: postgres.Server = request.getfixturevalue("postgres_server")
    return server.address()


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    opened = Store(address)
    yield opened
    opened.close()


@cache
def small_estimate(ratio: float = 25.0, months_later: int = 0) -> tuple[CohortCounts, IcebergEstimate]:
    counts = linked_counts({"billing": 120, "delivery": 90, "price": 60}, silent_leavers=600 + 30 * months_later)
    return counts, estimate_iceberg(counts, assumptions=Assumptions(ratio=SilentRatioPrior.around(ratio), draws=FEW_DRAWS))


Maker = Callable[..., Publication]


@pytest.fixture
def publication() -> Maker:
    return make_publication


def make_publication(
    title: str = "Quarterly", *, ratio: float = 25.0, months_later: int = 0, author: str = "ana", sha256: str = "a" * 64
) -> Publication:
    """A small study; other arguments, another version."""
    counts, estimate = small_estimate(ratio, months_later)
    rows = {"customers": {"read": 10, "kept": 9, "rejected": 1}, "complaints": {"read": 5, "kept": 5, "rejected": 0}}
    return Publication(
        title=title,
        counts=counts,
        estimate=estimate,
        summary=build_document(estimate, counts, rows=rows),
        sources=(
            SourceFile("customers", "customers.csv", sha256, 1200, 10, 9, 1),
            SourceFile("complaints", "complaints.csv", "b" * 64, 300, 5, 5, 0),
        ),
        mapping="[customers]\n",
        author=author,
    )
