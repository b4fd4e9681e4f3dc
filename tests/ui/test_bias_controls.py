"""How far a log or a survey may be wrong is a control where there is one, and nowhere else."""

import pytest
from streamlit.testing.v1 import AppTest


def page(measured: str) -> None:
    """A page of nothing but the assumptions of a study."""
    from dataclasses import replace

    import numpy as np
    import streamlit as st

    from iceberg.cohort.silent_observations import ObservedSilence
    from iceberg.locale import Translator
    from iceberg.ui.controls import read_view, show_controls
    from iceberg.ui.session.study import Study
    from tests.model.build import linked_counts

    counts, shown = linked_counts({"billing": 20}), frozenset({"assumptions"})
    none = np.zeros((1, 2), dtype=np.int64)
    struck, survey = np.array([[9, 9]]), np.array([[90, 40, 10]])
    observed = {
        "": None,
        "incident_bias": ObservedSilence(struck, none, survey=survey * 0),
        "survey_bias": ObservedSilence(none, none, survey=survey),
    }[measured]
    study, words = Study(replace(counts, observed=observed), "0" * 64, "files", "upload"), Translator("en")
    st.session_state["seen"] = read_view(study, words, shown=shown).assumptions  # type: ignore[arg-type]
    show_controls(study, words, shown=shown)  # type: ignore[arg-type]


@pytest.mark.parametrize("measured", ["", "incident_bias", "survey_bias"])
def test_a_source_has_a_slider_of_its_bias(measured: str) -> None:
    app = AppTest.from_function(page, kwargs={"measured": measured}, default_timeout=30).run()
    assert not app.exception
    assert [one.key for one in app.select_slider if one.key.endswith("_bias")] == ([measured] if measured else [])
    assert (app.session_state["seen"].incident_bias, app.session_state["seen"].survey_bias) == (1.9, 2.7)
    if measured:
        app.select_slider(key=measured).set_value(4.0).run()
        assert getattr(app.session_state["seen"], measured) == 4.0
        assert app.query_params[measured] == "4"
