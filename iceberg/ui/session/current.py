"""The study that this session is looking at."""

from __future__ import annotations

from typing import cast

import streamlit as st

from iceberg.ui.session.caches import _SHELVES, session_shelf
from iceberg.ui.session.sample import load_sample
from iceberg.ui.session.study import _SHOWN, _STUDY, Study


def current_study(language: str) -> Study:
    """The published study that a link opened, the study of this session, or the sample company with nothing uploaded."""
    from iceberg.ui.session.published_study import opened_study

    opened = opened_study(language)
    if opened is not None:
        return opened
    study = st.session_state.get(_STUDY)
    return cast("Study", study) if study is not None else load_sample(language)


def keep_study(study: Study) -> None:
    """Put `study` on every page of this session, and forget the files it was counted from."""
    from iceberg.ui.session.published_study import close_study

    close_study()
    st.session_state[_STUDY] = study
    session_shelf("files").clear()


def forget_study() -> None:
    """Return this session to the sample company; the uploaded counts are dropped."""
    from iceberg.ui.session.published_study import close_study

    close_study()
    for name in (_STUDY, _SHELVES, _SHOWN):
        st.session_state.pop(name, None)
