"""Owns every chart: `build_*` takes a tidy frame, a translator and a theme, and returns an Altair chart. The only place that loads Altair.

Show them with ``theme=None``: fonts, colours and number formats are set here, for both themes and both languages.
"""

from iceberg.report.charts.assumptions import build_sensitivity, build_tornado
from iceberg.report.charts.changes import build_changes
from iceberg.report.charts.coverage import build_coverage
from iceberg.report.charts.curves import build_curves
from iceberg.report.charts.dots import build_comparator, build_prior_posterior, build_ranking, build_segments
from iceberg.report.charts.iceberg.draw import build_iceberg
from iceberg.report.charts.trends import build_delay, build_month_trend, build_net_survival, build_tenure_profile

__all__ = [
    "build_changes",
    "build_comparator",
    "build_coverage",
    "build_curves",
    "build_delay",
    "build_iceberg",
    "build_month_trend",
    "build_net_survival",
    "build_prior_posterior",
    "build_ranking",
    "build_segments",
    "build_sensitivity",
    "build_tenure_profile",
    "build_tornado",
]
