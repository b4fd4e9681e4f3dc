"""Owns what is ready before anybody opens a link: the page of the study published last, in each language, theme and width.

Whoever publishes sends a link, and everybody opens it within minutes. The first of them would wait for the version to be read and drawn, and all
the others for the first.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING

from iceberg.errors import IcebergError
from iceberg.locale import LANGUAGES, Translator

if TYPE_CHECKING:
    from iceberg.ui.access.access import Role
    from iceberg.ui.session.study import Study

LOOK_SECONDS = 15.0  # judgement: sooner than a link can be sent and opened; one small query each


def watch_newest() -> None:
    """Prepare what was published last, now and whenever something is published. Never returns."""
    prepared = said = ""
    while True:
        try:
            prepared = prepare_newest(unless=prepared)
        except IcebergError as error:  # whoever opens a link is told; the log need not hold it every time
            if str(error) != said:
                logging.getLogger(__name__).warning("%s", error)
            said = str(error)
        time.sleep(LOOK_SECONDS)


def prepare_newest(*, unless: str = "") -> str:
    """Work out the executive page of the version published last, for everyone who may open it.

    Args:
        unless: A version that is prepared already.

    Returns:
        The version that is prepared now; "" where there is none.

    Raises:
        StoreError: When the store cannot be opened.
    """
    from iceberg.ui.access.access import Access, sign_in_configured
    from iceberg.ui.session.published_study import study_of
    from iceberg.ui.study_store import has_store, open_store

    entry = open_store().newest() if has_store() else None
    if entry is None:
        return ""
    identity = f"{entry.study_id}|{entry.number}|{entry.published_at}"
    if identity == unless:
        return identity
    roles: tuple[Role, ...] = ("viewer", "owner") if sign_in_configured() else ("owner",)
    for role, language in product(roles, LANGUAGES):
        try:
            with giving_way():
                _prepare(study_of(entry, Access(role, ""), language), language)
        except IcebergError as error:  # too few customers for a viewer, say: the page tells them
            logging.getLogger(__name__).info("%s", error)
    return identity


def _prepare(study: Study, language: str) -> None:
    from iceberg.ui.controls import View
    from iceberg.ui.frame import Frame
    from iceberg.ui.sections.executive import prepare_page
    from iceberg.ui.serving.first_visit import THEMES
    from iceberg.ui.session.estimates import focus_study, prepare_estimate
    from iceberg.ui.session.study import Filters

    if not study.counts.categories:
        return
    estimate = focus_study(study, prepare_estimate(study), Filters())
    view = View(Translator(language), Filters(), study.assumptions)
    for theme, narrow in product(THEMES, (False, True)):
        prepare_page(Frame(view.translator, study, view, narrow, theme), estimate)


@contextmanager
def giving_way() -> Iterator[None]:
    """Readers come first: the interpreter lets their requests in ten times as often while this thread works."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 10)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
