"""Opens the store of published studies for a command."""

from __future__ import annotations

import getpass
from contextlib import suppress
from typing import TYPE_CHECKING

from iceberg.cli.options import Options

if TYPE_CHECKING:
    from iceberg.store.studies import Store


def open_store(options: Options) -> Store:
    """The store that was named; versions that have outlived their retention are gone from it."""
    from iceberg.store.retention import expire
    from iceberg.store.studies import Store

    store = Store(options.store)
    expire(store)
    return store


def _who() -> str:
    with suppress(OSError, KeyError, ImportError):  # a container without a user database
        return getpass.getuser()
    return ""
