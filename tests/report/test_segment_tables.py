"""Results by each of several segment columns: the same joint draws, and no count of a few customers."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from iceberg.locale import Translator
from iceberg.model.results import IcebergEstimate
from iceberg.report.export import build_document
from iceberg.report.small_cells import shown_columns, shown_segments
from iceberg.report.tables.estimate import cells_of, column_table, segment_table
from iceberg.report.viewers import StudyGroups, counted_cells, merge_groups, veil_estimate
from tests.report.examples import example_counts, example_estimate

LEVELS = (("North", "Basic"), ("North", "Premium"), ("South", "Basic"), ("South", "Premium"))


@cache
def estimate() -> IcebergEstimate:
    """An example of four cells: two regions by two plans, one cell of three complainants."""
    whole = example_estimate(4)
    cells, draws = cells_of(whole), whole.draws
    months = len(cells.months)

    def spread(array: np.ndarray, axis: int) -> np.ndarray:
        total = array.sum(axis=axis, keepdims=True)
        return np.concatenate([np.floor(total * share) for share in (0.4, 0.3, 0.2, 0.1)], axis=axis)

    vocal_any = spread(cells.vocal_any, 0)
    vocal_any[3] = 0
    vocal_any[3, 0] = 3
    held = replace(
        cells,
        segments=tuple(" · ".join(levels) for levels in LEVELS),
        segment_columns=("region", "plan"),
        segment_levels=LEVELS,
        vocal=spread(cells.vocal, 1),
        vocal_any=vocal_any,
        leavers=spread(cells.leavers, 0),
    )
    assert months == len(held.months)
    moved = replace(draws, silent_churn=spread(draws.silent_churn, 2), natural=spread(draws.natural, 1), revenue_lost=None, placebo=None)
    return replace(whole, cells=held, draws=moved)


def test_levels_add_up_from_the_same_draws() -> None:
    table = column_table(estimate())
    assert table[["column", "segment"]].apply(tuple, axis=1).tolist()[:2] == [("region", "North"), ("region", "South")]
    churn = estimate().draws.silent_churn.sum(axis=(1, 3), dtype=np.float64)
    north = table.set_index("segment").loc["North"]
    assert north["median"] == pytest.approx(np.median(churn[:, 0] + churn[:, 1]))
    for column in ("region", "plan"):
        mine = table[table["column"] == column]
        assert mine["silent_leavers"].sum() == segment_table(estimate())["silent_leavers"].sum()


def test_a_small_cell_is_hidden_with_another_one_of_each_of_its_levels() -> None:
    shown = shown_segments(estimate(), smallest=5).set_index("segment")["vocal_customers"]
    assert np.isnan(shown["South · Premium"])
    assert np.isnan(shown["South · Basic"])
    assert np.isnan(shown["North · Premium"])
    assert not shown_columns(estimate(), smallest=5)["vocal_customers"].isna().any()


def test_a_column_with_a_small_level_shows_no_count() -> None:
    cells = cells_of(estimate())
    leavers = cells.leavers.copy()
    leavers[2:] = 0
    leavers[2, 0] = 2
    few = replace(estimate(), cells=replace(cells, leavers=leavers))
    shown = shown_columns(few, smallest=5)
    by_column = shown.groupby("column")["silent_leavers"].apply(lambda counts: counts.isna().all())
    assert by_column.to_dict() == {"plan": False, "region": True}


def test_the_document_lists_levels_then_cells() -> None:
    listed = build_document(estimate(), example_counts(4), rows={}, smallest=5)["segments"]
    assert [(one["column"], one["segment"]) for one in listed][:3] == [("region", "North"), ("region", "South"), ("plan", "Basic")]
    assert [one["column"] for one in listed][4:] == [None] * 4
    assert next(one for one in listed if one["segment"] == "South · Premium")["vocal_customers"] is None


def test_a_viewer_sees_small_cells_with_others_of_their_first_level() -> None:
    groups = merge_groups(StudyGroups(), counted_cells(cells_of(estimate())))
    assert all(len({name.split(" · ")[0] for name in group}) == 1 for group in groups.segments)
    veiled, axes = veil_estimate(estimate(), Translator("en"))
    assert axes.segment_columns == ("region", "plan")
    levels = pd.DataFrame(list(axes.segment_levels), columns=list(axes.segment_columns))
    assert set(levels["region"]) == {"North", "South"}
    assert set(levels["plan"]) == {"Basic + Premium"}
    assert column_table(veiled)["silent_leavers"].sum() == 2 * cells_of(veiled).leavers.sum()
