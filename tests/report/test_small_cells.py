"""What leaves the store to a viewer holds no count of one to four customers, and none that follows from a total."""

import io
import json
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.results import Diagnostic, IcebergEstimate, NegativeControl
from iceberg.report.files import FORMATS, report_bytes
from iceberg.report.small_cells import hide_small, pool_small_categories
from tests.report.examples import example_counts, example_estimate

WORDS = Translator("en")
POOL = "Other categories (fewer than 5 complainants each)"


def with_vocal(vocal: dict[int, int], number: int = 5) -> IcebergEstimate:
    """The example, with so many complainants in some of its categories."""
    estimate = example_estimate(number)
    assert estimate.cells is not None
    cells = estimate.cells.vocal.copy()
    for place, customers in vocal.items():
        cells[place] = 0
        cells[place, 0, :customers] = 1
    categories = tuple(
        replace(item, vocal_customers=vocal.get(place, item.vocal_customers), folk_estimate=25.0 * vocal.get(place, item.vocal_customers))
        for place, item in enumerate(estimate.categories)
    )
    return replace(estimate, categories=categories, cells=replace(estimate.cells, vocal=cells))


def test_small_categories_are_pooled_and_every_sum_still_holds() -> None:
    estimate = with_vocal({1: 3, 2: 2})
    pooled = pool_small_categories(estimate, WORDS)
    assert [item.category for item in pooled.categories] == [estimate.categories[place].category for place in (0, 3, 4)] + [POOL]
    assert pooled.categories[-1].vocal_customers == 5
    assert pooled.total == estimate.total
    np.testing.assert_allclose(pooled.draws.silent_churn.sum(1), estimate.draws.silent_churn.sum(1), rtol=1e-5)
    assert pooled.categories[0].silent_churn == estimate.categories[0].silent_churn
    assert sum(item.probability_worst for item in pooled.categories) == pytest.approx(1)


def test_one_small_category_takes_a_second_with_it() -> None:
    """Alone, it would follow from the total."""
    estimate = with_vocal({4: 3})
    pooled = pool_small_categories(estimate, WORDS)
    assert len(pooled.categories) == 4
    next_smallest = min(item.vocal_customers for item in estimate.categories[:4])
    assert pooled.categories[-1].vocal_customers == 3 + next_smallest


def test_nothing_is_pooled_where_nothing_is_small() -> None:
    estimate = example_estimate(5)
    assert pool_small_categories(estimate, WORDS) is estimate
    assert pool_small_categories(with_vocal({1: 3}), WORDS, smallest=0) is not None


def test_a_company_of_four_complainants_leaves_no_store() -> None:
    estimate = with_vocal({0: 4}, number=1)
    estimate = replace(estimate, total=replace(estimate.total, vocal_customers=4))
    with pytest.raises(OptionError, match="fewer than 5"):
        pool_small_categories(estimate, WORDS)


def test_counts_under_the_limit_are_hidden_with_a_second_one() -> None:
    frame = pd.DataFrame({"vocal": [0, 3, 40, 7, 12], "name": list("abcde")})
    assert hide_small(frame, ["vocal"])["vocal"].isna().tolist() == [False, True, False, True, False]
    two = pd.DataFrame({"vocal": [2, 3, 40]})
    assert hide_small(two, ["vocal"])["vocal"].isna().tolist() == [True, True, False]
    assert hide_small(frame, ["vocal"], smallest=0).equals(frame)


@pytest.mark.parametrize("format", [name for name in FORMATS if name not in {"png", "svg"}])
def test_no_format_names_a_small_category(format: str) -> None:
    estimate, counts = with_vocal({1: 3, 2: 2}), example_counts(5)
    content = report_bytes(estimate, counts, format=format, smallest=5)
    if format == "json":
        assert [item["category"] for item in json.loads(content)["categories"]][-1] == POOL
    if format == "xlsx":
        sheets = openpyxl.load_workbook(io.BytesIO(content)).worksheets
        observed = [cell for sheet in sheets[1:4] for row in sheet.iter_rows(min_row=2) for cell in row]
        heads = {(sheet.title, cell.column): cell.value for sheet in sheets for cell in sheet[1]}
        counted = {"Complainants", "Left without complaining"}
        small = [cell.value for cell in observed if heads[cell.parent.title, cell.column] in counted and cell.value and 0 < cell.value < 5]
        assert small == []
    if format in {"csv", "html"}:
        text = content.decode("utf-8-sig")
        assert POOL in text and estimate.categories[1].category not in text


def test_a_small_negative_control_is_named_nowhere_and_a_large_one_stays() -> None:
    estimate = with_vocal({1: 3, 2: 2})
    small, large = estimate.categories[1].category, estimate.categories[0].category
    warned = tuple(Diagnostic("common_cause_likely", "warning", {"control": name, "found": 9, "placebo": 1}) for name in (small, large))
    controls = (NegativeControl(small, 3), NegativeControl(large, estimate.categories[0].vocal_customers))
    pooled = pool_small_categories(replace(estimate, diagnostics=warned, controls=controls), WORDS)
    assert [one.category for one in pooled.controls] == [large]
    assert [one.values["control"] for one in pooled.diagnostics] == [large]


def test_a_hidden_cell_does_not_follow_from_its_level() -> None:
    """One cell of four in its level: the level's sum is known, so a second cell of the level is hidden, though another one already was elsewhere."""
    frame = pd.DataFrame({"vocal_customers": [3.0, 20.0, 30.0, 2.0, 40.0, 50.0]})
    shown = hide_small(frame, ["vocal_customers"], smallest=5, sums=[[0, 1, 2], [3, 4, 5]])["vocal_customers"]
    assert shown.isna().tolist() == [True, True, False, True, True, False]
    assert hide_small(frame, ["vocal_customers"], smallest=5)["vocal_customers"].isna().tolist() == [True, False, False, True, False, False]
