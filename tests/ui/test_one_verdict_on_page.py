"""The page says what its reports say: headline, figures and advice, whole and filtered, and every report of that page read back."""

from collections.abc import Callable

import pytest

from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.report.advice import decision
from iceberg.report.export import build_document
from iceberg.report.words import headline_sentence
from iceberg.store.studies import Publication, Store
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.sharing import actions, reports
from tests.model.build import linked_counts
from tests.report.readback import READERS, nearest, verdicts
from tests.ui.test_studies import open_app, store  # noqa: F401  # a fixture

LONG = "A complaint about something that takes sixty signs to name "
# Few and many departures beside the complaints: on either side of chance.
CASES = ((1, 4000, {}, "en"), (2, 900, {"months": "2025-02..2025-11"}, "fr"), (7, 9000, {"segment": "north"}, "en"),
         (12, 900, {}, "fr"), (19, 9000, {"months": "2025-02..2025-11", "segment": "south"}, "en"))  # fmt: skip


@pytest.mark.parametrize(("number", "leavers", "chosen", "language"), CASES)
def test_every_report_of_a_page_says_what_the_page_says(
    number: int, leavers: int, chosen: dict[str, str], language: str, store: Store, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    counts = linked_counts({f"{LONG[:57]}{place:03d}": 40 + 15 * place for place in range(number)}, silent_leavers=leavers)
    estimate = estimate_iceberg(counts, assumptions=Assumptions(draws=60))
    rows = {table: {"read": 9, "kept": 9, "rejected": 0} for table in ("customers", "complaints")}
    study = store.publish(Publication("All of it", counts, estimate, build_document(estimate, counts, rows=rows))).study_id
    offered: dict[str, Callable[[], bytes]] = {}
    seen = []

    def keep(frame, shown):  # type: ignore[no-untyped-def]  # of the page
        seen.append(shown)
        offered.update({kind: reports._report(frame, shown, kind) for kind in READERS})

    monkeypatch.setattr(actions, "show_reports", keep)
    app = open_app(study=study, language=language, **chosen)
    shown, words = seen[-1], Translator(language)
    names = [item.category for item in shown.categories]
    meant = {name: decision(shown, name, words) for name in names}
    ends = {
        item.category: tuple(map(nearest, (item.silent_churn.lower, item.silent_churn.median, item.silent_churn.upper))) for item in shown.categories
    }
    assert app.header[0].value == plain(headline_sentence(shown, words))
    first = next(one.value for one in app.markdown if str(one.value).startswith(":blue-badge["))
    assert any(first == f":blue-badge[{plain(one.label)}] {plain(one.sentence)}" for one in meant.values())
    for kind, make in offered.items():
        content = make()
        text, found = READERS[kind](content, names, words)
        assert verdicts(kind, content, names, words) == {name: one.label for name, one in meant.items()}, kind
        assert {name: found[name] for name in names} == ends, kind
        if kind in {"pdf", "pptx", "html"}:
            written = "".join(letter for letter in text if letter.isalnum())
            for metric in app.metric:
                assert metric.value == "—" or "".join(letter for letter in str(metric.value) if letter.isalnum()) in written, (kind, metric.value)
            assert "".join(letter for letter in headline_sentence(shown, words) if letter.isalnum()) in written
