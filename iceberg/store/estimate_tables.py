"""Stores an estimate: its joint draws as Parquet, the rest as JSON, so that a page opens without fitting anything again.

Only this product reads `warm_start.npz`: it is where the next fit starts. Another version of the method ignores it.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from itertools import product
from typing import Any, cast

import numpy as np

from iceberg.model.results import Draws, EstimateCells, IcebergEstimate
from iceberg.store.codec import BROKEN, decode, encode
from iceberg.store.packed_fit import PackedFit, open_fit
from iceberg.store.parquet import json_bytes, read_columns, read_json, table_bytes

ESTIMATE, CELLS, NATURAL, RATIOS, WARM = (
    "estimate.json.gz",
    "draws_cells.parquet",
    "draws_natural.parquet",
    "draws_ratios.parquet",
    "warm_start.npz",
)


class StoredFit(PackedFit):
    """The warm start of a stored estimate, unpacked when it is first needed."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def open(self) -> object | None:
        """See `PackedFit.open`."""
        return self._opened

    @cached_property
    def _opened(self) -> object | None:
        fit = _read_warm(self._data)
        self._data = b""
        return fit


def estimate_parts(estimate: IcebergEstimate) -> dict[str, bytes]:
    """Name -> bytes: figures, joint draws per category, segment and month, ratios, and the warm start.

    Raises:
        ValueError: For an estimate put together by hand, without cells.
    """
    cells, draws = estimate.cells, estimate.draws
    if cells is None:
        raise ValueError("an estimate without cells cannot be published")
    arrays: dict[str, np.ndarray] = {}
    lean = replace(estimate, draws=cast("Any", None), cells=None, fit_state=None)
    document = {
        "estimate": encode(lean, arrays),
        "cells": encode(replace(cells, ratio_prior=np.zeros((0, 0)), excess=np.zeros((0, 0))), arrays),
        "arrays": {name: {"type": array.dtype.str, "shape": array.shape, "values": array.ravel().tolist()} for name, array in arrays.items()},
        "tables": {
            CELLS: "Joint draws per category, segment and month of departure: silent churn (customers), revenue lost, what chance alone finds.",
            NATURAL: (
                "Natural departures of the same draws: with the silent churn of all categories they add up to the silent leavers; and how much "
                "better complaints explain the departures of a cell than none do (explained): the real ones first, then moved ones."
            ),
            RATIOS: "Silent leavers per vocal customer before (ratio_prior) and after the departures spoke (ratio), and the excess risk of leaving.",
        },
    }
    rows = list(product(cells.categories, cells.segments, cells.months))
    per_cell = {"silent_churn": _rows_first(draws.silent_churn)}
    if draws.revenue_lost is not None:
        per_cell["revenue_lost"] = _rows_first(draws.revenue_lost)
    if draws.placebo is not None:
        per_cell["placebo"] = _rows_first(draws.placebo)
    names = {"category": [row[0] for row in rows], "segment": [row[1] for row in rows], "month": [row[2] for row in rows]}
    places = list(product(cells.segments, cells.months))
    per_place = {"natural": _rows_first(draws.natural)}
    if draws.explained is not None:
        per_place["explained"] = _rows_first(draws.explained)
    ratios = {"ratio": draws.ratio.T, "ratio_prior": cells.ratio_prior.T, "excess": cells.excess.T}
    parts = {
        ESTIMATE: json_bytes(document),
        CELLS: table_bytes(names | per_cell, draws=frozenset(per_cell)),
        NATURAL: table_bytes(
            {"segment": [one[0] for one in places], "month": [one[1] for one in places], **per_place},
            draws=frozenset(per_place),
        ),
        RATIOS: table_bytes({"category": list(cells.categories), **ratios}, draws=frozenset(ratios)),
    }
    fit = open_fit(estimate)
    if fit is not None:
        parts[WARM] = _warm_bytes(fit)
    return parts


def read_estimate(parts: Mapping[str, bytes]) -> IcebergEstimate | None:
    """The estimate of `estimate_parts`; None where another version wrote it in a way that this one cannot read."""
    try:
        document = read_json(parts[ESTIMATE])
        arrays = {
            name: np.array(array["values"], dtype=np.dtype(array["type"])).reshape(array["shape"]) for name, array in document["arrays"].items()
        }
        estimate, cells = decode(document["estimate"], arrays), decode(document["cells"], arrays)
        if not isinstance(estimate, IcebergEstimate) or not isinstance(cells, EstimateCells):
            return None
        ratios = read_columns(parts[RATIOS])
        of_cells, of_places = read_columns(parts[CELLS]), read_columns(parts[NATURAL])
        shape = (len(cells.categories), len(cells.segments), len(cells.months))
        draws = Draws(
            silent_churn=_draws_first(of_cells["silent_churn"], shape),
            natural=_draws_first(of_places["natural"], shape[1:]),
            revenue_lost=_draws_first(of_cells["revenue_lost"], shape) if "revenue_lost" in of_cells else None,
            ratio=np.ascontiguousarray(ratios["ratio"].T),
            placebo=_draws_first(of_cells["placebo"], shape) if "placebo" in of_cells else None,
            explained=_draws_first(of_places["explained"], shape[1:]) if "explained" in of_places else None,
        )
        cells = replace(cells, ratio_prior=np.ascontiguousarray(ratios["ratio_prior"].T), excess=np.ascontiguousarray(ratios["excess"].T))
        return replace(estimate, draws=draws, cells=cells, fit_state=StoredFit(parts[WARM]) if WARM in parts else None)
    except BROKEN:
        return None


def _rows_first(draws: np.ndarray) -> np.ndarray:
    """(K, ...) -> (cells, K)."""
    return np.ascontiguousarray(draws.reshape(len(draws), -1).T)


def _draws_first(rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(cells, K) -> (K, ...)."""
    return np.ascontiguousarray(rows.T).reshape(-1, *shape)


def _warm_bytes(fit_state: object) -> bytes:
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(encode(fit_state, arrays))
    target = io.BytesIO()
    np.savez_compressed(target, **cast("dict[str, Any]", {"text": np.array(text), **arrays}))
    return target.getvalue()


def _read_warm(data: bytes) -> object | None:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return cast("object", decode(json.loads(str(arrays.pop("text"))), arrays))
    except (*BROKEN, zipfile.BadZipFile):
        return None
