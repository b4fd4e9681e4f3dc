"""Plain text for a terminal: tables and sentences about an estimate and about how files were read."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from iceberg.locale import Translator, visible

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.ingest.files.source_table import FileReading
    from iceberg.ingest.schema import RowIssue
    from iceberg.ingest.tables import IngestReport
    from iceberg.model.results import CategoryEstimate, CredibleInterval, Diagnostic, IcebergEstimate

WIDTH = 100
_ISSUES_PER_RULE = 3


def build_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A plain text table: the first column is aligned left, all others right."""
    lines = [list(headers), *([visible(cell) for cell in row] for row in rows)]
    widths = [max(_width(line[place]) for line in lines) for place in range(len(headers))]
    text = [
        "  ".join(
            cell + " " * (width - _width(cell)) if place == 0 else " " * (width - _width(cell)) + cell
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    text.insert(1, "-" * _width(text[0]))
    return "\n".join(text)


def _width(cell: str) -> int:
    """The columns that a terminal needs: none for combining characters, two for wide ones."""
    return sum(0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF") for letter in cell)


def wrap(sentence: str, *, indent: str = "", first: str | None = None) -> str:
    """A sentence broken at spaces; no-break spaces hold numbers together."""
    return textwrap.fill(sentence, WIDTH, initial_indent=indent if first is None else first, subsequent_indent=indent, break_on_hyphens=False)


def build_estimate_text(estimate: IcebergEstimate, counts: CohortCounts, words: Translator) -> str:
    """The headline, one line per category, the window, the evidence level and the remarks."""
    from iceberg.model.evidence import cannot_say
    from iceberg.report.words import comparator_sentence, definition, evidence_badge, headline

    parts = [wrap(headline(estimate, words)), ""]
    if not cannot_say(estimate):
        parts += [_estimate_table(estimate, counts, words), "", *_advice(estimate, words)]
    parts.append(wrap(f"{_window_text(estimate, counts, words)} {definition(words)}"))
    if counts.has_customers and estimate.total.vocal_customers:
        parts.append(wrap(comparator_sentence(estimate, words)))
    badge = evidence_badge(estimate, words)
    parts.append(wrap(words.text("cli.estimate.evidence", label=badge.label, says=badge.says)))
    parts += _remarks(estimate.diagnostics, words)
    return "\n".join(parts) + "\n"


def _advice(estimate: IcebergEstimate, words: Translator) -> list[str]:
    """What to do about the first categories, as on the page."""
    from iceberg.report.advice import first_decisions

    if not estimate.total.vocal_customers:
        return []
    return [wrap(f"{one.label} – {one.sentence}", indent="  ", first="") for one in first_decisions(estimate, words)] + [""]


def _window_text(estimate: IcebergEstimate, counts: CohortCounts, words: Translator) -> str:
    """The days counted, who left in them, and how many would have left anyway where that was estimated."""
    from iceberg.model.evidence import cannot_say

    text = words.text("cli.estimate.no_calendar", customers=counts.customers)
    if counts.has_calendar:
        text = words.text("cli.estimate.window", since=counts.window.since, as_of=counts.window.as_of)
    if not counts.has_customers:
        return text
    kind = "silent" if counts.has_linked_complaints else "left"
    text += " " + words.text(f"cli.estimate.{kind}_leavers", count=estimate.silent_leavers)
    if estimate.total.vocal_customers and not cannot_say(estimate):
        text += " " + words.text("cli.estimate.natural", natural=_span(estimate.natural_departures, words))
    return text


def _remarks(diagnostics: Sequence[Diagnostic], words: Translator) -> list[str]:
    """One sentence per kind of remark, gravest first, with the names of the other categories that it holds for."""
    from iceberg.report.words import diagnostic_sentences

    gravity = {"warning": 0, "caution": 1, "info": 2}
    lines = []
    for code in dict.fromkeys(entry.code for entry in sorted(diagnostics, key=lambda entry: gravity[entry.severity])):
        first, *others = [entry for entry in diagnostics if entry.code == code]
        sentence = " ".join(diagnostic_sentences(first, words)).strip()
        if others:
            named = ", ".join(str(entry.category or words.text("report.all_categories")) for entry in others)
            sentence += " " + words.text("cli.estimate.likewise", categories=named)
        lines.append(wrap(sentence, indent="  ", first="! " if first.severity == "warning" else "- "))
    return lines


def _estimate_table(estimate: IcebergEstimate, counts: CohortCounts, words: Translator) -> str:
    has_money = estimate.total.revenue_lost is not None
    names = ["category", "vocal", "silent", "likely", *(["money"] if has_money else []), "ratio", "assumed", "worst"]
    shown = list(estimate.categories)
    if estimate.evidence.ranks:
        shown.sort(key=lambda entry: -entry.silent_churn.median)
    rows = [_category_row(entry, counts, words, has_money=has_money) for entry in shown]
    total = estimate.total
    rows.append(
        [
            words.text("cli.estimate.total"),
            words.integer(total.vocal_customers),
            _span(total.silent_churn, words),
            words.integer(total.silent_churn.median),
            *([_money(total.revenue_lost, counts, words)] if has_money else []),
            *([""] * 3),
        ]
    )
    return build_table([words.text(f"cli.estimate.{name}") for name in names], rows)


def _category_row(entry: CategoryEstimate, counts: CohortCounts, words: Translator, *, has_money: bool) -> list[str]:
    ratio = words.text("cli.estimate.ratio_value", value=words.decimal(entry.ratio_posterior.median, 1))
    return [
        entry.category,
        words.integer(entry.vocal_customers),
        _span(entry.silent_churn, words),
        words.integer(entry.silent_churn.median),
        *([_money(entry.revenue_lost, counts, words)] if has_money else []),
        ratio,
        words.percent(entry.prior_share),
        "—" if entry.probability_worst is None else words.percent(entry.probability_worst),
    ]


def _span(interval: CredibleInterval, words: Translator) -> str:
    return words.text("cli.estimate.span", low=words.integer(interval.lower), high=words.integer(interval.upper))


def _money(interval: CredibleInterval | None, counts: CohortCounts, words: Translator) -> str:
    return "" if interval is None else words.money_compact(interval.median, counts.currency)


def build_scores_text(estimate: IcebergEstimate, counts: CohortCounts, words: Translator) -> str:
    """What customers declared in satisfaction scores, beside who left; "" without scores."""
    from iceberg.model.scores.estimate import estimate_declared
    from iceberg.report.scores.sentences import declared_headline, declared_sentences

    found = estimate_declared(counts, seed=estimate.seed)
    if found is None:
        return ""
    lines = [wrap(f"{words.text('scores.title')}. {declared_headline(found, words)}")]
    lines += [wrap(sentence, indent="  ", first="- ") for sentence in declared_sentences(found, words)]
    return "\n" + "\n".join(lines) + "\n"


def build_positives_text(estimate: IcebergEstimate, counts: CohortCounts, words: Translator) -> str:
    """What good moments did; "" without a file of them."""
    from iceberg.model.positives.estimate import estimate_enchantment
    from iceberg.report.positives.sentences import positives_grid, positives_headline, positives_sentences

    found = estimate_enchantment(counts, seed=estimate.seed)
    if found is None:
        return ""
    lines = [wrap(f"{words.text('positives.title')}. {positives_headline(found, words)}")]
    lines += ["", build_table(*positives_grid(found, words)), ""] if found.kinds else []
    lines += [wrap(sentence, indent="  ", first="- ") for sentence in positives_sentences(found, words)]
    return "\n" + "\n".join(lines) + "\n"


def build_rhythms_text(counts: CohortCounts, words: Translator) -> str:
    """Who broke with a habit, in a sentence; "" without an activity log."""
    from iceberg.report.rhythm.sentences import rhythm_headline

    if not counts.rhythms:
        return ""
    return "\n" + wrap(f"{words.text('rhythm.title')}. {rhythm_headline(counts.rhythms[0], words)}") + "\n"


def build_journey_text(estimate: IcebergEstimate, counts: CohortCounts, words: Translator) -> str:
    """Silent churn by step of the journey and complainants by channel; "" where nothing is known of either."""
    if counts.journey is None:
        return ""
    from iceberg.model.journey.stages import estimate_journey
    from iceberg.model.positives.estimate import estimate_enchantment
    from iceberg.report.journey.sentences import channel_sentences, channel_table, journey_headline, journey_sentences, journey_table, step_texts

    found = estimate_journey(estimate, counts)
    if found is None:
        return ""
    moments = estimate_enchantment(counts, seed=estimate.seed)
    lines = [wrap(f"{words.text('journey.title')}. {journey_headline(found, words)}")]
    steps = journey_table(found, words)
    if not steps.empty:
        headers = [words.text(f"journey.{name}") for name in ("stage", "vocal", "silent", "share", "probability")]
        lines += ["", build_table(headers, (step_texts(row, words) for row in steps.to_dict("records"))), ""]
    lines += [wrap(sentence, indent="  ", first="- ") for sentence in journey_sentences(found, words, moments=moments)]
    channels = channel_table(found, words)
    if not channels.empty:
        shown = ["channel", "vocal", "excess"] + (["silent"] if channels["silent"].astype(bool).any() else [])
        headers = [words.text(f"journey.{name}", days=estimate.assumptions.horizon_days) for name in shown]
        lines += ["", build_table(headers, channels[shown].to_numpy().tolist())]
        lines += [wrap(one, indent="  ", first="- ") for one in channel_sentences(found, words, channel_is_place=counts.journey.channel_is_place)]
    return "\n" + "\n".join(lines) + "\n"


def build_service_text(estimate: IcebergEstimate, counts: CohortCounts, words: Translator) -> str:
    """Complaints closed in time and what those customers did afterwards; "" where no column says it."""
    if counts.service is None:
        return ""
    from iceberg.model.journey.service import estimate_service
    from iceberg.report.journey.service import TABLE_COLUMNS, service_headline, service_sentences, service_table
    from iceberg.report.journey.waits import wait_grid

    found = estimate_service(counts, horizon_days=estimate.assumptions.horizon_days, seed=estimate.seed)
    if found is None:
        return ""
    lines = [wrap(f"{words.text('service.title')}. {service_headline(found, words)}")]
    table = service_table(found, words)
    if len(table) > 1:
        headers = [words.text(f"service.{name}") for name in TABLE_COLUMNS.values()]
        lines += ["", build_table(headers, table[list(TABLE_COLUMNS)].to_numpy().tolist()), ""]
    lines += [wrap(sentence, indent="  ", first="- ") for sentence in service_sentences(found, words)]
    headers, rows = wait_grid(found.waits, words)
    lines += ["", build_table(headers, rows)] if rows else []
    return "\n" + "\n".join(lines) + "\n"


def build_readings_text(report: IngestReport, words: Translator) -> str:
    """How each file was read and which column feeds which field."""
    return "\n".join(_reading_text(reading, words) for reading in report.files)


def _reading_text(reading: FileReading, words: Translator) -> str:
    how = [reading.format.upper() if reading.format in {"csv"} else words.text(f"cli.check.formats.{reading.format}")]
    if reading.encoding:
        how.append(reading.encoding)
    if reading.rewritten:
        how.append(words.text(f"ingest.reading.{reading.rewritten}"))
    if reading.separator and reading.rewritten != "fixed_width":
        how.append(words.text("cli.check.separator", value={"\t": "tab"}.get(reading.separator, reading.separator)))
    if reading.sheet:
        how.append(words.text("cli.check.sheet", value=reading.sheet))
        others = [sheet for sheet in reading.sheets if sheet != reading.sheet]
        how += [words.text("ingest.reading.other_sheets", sheets=", ".join(others))] if others else []
    if reading.skipped_lines:
        how.append(words.text("cli.check.header_line", line=str(reading.header_line)))
    how += [
        words.text("cli.check.dates", column=column, format=words.text(f"ingest.date_formats.{style}"))
        for column, style in reading.date_formats.items()
    ]
    how += [words.text("cli.check.decimal", column=column, mark=mark) for column, mark in reading.decimal.items()]
    how += [_zone_text(column, zone, words) for column, zone in reading.time_zones.items()]
    if reading.overridden:
        how.append(words.text("ingest.reading.told", decisions=", ".join(words.text(f"ingest.reading.{name}") for name in reading.overridden)))
    lines = [wrap(f"{reading.file}: {', '.join(how)}", indent="  ", first="")]
    if reading.used:
        used = ", ".join(f"{field} <- {header}" if field != header else field for field, header in reading.used.items())
        lines.append(wrap(words.text("cli.check.columns", columns=used), indent="    ", first="  "))
    if reading.dropped:
        lines.append(wrap(words.text("cli.check.dropped", columns=", ".join(reading.dropped)), indent="    ", first="  "))
    return "\n".join(lines)


def _zone_text(column: str, zone: str, words: Translator) -> str:
    if zone == "as written":
        return words.text("ingest.reading.zone_as_written", column=column)
    return words.text("ingest.reading.zone", column=column, zone=zone)


def build_check_text(report: IngestReport, words: Translator) -> str:
    """How the files were read and what became of every row. Never a number of the estimate."""
    rules = build_rules_text(report, words, with_rows=True)
    notes = build_notes_text(report, words)
    joining = build_joining_text(report, words)
    joining = f"\n{joining}" if joining else ""
    return f"{build_readings_text(report, words)}\n{notes}\n{build_rows_text(report, words)}{rules}{joining}"


def build_joining_text(report: IngestReport, words: Translator) -> str:
    """How the tables were joined, what contradicts what, and what can be chosen otherwise; "" for a single table without remarks."""
    from iceberg.ingest.joining_sentences import tell_report

    lines: list[str] = []
    section, explained = "joined", set[str]()
    for remark in tell_report(report, words):
        if remark.section != section:
            section = remark.section
            lines.append(words.text(f"joining.{section}.title"))
        lines.append(wrap(remark.says, indent="  ", first="- "))
        change = "" if remark.option in explained else remark.change  # how to choose otherwise stands once per option
        lines += [wrap(text, indent="    ") for text in (remark.choice, change) if text]
        explained.add(remark.option)
    return "".join(f"{line}\n" for line in lines)


def build_notes_text(report: IngestReport, words: Translator) -> str:
    """What was assumed while reading, one line each."""
    return "".join(wrap(words.text(f"ingest.notes.{code}", **values), indent="  ", first="- ") + "\n" for code, values in report.notes)


def build_rows_text(report: IngestReport, words: Translator) -> str:
    """Rows read, kept and rejected, one line per table."""
    tables = dict(report.rows)
    if report.joining is not None and report.joining.derived:  # no file of customers was read
        tables.pop("customers", None)
    lines = [
        words.text("cli.check.rows", table=words.text(f"ingest.tables.{name}"), read=rows.read, kept=rows.kept, rejected=rows.rejected)
        for name, rows in tables.items()
    ]
    lines += [words.text("cli.check.file_rows", file=part.file, read=part.read, kept=part.kept, rejected=part.rejected) for part in report.parts]
    return "".join(f"{line}\n" for line in lines)


def build_rules_text(report: IngestReport, words: Translator, *, with_rows: bool = False) -> str:
    """Every rule that applied and how often; with `with_rows` also its first rows and the remedy."""
    lines: list[str] = []
    for entry in report.rules:
        stem = f"ingest.rules.{entry.rule}"
        outcome = "rejected" if entry.rejected else "kept"
        table = words.text(f"ingest.tables.{entry.table}")
        name = words.text(f"{stem}.name")
        lines += [""] if with_rows else []
        lines.append(words.text(f"cli.check.rule_{outcome}", table=table, rule=entry.rule, name=name, count=entry.rows))
        if with_rows:
            issues = [issue for issue in report.issues if (issue.table, issue.rule) == (entry.table, entry.rule)]
            lines += [_issue_text(issue, words) for issue in issues[:_ISSUES_PER_RULE]]
            lines.append(wrap(words.text("cli.check.remedy", remedy=words.text(f"{stem}.remedy")), indent="    "))
    return "".join(f"{line}\n" for line in lines)


def _issue_text(issue: RowIssue, words: Translator) -> str:
    values = {"file": issue.file, "line": str(issue.line), "column": issue.column, "value": issue.value[:60]}
    place = "" if issue.line else "_unplaced"  # rows of a table in Spark have no line
    return "    " + words.text(f"cli.check.issue{'' if issue.column else '_row'}{place}", **values)
