"""Owns what happens around the pages: the sample is worked out while the server starts; a fault of ours is said in words."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from streamlit import net_util

from iceberg.errors import IcebergError, OptionError
from iceberg.locale import LANGUAGES, Translator
from iceberg.ui.access.access import sign_in_configured
from iceberg.ui.access.reach import is_open_to_all, is_this_machine
from iceberg.ui.language import browser_language
from iceberg.ui.serving.newest_study import giving_way, watch_newest
from iceberg.ui.serving.static_files import keep_files

PATIENCE_SECONDS = 8.0  # judgement: past this the server opens its door and the first reader sees the progress instead
LONG_SECONDS = 2.0  # judgement: opening what was kept takes a tenth of that
COLLECT_SECONDS = 10.0  # judgement: garbage of many runs is swept together; what one run leaves behind is a few hundred kB
QUIET_SECONDS = 4.0  # judgement: a first visitor's page is on screen by then, and nothing competes with it
# What the first page does without and the next click needs: a second of imports that no reader should wait for.
# What the first page loads besides: the study's head, the reports offered, and what Streamlit itself needs on a first run.
NEEDED_FIRST = ("iceberg.ui.sections.study_head", "iceberg.report.files", "PIL.Image", "streamlit.emojis", "streamlit.material_icon_names")
NEEDED_LATER = (
    "iceberg.model.estimate", "iceberg.model.survival.cox", "iceberg.report.charts.assumptions", "iceberg.report.charts.changes",
    "iceberg.report.charts.coverage", "iceberg.report.charts.curves", "iceberg.report.charts.iceberg.draw", "iceberg.report.charts.trends",
    "iceberg.cohort.reduce", "iceberg.ingest.load",
)  # fmt: skip


def check_reach() -> None:
    """End the server, in both languages, where other machines would reach it without signing in; and never look for its outside address."""
    net_util._external_ip = ""  # else Streamlit asks an outside service, when it meets a page of another origin
    address = st.config.get_option("server.address")
    if is_this_machine(address) or is_open_to_all() or sign_in_configured():
        return
    problem = OptionError("open_without_sign_in", {"address": address or "::"})
    sys.stderr.write("".join(f"{problem.message(language)}\n" for language in LANGUAGES))
    sys.exit(2)


@asynccontextmanager
async def prepared(app: object) -> AsyncIterator[None]:
    """The server opens its door once the first page is ready, or after `PATIENCE_SECONDS`.

    Where the installation has kept the sample, that is half a second. Opening the door at once and making ready meanwhile was tried: on two cores
    the browser and the server then keep each other waiting, and the headline comes later.
    """
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_prepare, args=(loop, ready), daemon=True).start()
    try:
        await asyncio.wait_for(ready.wait(), PATIENCE_SECONDS)
    except TimeoutError:
        logging.getLogger(__name__).info("the sample company is still being worked out")
    sweeping = asyncio.create_task(_sweep())
    yield
    sweeping.cancel()


async def _sweep() -> None:
    """Collect garbage now and then, where Streamlit would after every run of every session (`runner.postScriptGC`)."""
    while True:
        await asyncio.sleep(COLLECT_SECONDS)
        if any(gc.get_count()[1:]):  # nobody was here: nothing to sweep
            gc.collect()


def _prepare(loop: asyncio.AbstractEventLoop, ready: asyncio.Event) -> None:
    from iceberg.ui.serving.first_visit import prepare_first_visit

    for name in NEEDED_FIRST:
        importlib.import_module(name)
    began = time.monotonic()
    for language in LANGUAGES:
        try:
            prepare_first_visit(language)
        except IcebergError as error:  # the page says the same, where somebody can read it
            logging.getLogger(__name__).warning("%s", error)
        if time.monotonic() - began > LONG_SECONDS:  # nothing was kept: whoever reads this language need not wait for the other
            loop.call_soon_threadsafe(ready.set)
    gc.freeze()  # what was loaded stays: no collection walks through it while a page is drawn
    loop.call_soon_threadsafe(ready.set)
    time.sleep(QUIET_SECONDS)
    with giving_way():
        for name in NEEDED_LATER:
            importlib.import_module(name)
        keep_files()
    watch_newest()


def prepare_all() -> None:
    """Work out the sample company in every language and keep it for the starts that follow: what the installation ends with.

    Raises:
        IcebergError: When the sample's files cannot be read.
    """
    from iceberg.ui.serving.first_visit import prepare_first_visit

    for language in LANGUAGES:
        prepare_first_visit(language)


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
