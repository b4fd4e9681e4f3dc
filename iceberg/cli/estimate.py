"""The `estimate` command; `publish` and `compare` count and estimate with the functions of this module."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from iceberg.cli.arguments.activity_types import DEPARTURES, SETTLED
from iceberg.cli.arguments.option_types import UsageError
from iceberg.cli.arguments.options import Options
from iceberg.cli.audit.sheets import with_audit
from iceberg.cli.audit.text import build_answered_text
from iceberg.cli.decisions.interventions import Followed, follow_interventions, follow_up_text, interventions_document
from iceberg.cli.source_names import name_files
from iceberg.cli.spheres.sheet import with_spheres
from iceberg.cli.spheres.text import build_spheres_text
from iceberg.cli.terminal import DONE, ProgressLine, print_result, write_whole
from iceberg.errors import IcebergError
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.cohort.window import ObservationWindow
    from iceberg.ingest.joining.options import Joining
    from iceberg.ingest.mapping import MappingSet
    from iceberg.ingest.tables import IngestReport, Tables
    from iceberg.model.assumptions import Assumptions
    from iceberg.model.results import IcebergEstimate


@dataclass(frozen=True, eq=False)
class CountedFiles:
    """The counts of the files of one run, how the files were read, and the assumptions of the run."""

    counts: CohortCounts
    report: IngestReport
    mapping: MappingSet | None
    assumptions: Assumptions

    @property
    def rows(self) -> dict[str, dict[str, int]]:
        """Totals per table, as the JSON document names them. Volumes stand for the complaints of a company whose complaints name no customer."""
        totals = {name: {"read": entry.read, "kept": entry.kept, "rejected": entry.rejected} for name, entry in self.report.rows.items()}
        if self.report.joining is not None and self.report.joining.repeated is not None and self.report.joining.repeated.folded:
            totals["customers"] = totals["subscriptions"]  # the rows of the file, not of the table made from it
        if "flat" in totals:  # one sheet for both: a customer per row
            totals["customers"] = totals["flat"]
        if "complaints" not in totals and "volumes" in totals:
            totals["complaints"] = totals["volumes"]
        return totals


WhileOpen = Callable[["Tables", CountedFiles], None]


@dataclass(frozen=True, eq=False)
class Estimated:
    """The estimate of one run and what it was estimated from."""

    estimate: IcebergEstimate
    counted: CountedFiles


def run_estimate(options: Options, words: Translator) -> int:
    """Estimate, write the files that were asked for and print the result."""
    from iceberg.cli.text import (
        build_estimate_text,
        build_journey_text,
        build_positives_text,
        build_rhythms_text,
        build_rows_text,
        build_scores_text,
        build_service_text,
    )

    template = read_template_of(options)
    made = make_estimate(options, words)
    followed = follow_interventions(made.estimate, made.counted.counts, made.counted.mapping)
    write_files(made, options, words, template=template, followed=followed)
    text = build_estimate_text(made.estimate, made.counted.counts, words) + follow_up_text(followed, words)
    text += build_journey_text(made.estimate, made.counted.counts, words) + build_service_text(made.estimate, made.counted.counts, words)
    text += build_spheres_text(made.estimate, made.counted.counts, words)
    text += build_positives_text(made.estimate, made.counted.counts, words)
    text += build_scores_text(made.estimate, made.counted.counts, words) + build_answered_text(made.counted.counts.audit, words)
    text += build_rhythms_text(made.counted.counts, words)
    print_result(text + build_rows_text(made.counted.report, words))
    return DONE


def make_estimate(options: Options, words: Translator) -> Estimated:
    """Count the files and estimate; how the files were read goes to standard error."""
    with ProgressLine(words, quiet=options.quiet) as progress:
        counted = count_files(options, progress)
        estimate = estimate_counts(counted, options, progress)
    print_reading(counted.report, options, words)
    return Estimated(estimate, counted)


def count_files(options: Options, progress: ProgressLine, *, while_open: WhileOpen | None = None) -> CountedFiles:
    """Read the files into tables and the tables into counts.

    Args:
        options: Files and window.
        progress: Called at each step.
        while_open: Called with the tables and the counts before the rows are dropped; the tables then hold the ids of customers.

    Raises:
        IcebergError: When the files cannot be read or the window does not fit them.
    """
    from iceberg.cohort.reduce import looking_back, reduce_tables
    from iceberg.cohort.rhythm.read import find_rhythms_or_none
    from iceberg.cohort.window import DEFAULT_WINDOW_MONTHS
    from iceberg.ingest.load import load_tables
    from iceberg.ingest.mapping import MappingSet
    from iceberg.ingest.rejected_rows import require_rows
    from iceberg.ingest.scan.recent_customers import CountedDays
    from iceberg.model.assumptions import Assumptions, SilentRatioPrior

    assumptions = Assumptions(
        ratio=SilentRatioPrior.around(options.ratio),
        horizon_days=options.horizon_days,
        incident_bias=options.incident_bias,
        survey_bias=options.survey_bias,
    )
    mapping = saved_mapping(options)
    assumptions = replace(assumptions, **(mapping or MappingSet()).money)
    progress("reading")
    if options.engine == "spark":
        tables, report = _load_from_spark(options, mapping, progress)
    else:
        tables, report = load_tables(
            **options.given,  # type: ignore[arg-type]  # only sources are in the dictionary
            mapping=mapping,
            as_of=options.as_of,
            counted=CountedDays(options.since, options.as_of, options.window_months or DEFAULT_WINDOW_MONTHS, ids=while_open is not None),
            memory_limit=options.memory_limit,
            temp_directory=options.temp_dir,
            on_file=progress.of_file,
        )
    with tables:
        progress("counting", 0.1)
        _require_visible(options, report)
        require_rows(report, mapping)
        # Before breaks can become departures; a log without rhythms has none to show.
        chosen = mapping or MappingSet()
        rhythms, _ = find_rhythms_or_none(tables, settled=chosen.joining.settled or SETTLED)
        tables = _with_departures(tables, options, report, chosen.joining)
        asked = options.since is not None or options.as_of is not None  # days that the user names are counted as asked
        counts = reduce_tables(
            tables,
            window=looking_back(_window(options, tables), tables, mapping),
            keep_months=asked or chosen.keep_months,
            term=chosen.term,
            keep_cancellations=chosen.keep_cancellations,
            negative_controls=chosen.negative_controls,
            recording_changes=chosen.recording_changes,
            score_look_back_days=chosen.score_look_back_days,
        )
        counts = replace(counts, rhythms=rhythms) if rhythms else counts
        counted = CountedFiles(with_spheres(with_audit(counts, options), options), report, mapping, assumptions)
        if while_open is not None:
            while_open(tables, counted)
    return counted


def estimate_counts(counted: CountedFiles, options: Options, progress: ProgressLine) -> IcebergEstimate:
    """Estimate with the seed of `options`."""
    from iceberg.model.estimate import estimate_iceberg

    return estimate_iceberg(counted.counts, assumptions=counted.assumptions, seed=options.seed, progress=progress)


def print_reading(report: IngestReport, options: Options, words: Translator) -> None:
    """Print to standard error how the files were read, unless ``--quiet`` was given."""
    from iceberg.cli.text import build_joining_text, build_notes_text, build_readings_text, build_rules_text

    if not options.quiet:
        notes, joining, rules = (build(report, words) for build in (build_notes_text, build_joining_text, build_rules_text))
        sys.stderr.write(f"{build_readings_text(report, words)}\n{notes}{joining}{rules}")


def read_template_of(options: Options) -> bytes | None:
    """The template of the slides that were asked for, checked before the work; None for our own look.

    Raises:
        OptionError: When the file cannot be a template; the message says what is wrong with it.
    """
    if not any(path.suffix.lower() == ".pptx" for path in options.reports):
        return None
    from iceberg.report.files.slides.template import default_template, read_template

    return read_template(options.template) if options.template is not None else default_template()


def write_files(
    made: Estimated, options: Options, words: Translator, *, link: str = "", template: bytes | None = None, followed: Followed | None = None
) -> None:
    """Write the JSON document and the reports that were asked for.

    No clock: the same files, options and seed give the same bytes.

    Args:
        made: The estimate.
        options: The files.
        words: Language.
        link: Where a published version is opened, for the reports.
        template: From `read_template_of`, for slides.
        followed: Fixes that were followed up, for the JSON document.
    """
    from iceberg.report.export import build_document, document_to_json
    from iceberg.report.files import Provenance, report_bytes

    counted = made.counted
    if options.json is not None:
        document = build_document(made.estimate, counted.counts, rows=counted.rows, language=words.language)
        document |= interventions_document(followed, words)
        write_whole(options.json, document_to_json(document).encode())
    provenance = Provenance(files=name_files(options) if options.reports else (), rows=counted.rows, link=link)
    reports = [
        report_bytes(
            made.estimate,
            counted.counts,
            format=path.suffix.lower().removeprefix("."),
            language=options.language,
            provenance=provenance,
            template=template,
        )
        for path in options.reports
    ]
    for path, content in zip(options.reports, reports, strict=True):
        write_whole(path, content)


def load_given(options: Options, mapping: MappingSet | None, progress: ProgressLine) -> tuple[Tables, IngestReport]:
    """The files that were given, read and joined, with every table in rows; the caller closes the tables.

    Raises:
        IcebergError: A file does not fit, or a table has no row left.
    """
    from iceberg.ingest.load import load_tables
    from iceberg.ingest.rejected_rows import require_rows

    progress("reading")
    tables, report = load_tables(
        **options.given,  # type: ignore[arg-type]  # only sources are in the dictionary
        mapping=mapping,
        memory_limit=options.memory_limit,
        temp_directory=options.temp_dir,
        on_file=progress.of_file,
    )
    try:
        require_rows(report, mapping)
    except IcebergError:
        tables.close()
        raise
    return tables, report


def saved_mapping(options: Options) -> MappingSet | None:
    """The mapping file with the options that say the same in place of its own choices."""
    from iceberg.ingest.mapping import MappingSet
    from iceberg.ingest.schema import TERM_WORDS

    mapping = MappingSet.load(options.mapping) if options.mapping is not None else None
    if options.segments:
        mapping = replace(mapping or MappingSet(), segments=options.segments)
    if options.keep_months:
        mapping = replace(mapping or MappingSet(), keep_months=True)
    if options.recording_changes or options.no_recording_change:
        mapping = replace(mapping or MappingSet(), recording_changes=options.recording_changes)
    if options.merges:
        mapping = (mapping or MappingSet()).with_merges(options.merges)
    if options.exchange_rates or options.undated_departures is not None or options.score_scale is not None:
        mapping = _with_values(mapping or MappingSet(), options)
    if options.drops or options.split_categories or options.keep_spellings:
        mapping = _with_names(mapping or MappingSet(), options)
    given = {name: getattr(options, name) for name in ("money_months", "discount", "look_back_days")}
    given |= {"score_look_back_days": options.score_lookback_days}
    if numbers := {name: value for name, value in given.items() if value is not None}:
        mapping = replace(mapping or MappingSet(), **numbers)
    if options.term is not None:
        term = TERM_WORDS[options.term] if options.term in TERM_WORDS else int(options.term)
        mapping = replace(mapping or MappingSet(), term=term)
    if options.keep_cancellations:
        mapping = replace(mapping or MappingSet(), keep_cancellations=True)
    if options.negative_controls:
        mapping = replace(mapping or MappingSet(), negative_controls=options.negative_controls)
    if options.interventions:
        mapping = mapping or MappingSet()
        mapping = replace(mapping, interventions=(*mapping.interventions, *options.interventions))
    rules = {name: value for name in ("gap_days", "inactivity_days", "departures", "settled") if (value := getattr(options, name)) is not None}
    if not rules:
        return mapping
    mapping = mapping or MappingSet()
    return replace(mapping, joining=replace(mapping.joining, **rules))


def _with_names(mapping: MappingSet, options: Options) -> MappingSet:
    """The mapping with what the options say about the names of categories."""
    joining = mapping.joining
    return replace(
        mapping,
        joining=replace(
            joining,
            drop_categories=tuple(dict.fromkeys((*joining.drop_categories, *options.drops))),
            split_categories=options.split_categories or joining.split_categories,
            category_spelling="keep" if options.keep_spellings else joining.category_spelling,
        ),
    )


def _with_values(mapping: MappingSet, options: Options) -> MappingSet:
    """The mapping with the exchange rates, the scale of the scores, and what becomes of departures without a date."""
    mapping = mapping.with_scale(options.score_scale) if options.score_scale is not None else mapping
    mapping = mapping.with_rates(dict(options.exchange_rates)) if options.exchange_rates else mapping
    if options.undated_departures is None:
        return mapping
    return replace(mapping, joining=replace(mapping.joining, undated_departures=options.undated_departures))


def _require_visible(options: Options, report: IngestReport) -> None:
    """Reject an ``--as-of`` so late that the activity log cannot show its departures yet."""
    inactivity = report.joining.inactivity if report.joining is not None else None
    if inactivity is not None and options.as_of is not None and report.last_day == inactivity.as_of < options.as_of:
        raise UsageError("as_of_unseen", {"as_of": options.as_of, "last": inactivity.as_of.isoformat(), "days": inactivity.days})


def _with_departures(tables: Tables, options: Options, report: IngestReport, rules: Joining) -> Tables:
    """The tables with the departures that ``--departures`` or the mapping asks for; as they are by default.

    Raises:
        UsageError: ``--as-of`` is so late that no break can be distinguished from a pause; ``--settled`` without breaks as departures.
    """
    from iceberg.cohort.rhythm.departures import with_departures

    if options.settled is not None and rules.departures == DEPARTURES[0]:
        raise UsageError("settled_needs_breaks")
    dated = with_departures(tables, report, rules=rules)
    if dated is tables:
        return tables
    if dated.last_day is not None and options.as_of is not None and options.as_of > dated.last_day:
        raise UsageError("as_of_unseen_break", {"as_of": options.as_of, "last": dated.last_day.isoformat()})
    return dated


def _window(options: Options, tables: Tables) -> ObservationWindow | None:
    """The window of the options; None where none is given, and then `reduce_tables` chooses it."""
    from iceberg.cohort.reduce import default_window
    from iceberg.cohort.window import ObservationWindow, moving_window

    if options.since is None and options.as_of is None and options.window_months is None:
        return None
    if "flat" in tables.names:
        raise UsageError("flat_no_window")
    window = default_window(tables)
    if options.as_of is not None:
        window = ObservationWindow.ending(options.as_of, first_complaint=tables.first_complaint)
    if options.window_months is not None:
        return moving_window(window.as_of, options.window_months, first_complaint=tables.first_complaint)
    return window if options.since is None else ObservationWindow(options.since, window.as_of)


def _load_from_spark(options: Options, mapping: MappingSet | None, progress: ProgressLine) -> tuple[Tables, IngestReport]:
    """Load tables that stay in Spark, where none has to be joined with others first; only counts come here."""
    from iceberg.ingest.schema import OPTION_OF_TABLE
    from iceberg.ingest.spark.load import TAKEN, load_spark_tables

    if others := [name for name in options.given if name not in TAKEN]:
        raise UsageError("spark_takes", {"option": f"--{OPTION_OF_TABLE[others[0]]}"})
    return load_spark_tables(options.given, session=options.spark_session, mapping=mapping, as_of=options.as_of, on_file=progress.of_file)
