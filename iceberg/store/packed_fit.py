"""A stored fit that stays packed until a reader moves an assumption. This module imports nothing that computes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate


class PackedFit(ABC):
    """`IcebergEstimate.fit_state`, packed: unpacking it imports the whole model and takes several times its memory."""

    @abstractmethod
    def open(self) -> object | None:
        """Unpack the fit; None where this version cannot read it."""


def open_fit(estimate: IcebergEstimate) -> object | None:
    """The fit from which the next estimate of the same counts may start, unpacked."""
    return estimate.fit_state.open() if isinstance(estimate.fit_state, PackedFit) else estimate.fit_state
