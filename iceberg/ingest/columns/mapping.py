"""The mapping of one table: which header feeds which field."""

from __future__ import annotations

from dataclasses import dataclass, field

from iceberg.ingest.files.source_table import SourceTable
from iceberg.ingest.schema import REQUIRED, WITHOUT_CATEGORY


@dataclass(frozen=True)
class FieldChoice:
    """One header chosen for one field.

    Attributes:
        field: Canonical field.
        header: Header as in the file.
        confidence: 0-1; 1 when a person chose it.
        reason: Code of the reason, ``ingest.reasons.<reason>``.
        origin: Preset that named the header, ``"mapping"`` when a person did.
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
        date_formats: Format by field where it was fixed by hand (see `iceberg.ingest.values.dates.DATE_FORMATS`).
        decimal: ``"."`` or ``","`` where fixed by hand.
        revenue_period: ``"year"`` or ``"month"``; "" = from the header.
        live_statuses: Values of ``status`` under which a customer is still here, whatever the last day says; lower
            case.
        tenure_unit: ``"days"``, ``"weeks"``, ``"months"`` or ``"years"`` of a flat sheet; "" = from the header, months where it says nothing.
        yes_values: By field, the values that mean yes, where a column is coded (1 and 2) or worded in its own way; every other value means no.
        time_zone: Zone whose days are counted, such as ``"Europe/Paris"``, where times carry an offset or are Unix time.
        encoding, separator, header_line, sheet: Reading overrides.
        system: Preset that recognised the file.
        one_category: Name under which everything is counted where no column says what a complaint is about; "" = such a column is needed.
        via: ``"subscriptions"`` or ``"customers"`` where the customer id column holds ids of subscriptions, or other ids of the customers
            (``link_id``), to be looked up there.
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
    yes_values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    one_category: str = ""

    def header(self, name: str) -> str | None:
        """Header of a field, None where the file has none."""
        choice = self.choices.get(name)
        return choice.header if choice else None

    @property
    def missing(self) -> tuple[str, ...]:
        """Required fields without a header."""
        return tuple(name for name in REQUIRED[self.table] if name not in self.choices and not (name == "category" and self.counts_as_one))

    @property
    def counts_as_one(self) -> bool:
        """Whether everything counts under `one_category`: no column says what a complaint is about, and that was told."""
        return bool(self.one_category) and self.table in WITHOUT_CATEGORY and "category" not in self.choices

    def uncertain(self, threshold: float = 0.6) -> tuple[FieldChoice, ...]:
        """Choices that the analyst must confirm."""
        return tuple(choice for choice in self.choices.values() if choice.confidence < threshold)


Opened = tuple[SourceTable, ColumnMapping]  # a file, and how its columns are taken
