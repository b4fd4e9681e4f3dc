"""The section ``[study_prices]`` of a mapping: what one answer, interview, customer followed or ticket costs."""

from __future__ import annotations

from typing import Any

from iceberg.errors import MappingError

STUDY_PRICES = "study_prices"
# The kinds of `iceberg.model.decision.information.studies.StudyKind`, by name.
STUDIES = ("leaver_survey", "interviews", "incident_audit", "ticket_sample")
LARGEST_PRICE = 1e9


def prices_from(entry: Any, name: str) -> dict[str, float]:  # noqa: ANN401  # whatever the file holds
    """The prices of a mapping, by study.

    Raises:
        MappingError: ``mapping_value_wrong``, ``mapping_field_unknown``.
    """
    values = {"file": name, "table": STUDY_PRICES}
    known = f"0 - {LARGEST_PRICE:.0f}"
    if not isinstance(entry, dict):
        raise MappingError("mapping_value_wrong", values | {"key": STUDIES[0], "value": str(entry)[:80], "known": known})
    for study, price in entry.items():
        if study not in STUDIES:
            raise MappingError("mapping_field_unknown", values | {"value": study, "known": ", ".join(STUDIES)})
        if type(price) not in {int, float} or not 0 <= price <= LARGEST_PRICE:
            raise MappingError("mapping_value_wrong", values | {"key": study, "value": str(price)[:80], "known": known})
    return {study: float(price) for study, price in entry.items()}
