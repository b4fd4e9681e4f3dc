"""Routes beside the pages: whether the server is ready, and its counters."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import anyio.to_thread
import streamlit as st
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from streamlit.runtime import Runtime

from iceberg.errors import IcebergError
from iceberg.ui.access.request import request_access
from iceberg.ui.access.upload_bounds import held_bytes
from iceberg.ui.counters import count, written_counts
from iceberg.ui.serving.protection import bearer_matches
from iceberg.ui.study_store import has_store, open_store

if TYPE_CHECKING:
    from starlette.requests import Request

ASK_SECONDS = 2.0  # judgement: a question to the store, however often the server is asked
SAMPLE_READY = threading.Event()
_LOCK = threading.Lock()
_answer: tuple[float, bool] = (-ASK_SECONDS, False)


def store_answers() -> bool:
    """Whether the store can be opened and read; true where there is none yet."""
    global _answer  # noqa: PLW0603  # one answer for everybody
    with _LOCK:
        if time.monotonic() - _answer[0] >= ASK_SECONDS:
            try:
                if has_store():
                    open_store().newest()
                good = True
            except IcebergError:
                good = False
            _answer = (time.monotonic(), good)
        return _answer[1]


async def _ready(_: Request) -> Response:
    """200 where readers can be sent here, else 503; which part is missing, and no more."""
    parts = {"store": await anyio.to_thread.run_sync(store_answers), "sample": SAMPLE_READY.is_set()}
    ready = all(parts.values())
    return JSONResponse({"ready": ready, **parts}, status_code=200 if ready else 503)


async def _metrics(request: Request) -> Response:
    """The counters, for owners and for a monitoring system that knows the secret."""
    try:
        access = await anyio.to_thread.run_sync(request_access, request.scope)
        allowed = access.may("owner")
    except IcebergError:
        allowed = False
    if not allowed and not bearer_matches(request.scope, os.environ.get("ICEBERG_METRICS_TOKEN", "")):
        count("iceberg_refusals_total", 'what="metrics"')
        return PlainTextResponse("401\n", status_code=401, headers={"WWW-Authenticate": "Bearer"})
    sessions = Runtime.instance().stats_mgr is not None and len(Runtime.instance()._session_mgr.list_active_sessions()) if Runtime.exists() else 0
    text = written_counts(iceberg_sessions=float(sessions), iceberg_upload_bytes=float(sum(held_bytes().values())))
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


def own_routes() -> list[Route]:
    """``/readyz`` and ``/metrics``, below the sub-path of the dashboard."""
    base = str(st.config.get_option("server.baseUrlPath") or "").strip("/")
    prefix = f"/{base}" if base else ""
    return [Route(f"{prefix}/readyz", _ready, methods=["GET", "HEAD"]), Route(f"{prefix}/metrics", _metrics, methods=["GET"])]
