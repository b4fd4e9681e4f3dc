"""Owns the geometry of the iceberg picture, as pure arithmetic on a tidy frame; `iceberg.report.charts.berg` only draws it."""

from iceberg.report.berg.layout import lay_out
from iceberg.report.berg.picture import NARROW_PX, WIDE_PX, BergLayout, Entry, Label
from iceberg.report.berg.shape import berg_order

__all__ = ["NARROW_PX", "WIDE_PX", "BergLayout", "Entry", "Label", "berg_order", "lay_out"]
