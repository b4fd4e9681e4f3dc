"""The store of published studies that this server is configured with."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from iceberg.store.connection import store_address
from iceberg.store.studies import Store


def open_store() -> Store:
    """The store of this server, opened once.

    Raises:
        StoreError: When it cannot be opened.
    """
    return _open_store(store_address().render_as_string(hide_password=False))


@cache
def _open_store(address: str) -> Store:
    return Store(address)


def has_store() -> bool:
    """Whether there is a store to open: opening one that is missing would create its file."""
    url = store_address()
    return url.get_backend_name() != "sqlite" or Path(str(url.database)).is_file()
