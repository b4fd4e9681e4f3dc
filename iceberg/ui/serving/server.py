"""Starts the server: refuses an open door, prepares the pages, collects garbage, and puts faults into words."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from streamlit import delta_generator, net_util

from iceberg.environment import read_number
from iceberg.errors import IcebergError, OptionError
from iceberg.locale import LANGUAGES, Translator
from iceberg.ui.access.access import sign_in_configured
from iceberg.ui.access.reach import is_open_to_all, is_this_machine
from iceberg.ui.counters import count
from iceberg.ui.language import browser_language
from iceberg.ui.serving.request_log import write_json
from iceberg.ui.serving.routes import SAMPLE_READY
from iceberg.ui.serving.static_files import compress_files
from iceberg.ui.serving.temporary_files import no_temporary_files_left
from iceberg.ui.session.work import sweep_works

PATIENCE_SECONDS = 8.0  # judgement: after this the server accepts visitors, and the first one sees the progress instead
LONG_SECONDS = 2.0  # judgement: loading a prepared page takes a tenth of that
COLLECT_SECONDS = 10.0  # judgement: one run leaves a few hundred kB behind, so the garbage of many is collected together
QUIET_SECONDS = 4.0  # judgement: a first visitor's page is on screen by then, and nothing competes with it
REPEAT_SECONDS = 60.0  # judgement: the counter of failures says how often; the log says what
MOST_LOGGED = 500
_LOGGED: dict[str, float] = {}
NUMBERS = ("ICEBERG_UPLOAD_SESSION_MB", "ICEBERG_UPLOAD_SERVER_MB", "ICEBERG_SESSIONS")
# Imports of the first page that nothing above brings, then those of the next click: no reader should wait for either.
NEEDED_FIRST = (
    "iceberg.ui.sections.sharing.actions", "iceberg.ui.sections.sharing.paper", "iceberg.ui.sections.sharing.publishing",
    "iceberg.ui.sections.progress", "iceberg.ui.sections.study_head", "iceberg.ui.sections.tiles", "iceberg.ui.sections.where",
    "iceberg.ui.decisions.costs", "iceberg.ui.decisions.journey", "iceberg.ui.decisions.service", "iceberg.ui.decisions.spheres.section",
    "iceberg.ui.decisions.beside.positives", "iceberg.ui.decisions.rhythm",
    "iceberg.ui.decisions.beside.scores", "iceberg.ui.decisions.audit",
    "iceberg.ui.guide.glossary", "iceberg.report.files",
    "PIL.Image", "streamlit.emojis", "streamlit.material_icon_names",
)  # fmt: skip
NEEDED_LATER = (
    "iceberg.model.estimate", "iceberg.model.survival.cox", "iceberg.report.charts.assumptions", "iceberg.report.charts.changes",
    "iceberg.report.charts.checks", "iceberg.report.charts.curves", "iceberg.report.charts.iceberg.draw", "iceberg.report.charts.trends",
    "iceberg.cohort.reduce", "iceberg.ingest.load",
)  # fmt: skip


def check_start() -> None:
    """Begin the log, and end the server, in both languages, where it may not start: `check_reach`, or a variable with no such number or template."""
    write_json()
    log_faults_once()
    check_reach()
    from iceberg.report.files.slides.template import default_template

    try:
        for name in NUMBERS:
            read_number(name)
        if os.environ.get("ICEBERG_DECK_TEMPLATE"):
            default_template()
    except OptionError as problem:
        _end(problem)


def _end(problem: OptionError) -> None:
    sys.stderr.write("".join(f"{problem.message(language)}\n" for language in LANGUAGES))
    sys.exit(2)


def check_reach() -> None:
    """End the server, in both languages, where other machines would reach it without signing in; and never query its outside address."""
    net_util._external_ip = ""  # else Streamlit queries an outside service when a page of another origin connects
    address = st.config.get_option("server.address")
    if is_this_machine(address) or is_open_to_all() or sign_in_configured():
        return
    _end(OptionError("open_without_sign_in", {"address": address or "::"}))


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
        await asyncio.to_thread(sweep_works)
        if any(gc.get_count()[1:]):  # zero where no page ran
            gc.collect()


def _prepare(loop: asyncio.AbstractEventLoop, ready: asyncio.Event) -> None:
    from iceberg.ui.serving.warm_up import prepare_sample, readers_first, watch_newest

    for name in NEEDED_FIRST:
        importlib.import_module(name)
    delta_generator._maybe_print_use_warning()  # once per process it looks through the source of every frame, before the first element
    began, good = time.monotonic(), True
    for language in LANGUAGES:
        Translator(language)  # reads its sentences, once
        try:
            prepare_sample(language)
        except IcebergError as error:  # the page shows the same to its reader
            logging.getLogger(__name__).warning("%s", error)
            good = False
        if time.monotonic() - began > LONG_SECONDS:  # a first start: readers of this language need not wait for the other
            loop.call_soon_threadsafe(ready.set)
    if good:
        SAMPLE_READY.set()
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
    count("iceberg_failures_total", 'kind="fault"')
    if _is_news(fault):
        logging.getLogger(__name__).error("a page failed", exc_info=fault)
    words = Translator(browser_language())
    st.error(words.text("ui.error.fault"), icon=":material/bug_report:", title=words.text("ui.error.fault_title"))
    return True


def log_faults_once() -> None:
    """Keep Streamlit from logging each fault before `say_fault` does; one of a script that cannot be compiled never comes to `say_fault`."""
    logger = logging.getLogger("streamlit.error_util")
    logger.filters = [one for one in logger.filters if one is not _stays_in_log]
    logger.addFilter(_stays_in_log)


def _stays_in_log(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    return record.msg != "Uncaught app execution" or (kind is not None and issubclass(kind, SyntaxError))


def _is_news(fault: Exception) -> bool:
    """Whether a fault of this kind at this place was not logged within `REPEAT_SECONDS`: a reader who sends nonsense does not fill the log."""
    steps = traceback.extract_tb(fault.__traceback__)
    key, now = f"{type(fault).__name__}|{[(step.filename, step.lineno) for step in steps[-3:]]}", time.monotonic()
    if now - _LOGGED.get(key, -REPEAT_SECONDS) < REPEAT_SECONDS:
        return False
    if len(_LOGGED) >= MOST_LOGGED:
        _LOGGED.clear()
    _LOGGED[key] = now
    return True


if __name__ == "__main__":
    logging.getLogger("streamlit").setLevel(logging.ERROR)  # it warns at length that no page is drawn here
    prepare_all()
