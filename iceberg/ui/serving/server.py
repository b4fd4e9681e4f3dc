"""Starts the server: refuses an open door, prepares the pages, collects garbage, and puts faults into words."""

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
from iceberg.ui.serving.static_files import compress_files
from iceberg.ui.serving.temporary_files import no_temporary_files_left

PATIENCE_SECONDS = 8.0  # judgement: after this the server accepts visitors, and the first one sees the progress instead
LONG_SECONDS = 2.0  # judgement: loading a prepared page takes a tenth of that
COLLECT_SECONDS = 10.0  # judgement: one run leaves a few hundred kB behind, so the garbage of many is collected together
QUIET_SECONDS = 4.0  # judgement: a first visitor's page is on screen by then, and nothing competes with it
# Imports of the first page that nothing above brings, then those of the next click: no reader should wait for either.
NEEDED_FIRST = ("iceberg.ui.sections.study_head", "iceberg.report.files", "PIL.Image", "streamlit.emojis", "streamlit.material_icon_names")
NEEDED_LATER = (
    "iceberg.model.estimate", "iceberg.model.survival.cox", "iceberg.report.charts.assumptions", "iceberg.report.charts.changes",
    "iceberg.report.charts.coverage", "iceberg.report.charts.curves", "iceberg.report.charts.iceberg.draw", "iceberg.report.charts.trends",
    "iceberg.cohort.reduce", "iceberg.ingest.load",
)  # fmt: skip


def check_reach() -> None:
    """End the server, in both languages, where other machines would reach it without signing in; and never query its outside address."""
    net_util._external_ip = ""  # else Streamlit queries an outside service when a page of another origin connects
    address = st.config.get_option("server.address")
    if is_this_machine(address) or is_open_to_all() or sign_in_configured():
        return
    problem = OptionError("open_without_sign_in", {"address": address or "::"})
    sys.stderr.write("".join(f"{problem.message(language)}\n" for language in LANGUAGES))
    sys.exit(2)


@asynccontextmanager
async def prepared(app: object) -> AsyncIterator[None]:
    """Accept visitors once the first page is prepared, or after `PATIENCE_SECONDS`.

    Accepting them at once would not bring the headline sooner: browser and server would compete for the same cores.
    """
    with no_temporary_files_left():
        ready = asyncio.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(target=_prepare, args=(loop, ready), daemon=True).start()
        try:
            await asyncio.wait_for(ready.wait(), PATIENCE_SECONDS)
        except TimeoutError:
            logging.getLogger(__name__).info("the sample company is still being worked out")
        collecting = asyncio.create_task(_collect_garbage())
        yield
        collecting.cancel()


async def _collect_garbage() -> None:
    """Collect garbage now and then, in place of Streamlit's collection after every run of every session (`runner.postScriptGC`)."""
    while True:
        await asyncio.sleep(COLLECT_SECONDS)
        if any(gc.get_count()[1:]):  # zero where no page ran
            gc.collect()


def _prepare(loop: asyncio.AbstractEventLoop, ready: asyncio.Event) -> None:
    from iceberg.ui.serving.warm_up import prepare_sample, readers_first, watch_newest

    for name in NEEDED_FIRST:
        importlib.import_module(name)
    began = time.monotonic()
    for language in LANGUAGES:
        try:
            prepare_sample(language)
        except IcebergError as error:  # the page shows the same to its reader
            logging.getLogger(__name__).warning("%s", error)
        if time.monotonic() - began > LONG_SECONDS:  # a first start: readers of this language need not wait for the other
            loop.call_soon_threadsafe(ready.set)
    gc.freeze()  # later collections skip what was loaded so far
    loop.call_soon_threadsafe(ready.set)
    time.sleep(QUIET_SECONDS)
    with readers_first():
        for name in NEEDED_LATER:
            importlib.import_module(name)
        compress_files()
    watch_newest()


def prepare_all() -> None:
    """Prepare the sample company in every language, as the last step of an installation.

    Raises:
        IcebergError: When the sample's files cannot be read.
    """
    from iceberg.ui.serving.warm_up import prepare_sample

    for language in LANGUAGES:
        prepare_sample(language)


def say_fault(fault: Exception) -> bool:
    """Show a fault of ours in the reader's words, and write what happened to the server's log.

    Returns:
        True: Streamlit shows nothing else.
    """
    logging.getLogger(__name__).error("a page failed", exc_info=fault)
    words = Translator(browser_language())
    st.error(words.text("ui.error.fault"), icon=":material/bug_report:", title=words.text("ui.error.fault_title"))
    return True


if __name__ == "__main__":
    logging.getLogger("streamlit").setLevel(logging.ERROR)  # it warns at length that no page is drawn here
    prepare_all()
