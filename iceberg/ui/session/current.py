"""The study that this session shows."""

from __future__ import annotations

from typing import cast

import streamlit as st

from iceberg.ui.session.caches import drop_session_caches, session_cache
from iceberg.ui.session.published_study import close_study, opened_study
from iceberg.ui.session.sample import load_sample
from iceberg.ui.session.study import Study
from iceberg.ui.session.upload_choices import forget_choices
from iceberg.ui.session.work import forget_work, keep_work

_STUDY = "study"


def current_study(language: str) -> Study:
    """The published study that a link opened, the study of this session, or the sample company with nothing uploaded."""
    opened = opened_study(language)
    if opened is not None:
        return opened
    study = st.session_state.get(_STUDY)
    return cast("Study", study) if study is not None else load_sample(language)


def set_current_study(study: Study) -> None:
    """Put `study` on every page of this session, and drop the rows it was counted from; the files stay for another choice."""
    close_study()
    st.session_state[_STUDY] = study
    session_cache("upload").clear()
    keep_work()


def own_study() -> Study | None:
    """The study that was counted in this session; None before the first."""
    return cast("Study | None", st.session_state.get(_STUDY))


def forget_study() -> None:
    """Return this session to the sample company: counts, files and choices are dropped, here and where they were kept."""
    close_study()
    st.session_state.pop(_STUDY, None)
    drop_session_caches()
    forget_work()
    forget_choices()
