"""A stored fit that stays packed until a reader moves an assumption. This module imports nothing that computes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate


class PackedFit(ABC):
    """`IcebergEstimate.fit_state`, packed: opening it needs all of the model, and several times its memory."""

    @abstractmethod
    def open(self) -> object | None:
        """The fit as it was; None where this version cannot read it."""


def open_fit(estimate: IcebergEstimate) -> object | None:
    """Where the next estimate of the same counts may start from."""
    return estimate.fit_state.open() if isinstance(estimate.fit_state, PackedFit) else estimate.fit_state
