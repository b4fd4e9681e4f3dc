"""The study that this session shows."""

from __future__ import annotations

from typing import cast

import streamlit as st

from iceberg.ui.session.caches import drop_session_caches, session_cache
from iceberg.ui.session.published_study import close_study, open_sample, opened_study, wants_sample
from iceberg.ui.session.sample import load_sample
from iceberg.ui.session.study import Study
from iceberg.ui.session.upload_choices import forget_choices
from iceberg.ui.session.work import forget_work, keep_work

_STUDY = "study"


def current_study(language: str, *, follow_newest: bool = True) -> Study:
    """The published study that a link opened, the study of this session, the newest published one, or the sample company.

    Raises:
        StoreError: As `opened_study`.
    """
    study = st.session_state.get(_STUDY)
    opened = opened_study(language, follow_newest=follow_newest and study is None)
    if opened is not None:
        return opened
    return cast("Study", study) if study is not None and not wants_sample() else load_sample(language)


def set_current_study(study: Study) -> None:
    """Put `study` on every page of this session, and drop the rows it was counted from; the files stay for another choice."""
    close_study()
    st.session_state[_STUDY] = study
    session_cache("upload").clear()
    keep_work()


def own_study() -> Study | None:
    """The study that was counted in this session; None before the first."""
    return cast("Study | None", st.session_state.get(_STUDY))


def forget_own_study() -> None:
    """Drop the study of this session, once it is published."""
    st.session_state.pop(_STUDY, None)


def forget_study() -> None:
    """Return this session to the sample company: counts, files and choices are dropped, here and where they were kept."""
    st.session_state.pop(_STUDY, None)
    drop_session_caches()
    forget_work()
    forget_choices()
    open_sample()
