"""Writes the basis of a report: the method in words, every assumption with source and grade, the files with their fingerprints."""

from __future__ import annotations

from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.priors import Default, list_defaults
from iceberg.model.results import IcebergEstimate
from iceberg.report.files.document.blocks import Bullets, Paragraph, ReportSection, TableBlock
from iceberg.report.files.provenance import Provenance

METHOD_SENTENCES = 10
LIMITS = 4


def method_sentences(words: Translator) -> tuple[str, ...]:
    """The ten sentences of the Method page."""
    return tuple(words.text(f"ui.method.word_{number}") for number in range(1, METHOD_SENTENCES + 1))


def limit_sentences(words: Translator) -> tuple[str, ...]:
    """The limits of the method, as on the Method page."""
    return tuple(words.text(f"ui.method.limit_{number}") for number in range(1, LIMITS + 1))


def method_section(words: Translator) -> ReportSection:
    """Method and limits, two columns on paper."""
    return ReportSection(
        words.text("export.section.method"),
        (
            Bullets(tuple(("", sentence) for sentence in method_sentences(words)), numbered=True, columns=2),
            Paragraph(words.text("export.limits"), "label"),
            Bullets(tuple(("", sentence) for sentence in limit_sentences(words)), columns=2),
        ),
        fine=True,
    )


def assumption_rows(assumptions: Assumptions, words: Translator, *, constants: bool = True) -> tuple[tuple[str, str, str, str], ...]:
    """Each assumption: what it is, its value, its grade (A to D), its source; with the constants of the model, or without."""
    return tuple(
        (words.text(f"evidence.defaults.{one.name}"), _value(one, words), one.grade, _source(one.source, words))
        for one in list_defaults(assumptions)
        if constants or not one.constant
    )


def _value(default: Default, words: Translator) -> str:
    value = default.value
    if isinstance(value, tuple):
        return " – ".join(words.decimal(one) for one in value)
    return value if isinstance(value, str) else str(words.format(value))


def _source(source: str, words: Translator) -> str:
    key = f"evidence.sources.{source}"
    return words.text(key) if words.has(key) else source


def assumptions_grid(estimate: IcebergEstimate, words: Translator) -> TableBlock:
    """The assumptions as a table."""
    headers = tuple(words.text(f"ui.method.default_{name}") for name in ("name", "value", "grade", "source"))
    return TableBlock(
        words.text("export.section.assumptions"),
        headers,
        assumption_rows(estimate.assumptions, words, constants=False),
        ("left", "left", "left", "left"),
        widths=(1.1, 0.0, 0.0, 1.0),
        small=True,
    )


def assumptions_section(estimate: IcebergEstimate, words: Translator) -> ReportSection:
    """The assumptions, and what a grade means."""
    blocks = (assumptions_grid(estimate, words), Paragraph(words.text("ui.method.grades"), "note"))
    return ReportSection(words.text("export.section.assumptions"), blocks, fine=True, together=True)


def fact_lines(estimate: IcebergEstimate, provenance: Provenance, words: Translator) -> tuple[str, ...]:
    """Author, time, version, and the identity of the numbers."""
    lines = []
    if provenance.author or provenance.created is not None:
        when = words.date(provenance.created.date()) if provenance.created is not None else words.text("report.unknown")
        lines.append(words.text("export.made", author=provenance.author or words.text("report.unknown"), when=when))
    if provenance.study_version:
        lines.append(words.text("export.study_version", version=provenance.study_version))
    lines.append(words.text("export.reproduce", version=provenance.product_version, seed=str(estimate.seed), digest=estimate.counts_digest))
    return tuple(lines)


def files_section(estimate: IcebergEstimate, provenance: Provenance, words: Translator) -> ReportSection:
    """The files that were read, with SHA-256 and rows, and how to make the same numbers again."""
    facts = Paragraph(" ".join(fact_lines(estimate, provenance, words)), "note")
    if not provenance.files:
        missing = "export.files_sample" if provenance.sample else "export.files_unknown"
        return ReportSection(words.text("export.section.files"), (Paragraph(words.text(missing)), facts), fine=True)
    headers = tuple(words.text(f"export.column.{name}") for name in ("file", "table", "rows", "sha256"))
    rows = tuple((file.name, table_name(file.table, words), rows_text(file.table, provenance, words), file.sha256 or "") for file in provenance.files)
    grid = TableBlock(
        words.text("export.section.files"), headers, rows, ("left", "left", "left", "left"), widths=(1.0, 0.0, 1.0, 0.0), small=True
    )
    return ReportSection(words.text("export.section.files"), (grid, facts), fine=True)


def table_name(role: str, words: Translator) -> str:
    """The table a file was read as."""
    key = f"export.role.{role}"
    return words.text(key) if words.has(key) else role


def rows_text(role: str, provenance: Provenance, words: Translator) -> str:
    """Rows read, kept and rejected, where they are known."""
    known = provenance.rows.get(role)
    if not known:
        return ""
    return words.text("export.rows", read=int(known["read"]), kept=int(known["kept"]), rejected=int(known["rejected"]))
