"""The log of the server as one JSON object a line: when, what, which request or session, and who; never a title, a link or a customer.

What an error holds may be a value of a row, so an error is logged by its code, and a fault by the places of the program that it passed.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamlit import logger as streamlit_logger
from streamlit.runtime.scriptrunner import get_script_run_ctx

from iceberg.errors import IcebergError

if TYPE_CHECKING:
    from starlette.types import Message, Scope, Send

LOG = logging.getLogger("iceberg.requests")
QUIET = ("/static/", "/_stcore/health", "/readyz")  # a line for each would hide the others
LOGGERS = ("", "streamlit", "uvicorn", "uvicorn.error")
UNLOGGED = {"uvicorn.access"}  # a line of each request: it names the study


@dataclass
class Request:
    """One HTTP request while it is answered."""

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    actor: str = ""
    status: int = 0

    def noting_status(self, send: Send) -> Send:
        """`send`, which also remembers the status of the response."""

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = int(message["status"])
            await send(message)

        return noted


_REQUEST: ContextVar[Request | None] = ContextVar("iceberg_request", default=None)


@contextmanager
def of_request(scope: Scope, path: str) -> Iterator[Request]:
    """The request that lines of the log belong to; at its end a line of its own, without the query, which may name a study."""
    request, began = Request(), time.monotonic()
    set_before = _REQUEST.set(request)
    try:
        yield request
    finally:
        if not path.startswith(QUIET):
            took = round(1000 * (time.monotonic() - began), 1)
            facts = {"actor": request.actor or None, "method": scope["method"], "path": _known(path), "status": request.status, "ms": took}
            LOG.info("request", extra={"facts": facts})
        _REQUEST.reset(set_before)


def _known(path: str) -> str:
    """The beginning of a path: what follows may be anything, and names of files and sessions say nothing here."""
    return "/".join(path.split("/")[: 3 if path.startswith("/_stcore/") else 2])[:60]


class JsonFormatter(logging.Formatter):
    """One line of the log as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        request = _REQUEST.get()
        if request is not None:
            line["request"] = request.id
        context = get_script_run_ctx(suppress_warning=True)
        if context is not None:
            user = context.user_info
            line |= {"session": context.session_id, "page": context.page_script_hash, "actor": str(user.get("email") or user.get("sub") or "local")}
        line |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[1] is not None:
            fault = record.exc_info[1]
            line |= {"fault": type(fault).__name__, "code": getattr(fault, "code", None), "places": _places(fault)}
        return json.dumps({name: value for name, value in line.items() if value is not None}, ensure_ascii=False)


def _message(record: logging.LogRecord) -> str:
    """The message with each error in it by its kind and code."""
    values = record.args if isinstance(record.args, tuple) else ()
    if not values:
        return str(record.msg) if not isinstance(record.msg, BaseException) else _code(record.msg)
    return str(record.msg) % tuple(_code(value) if isinstance(value, BaseException) else value for value in values)


def _code(fault: BaseException) -> str:
    return f"{type(fault).__name__} {fault.code}" if isinstance(fault, IcebergError) else type(fault).__name__


def _places(fault: BaseException) -> list[str]:
    """File, line and function of each step, without what they held."""
    return [f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in traceback.extract_tb(fault.__traceback__, limit=-12)]


def write_json() -> bool:
    """Write JSON lines where ``ICEBERG_LOG`` is ``json``.

    Returns:
        Whether it is.
    """
    if os.environ.get("ICEBERG_LOG", "").strip().lower() != "json":
        return False
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler] if name == "" else []
        logger.propagate = True
    streamlit_logger.setup_formatter = _without_own_handler  # for each of its modules, also those imported later, Streamlit adds a handler
    streamlit_logger.update_formatter()
    logging.captureWarnings(True)  # libraries warn on the error stream otherwise
    LOG.setLevel(logging.INFO)
    return True


def _without_own_handler(logger: logging.Logger) -> None:
    logger.handlers.clear()
    logger.propagate = logger.name not in UNLOGGED
