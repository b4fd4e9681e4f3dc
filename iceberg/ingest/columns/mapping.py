"""The column mapping of one table: which header feeds which field."""

from __future__ import annotations

from dataclasses import dataclass, field

from iceberg.ingest.files.source_table import SourceTable
from iceberg.ingest.schema import REQUIRED, WITHOUT_CATEGORY


@dataclass(frozen=True)
class FieldChoice:
    """The header of one field.

    Attributes:
        field: Canonical field.
        header: Header as in the file.
        confidence: 0-1; 1 where a person chose it.
        reason: Code of the reason, ``ingest.reasons.<reason>``.
        origin: Preset that names the header, ``"mapping"`` where a person does.
    """

    field: str
    header: str
    confidence: float = 1.0
    reason: str = "chosen"
    origin: str = "mapping"


@dataclass(frozen=True)
class ColumnMapping:
    """How one table is read from one file.

    Attributes:
        table: Canonical table.
        choices: Header of each field.
        date_formats: Format by field where the mapping fixes it (see `iceberg.ingest.values.dates.DATE_FORMATS`).
        decimal: ``"."`` or ``","`` where the mapping fixes it.
        revenue_period: ``"year"``, ``"quarter"``, ``"month"`` or ``"week"``; ``"by_row"``: per what the column ``interval`` says; "" = from
            headers and values.
        live_statuses: Lower-case values of ``status`` of customers who have not left, whatever their last day.
        tenure_unit: ``"days"``, ``"weeks"``, ``"months"`` or ``"years"`` of a flat sheet; "" = from the header, else months.
        yes_values: By field, the values that mean yes, where codes (1 and 2) or unusual words do not show it; every other value means no.
        time_zone: Zone whose days count, such as ``"Europe/Paris"``, for times with an offset and Unix time.
        encoding, separator, header_line, sheet: Options for reading the file.
        system: Preset that recognised the file.
        one_category: Category of all complaints where no column has one; "" = the column is required.
        exchange_rates: What one unit of each currency is worth in the one that has no rate, or the rate 1; for amounts in several currencies.
        scale: Scale of the scores (`iceberg.ingest.values.scores.SCALES`); "" = from header and values.
        via: ``"subscriptions"`` or ``"customers"`` where the customer id column holds ids of subscriptions, or other ids of the customers
            (``link_id``), that are replaced by way of that table.
    """

    table: str
    choices: dict[str, FieldChoice] = field(default_factory=dict)
    date_formats: dict[str, str] = field(default_factory=dict)
    decimal: str = ""
    revenue_period: str = ""
    time_zone: str = ""
    live_statuses: tuple[str, ...] = ()
    encoding: str = ""
    separator: str = ""
    header_line: int = 0
    sheet: str = ""
    system: str = ""
    via: str = ""
    tenure_unit: str = ""
    scale: str = ""
    yes_values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    one_category: str = ""
    exchange_rates: dict[str, float] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        """Header of a field, None where the file has none."""
        return self.choices[name].header if name in self.choices else None

    @property
    def missing(self) -> tuple[str, ...]:
        """Required fields without a header."""
        return tuple(name for name in REQUIRED[self.table] if name not in self.choices and not (name == "category" and self.counts_as_one))

    @property
    def counts_as_one(self) -> bool:
        """Whether all complaints count under `one_category`: it is given, and no column has the category."""
        return bool(self.one_category) and self.table in WITHOUT_CATEGORY and "category" not in self.choices

    def uncertain(self, threshold: float = 0.6) -> tuple[FieldChoice, ...]:
        """Choices that the analyst has to confirm."""
        return tuple(choice for choice in self.choices.values() if choice.confidence < threshold)


Opened = tuple[SourceTable, ColumnMapping]  # an opened file with the mapping of its columns
