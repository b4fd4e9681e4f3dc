"""The store of published studies, as the commands open it, and the name that they write into it."""

from __future__ import annotations

import getpass
from contextlib import suppress
from typing import TYPE_CHECKING

from iceberg.cli.arguments.options import Options
from iceberg.errors import StoreError

if TYPE_CHECKING:
    from iceberg.store.studies import Store


def open_store(options: Options) -> Store:
    """Open the store that `options` names and delete the versions whose retention has ended; the caller closes it."""
    from iceberg.store.retention import expire
    from iceberg.store.studies import Store

    store = Store(options.store)
    try:
        expire(store)
    except StoreError as problem:
        if problem.code != "store_read_only":  # what can only be read can be listed all the same
            raise
    return store


def author_of(options: Options) -> str:
    """The ``--author``, else the user of the system, else nothing."""
    if options.author:
        return options.author
    with suppress(OSError, KeyError, ImportError):  # a container without a user database
        return getpass.getuser()
    return ""
