"""Which tests share a worker of pytest-xdist: a file stays in one piece, and so does what needs the same server, which is started once.

pytest-xdist groups by the mark ``xdist_group``, which it writes into the ids of the tests. pytest 9.2 does not let it any more: the mark is
ignored in silence and every test goes its own way (pytest-xdist issue 1386). So the scheduler groups here, by the file that an id names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

# Each of these is started by the first test that needs it and takes seconds: the browser with its dashboard, Java with Spark, PostgreSQL and MariaDB.
SERVERS = {
    "browser": ("tests/browser/",),
    "spark": ("tests/spark/",),
    "postgresql": ("tests/store/", "tests/ingest/test_postgres.py", "tests/ingest/test_places.py", "tests/test_cli_publish.py"),
}
# What takes longest starts first, or one worker would end alone with it; the others follow in the order of their names.
LONGEST_FIRST = ("browser", "postgresql", "spark", "tests/test_pages.py")


def group_of(test_id: str) -> str:
    """The group of a test: the server that it needs, else its file."""
    file = test_id.partition("::")[0]
    return next((server for server, places in SERVERS.items() if file.startswith(places)), file)


def in_order(test_id: str) -> tuple[int, str]:
    """Where the group of a test stands in the queue."""
    group = group_of(test_id)
    return (LONGEST_FIRST.index(group) if group in LONGEST_FIRST else len(LONGEST_FIRST)), group


class ByServer(LoadScopeScheduling):
    """Hands out whole groups, in the order in which the tests were collected."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False  # by the number of tests, which says little about how long they take
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
