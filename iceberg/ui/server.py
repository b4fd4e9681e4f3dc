"""Owns what happens around the pages: the sample is worked out while the server starts; a fault of ours is said in words."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.locale import LANGUAGES, Translator
from iceberg.ui.controls import browser_language

PATIENCE_SECONDS = 8.0  # judgement: past this the server opens its door and the first reader sees the progress instead


@asynccontextmanager
async def prepared(app: object) -> AsyncIterator[None]:
    """The server opens its door once the sample company is ready, or after `PATIENCE_SECONDS`."""
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_prepare, args=(loop, ready), daemon=True).start()
    try:
        await asyncio.wait_for(ready.wait(), PATIENCE_SECONDS)
    except TimeoutError:
        logging.getLogger(__name__).info("the sample company is still being worked out")
    yield


def _prepare(loop: asyncio.AbstractEventLoop, ready: asyncio.Event) -> None:
    from iceberg.ui.state import prepare_sample

    for language in LANGUAGES:
        try:
            prepare_sample(language)
        except IcebergError as error:  # the page says the same, where somebody can read it
            logging.getLogger(__name__).warning("%s", error)
        loop.call_soon_threadsafe(ready.set)


def prepare_all() -> None:
    """Work out the sample company in every language and keep it for the starts that follow: what the installation ends with.

    Raises:
        IcebergError: When the sample's files cannot be read.
    """
    from iceberg.ui.state import prepare_sample

    for language in LANGUAGES:
        prepare_sample(language)


def say_fault(fault: Exception) -> bool:
    """A fault of ours, in the reader's words; what happened goes to the log of the server.

    Returns:
        True: nothing else is to be shown.
    """
    logging.getLogger(__name__).error("a page failed", exc_info=fault)
    words = Translator(browser_language())
    st.error(words.text("ui.error.fault"), icon=":material/bug_report:", title=words.text("ui.error.fault_title"))
    return True


if __name__ == "__main__":
    logging.getLogger("streamlit").setLevel(logging.ERROR)  # no page is drawn here, and it says so at length
    prepare_all()
