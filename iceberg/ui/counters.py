"""Counts what the server did since its start, for a monitoring system: never a name, a title or a customer."""

from __future__ import annotations

import threading
from collections import defaultdict

# Name -> what it counts. A name that ends in ``_total`` only grows.
FAMILIES = {
    "iceberg_publishes_total": "Studies published from the dashboard, by outcome: a new version, or the same again.",
    "iceberg_estimates_total": "Estimates made, by outcome; those that a cache had are not among them.",
    "iceberg_estimate_seconds_total": "Seconds spent on estimates.",
    "iceberg_reports_total": "Reports taken, by format.",
    "iceberg_failures_total": "Faults of a page, and errors that a reader was shown, by kind.",
    "iceberg_refusals_total": "Requests refused, by what was asked for.",
    "iceberg_sessions": "Browser windows that are connected.",
    "iceberg_upload_bytes": "Bytes of uploaded files in memory.",
}
_COUNTS: defaultdict[tuple[str, str], float] = defaultdict(float)
_LOCK = threading.Lock()


def count(name: str, label: str = "", amount: float = 1.0) -> None:
    """Add to a counter.

    Args:
        name: One of `FAMILIES`.
        label: Its kind, such as ``outcome="new"``; a word of ours, never of a reader.
        amount: 1, or seconds.
    """
    assert name in FAMILIES  # noqa: S101  # a name without a description is a defect
    with _LOCK:
        _COUNTS[name, label] += amount


def written_counts(**gauges: float) -> str:
    """All counters in the text format of Prometheus.

    Args:
        **gauges: Values of this moment, by their name in `FAMILIES`.
    """
    with _LOCK:
        counts = dict(_COUNTS) | {(name, ""): value for name, value in gauges.items()}
    lines = []
    for name, says in FAMILIES.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        values = {label: value for (own, label), value in counts.items() if own == name} or {"": 0.0}
        lines += [f"# HELP {name} {says}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{{{label}}} {value:.10g}" if label else f"{name} {value:.10g}" for label, value in sorted(values.items())]
    return "\n".join(lines) + "\n"
