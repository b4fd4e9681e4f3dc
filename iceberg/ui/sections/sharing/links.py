"""The addresses that open a study, or exactly what is on screen of it, in front of which stands the address of the dashboard."""

from __future__ import annotations

import os
from urllib.parse import urlencode, urlsplit

import streamlit as st

from iceberg.ui.access.reach import is_this_machine
from iceberg.ui.controls import link_with
from iceberg.ui.frame import Frame
from iceberg.ui.session.published_study import SAMPLE_LINK

ADDRESS = "ICEBERG_URL"


def base_address() -> str:
    """The address of the dashboard without a slash at its end: as it is set, else as this reader reached it; "" where neither is known."""
    named = os.environ.get(ADDRESS, "").strip().rstrip("/")
    if urlsplit(named).scheme in {"http", "https"} and urlsplit(named).netloc:
        return named
    parts = urlsplit(st.context.url or "")
    path = parts.path.rsplit("/", 1)[0] if parts.path.rsplit("/", 1)[-1] else parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}" if parts.netloc else ""


def study_link(study_id: str) -> str:
    """The address that opens the newest version of a study."""
    return f"{base_address()}/?{urlencode({'study': study_id})}"


def view_link(frame: Frame) -> str:
    """The address of the version on screen with the choices made of it; "" where no address can open it: a study of this session alone."""
    entry = frame.study.published
    if entry is not None:
        own = {"study": [entry.study_id], "version": [str(entry.number)]}
    elif frame.study.is_sample:
        own = {"study": [SAMPLE_LINK]}
    else:
        return ""
    choices = {name: values for name, values in link_with(lang=frame.language).items() if name not in {"study", "version"}}
    return f"{base_address()}/?{urlencode(own | choices, doseq=True)}"


def printed_link(frame: Frame) -> str:
    """The link for paper: of a published version, where others than this machine can follow it; else ""."""
    link = view_link(frame) if frame.study.published is not None else ""
    host = urlsplit(link).hostname
    return link if host and not is_this_machine(host) else ""
