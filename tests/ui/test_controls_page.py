"""Negative controls are chosen where the files are counted."""

import tomllib
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from iceberg.ingest.mapping import MappingSet
from iceberg.ui.session.current import _STUDY
from tests.companies import company_with_cancellations
from tests.ui.conftest import assert_healthy, upload_and_count


def test_a_category_chosen_as_a_control_stays_one_in_the_study_and_in_its_mapping(open_page: Callable[..., AppTest]) -> None:
    customers, complaints = company_with_cancellations(0)
    app = upload_and_count(open_page("upload"), customers, complaints)
    chosen = next(one for one in app.multiselect if one.key and one.key.startswith("negative_controls."))
    assert chosen.options == ["billing", "cancel"] and chosen.value == []
    chosen.set_value(["cancel"]).run()
    assert_healthy(app)
    chosen = next(one for one in app.multiselect if one.key and one.key.startswith("negative_controls."))
    assert chosen.value == ["cancel"]
    app.default_timeout = 120
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    study = app.session_state[_STUDY]
    assert study.counts.negative_controls == ("cancel",)
    assert MappingSet.from_dict(tomllib.loads(study.mapping)).negative_controls == ("cancel",), "next month's files are read alike"
