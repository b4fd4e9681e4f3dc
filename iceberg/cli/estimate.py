"""The `estimate` command: files in, the headline, the table and the reports out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iceberg.cli.option_types import UsageError
from iceberg.cli.options import Options
from iceberg.cli.source_names import name_files
from iceberg.cli.terminal import Progress
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.cohort.window import ObservationWindow
    from iceberg.ingest.mapping import MappingSet
    from iceberg.ingest.tables import IngestReport, Tables
    from iceberg.model.assumptions import Assumptions
    from iceberg.model.results import IcebergEstimate


@dataclass(frozen=True, eq=False)
class Estimated:
    """What one run of the estimate holds, for whoever prints, writes or publishes it."""

    estimate: IcebergEstimate
    counts: CohortCounts
    report: IngestReport
    mapping: MappingSet | None

    @property
    def rows(self) -> dict[str, dict[str, int]]:
        """Totals per table, as the JSON document names them."""
        return _rows(self.report)


Known = Callable[["CohortCounts", "IngestReport", "MappingSet | None", "Assumptions"], "IcebergEstimate | None"]


def _make_estimate(options: Options, words: Translator, *, known: Known | None = None) -> Estimated:
    """Files -> tables -> counts -> estimate; how the files were read goes to standard error.

    Args:
        options: What was typed.
        words: Language of the progress.
        known: Finds the estimate where it was made before from the same.
    """
    from iceberg.cli.text import build_joining_text, build_notes_text, build_readings_text, build_rules_text
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.cohort.window import DEFAULT_WINDOW_MONTHS
    from iceberg.ingest.load import load_tables
    from iceberg.ingest.rejected_rows import require_rows
    from iceberg.ingest.scan.recent_customers import Counted
    from iceberg.model.assumptions import Assumptions, SilentRatioPrior
    from iceberg.model.estimate import estimate_iceberg

    assumptions = Assumptions(ratio=SilentRatioPrior.around(options.ratio), horizon_days=options.horizon_days)
    mapping = _saved_mapping(options)
    with Progress(words, quiet=options.quiet) as progress:
        progress("reading")
        tables, report = load_where_they_live(options, mapping, progress.of_file) if options.engine == "spark" else load_tables(
            **options.given,  # type: ignore[arg-type]  # only sources are in the dictionary
            mapping=mapping,
            as_of=options.as_of,
            counted=Counted(options.since, options.as_of, options.window_months or DEFAULT_WINDOW_MONTHS),
            memory_limit=options.memory_limit,
            temp_directory=options.temp_dir,
            on_file=progress.of_file,
        )
        with tables:
            progress("counting", 0.1)
            _require_visible(options, report)
            require_rows(report, mapping)
            counts = reduce_tables(tables, window=_window(options, tables), keep_months=mapping is not None and mapping.keep_months)
        estimate = known(counts, report, mapping, assumptions) if known is not None else None
        if estimate is None:
            estimate = estimate_iceberg(counts, assumptions=assumptions, seed=options.seed, progress=progress)
    if not options.quiet:
        print(build_readings_text(report, words), file=sys.stderr)
        print(build_notes_text(report, words), file=sys.stderr, end="")
        print(build_joining_text(report, words), file=sys.stderr, end="")
        print(build_rules_text(report, words), file=sys.stderr, end="")
    return Estimated(estimate, counts, report, mapping)


def _saved_mapping(options: Options) -> MappingSet | None:
    from iceberg.ingest.mapping import MappingSet

    mapping = MappingSet.load(options.mapping) if options.mapping is not None else None
    if options.keep_months:
        mapping = replace(mapping or MappingSet(), keep_months=True)
    if options.gap_days is None and options.inactivity_days is None:
        return mapping
    mapping = mapping or MappingSet()
    joining = mapping.joining
    gap_days = joining.gap_days if options.gap_days is None else options.gap_days
    return replace(mapping, joining=replace(joining, gap_days=gap_days, inactivity_days=options.inactivity_days or joining.inactivity_days))


def _require_visible(options: Options, report: IngestReport) -> None:
    """Days on which an activity log cannot show a departure yet are no days without departures.

    Raises:
        UsageError: ``as_of_unseen``.
    """
    found = report.joining.inactivity if report.joining is not None else None
    if found is not None and options.as_of is not None and report.last_day == found.as_of < options.as_of:
        raise UsageError("as_of_unseen", {"as_of": options.as_of, "last": found.as_of.isoformat(), "days": found.days})


def _window(options: Options, tables: Tables) -> ObservationWindow | None:
    """The days asked for; what was not asked for as `reduce_tables` chooses it."""
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


def _rows(report: IngestReport) -> dict[str, dict[str, int]]:
    """Totals per table; volumes are the complaints of a company whose complaints name no customer."""
    totals = {
        name: {"read": entry.read, "kept": entry.kept, "rejected": entry.rejected}
        for name, entry in report.rows.items()
    }
    if report.joining is not None and report.joining.repeated is not None and report.joining.repeated.folded:
        totals["customers"] = totals["subscriptions"]  # what is counted here are the rows of the file that was given
    if "flat" in totals:  # one sheet for both: a customer per row
        totals["customers"] = totals["flat"]
    if "complaints" not in totals and "volumes" in totals:
        totals["complaints"] = totals["volumes"]
    return totals


def build_reports(
    options: Options, estimate: IcebergEstimate, counts: CohortCounts, rows: Mapping[str, Mapping[str, int]]
) -> Sequence[tuple[Path, bytes]]:
    """Every report that was asked for, ready to be written; the format is the extension's.

    No clock: the same files, options and seed give the same bytes.
    """
    from iceberg.report.files import Provenance, report_bytes

    if not options.reports:
        return ()
    provenance = Provenance(files=name_files(options), rows=rows)
    return [
        (path, report_bytes(estimate, counts, format=path.suffix.lower().removeprefix("."), language=options.language, provenance=provenance))
        for path in options.reports
    ]


def load_where_they_live(options: Options, mapping: MappingSet | None, on_file: Callable[[str], None]) -> tuple[Tables, IngestReport]:
    """Tables that stay in Spark; only counts come here.

    Raises:
        UsageError: ``spark_takes`` for a table that has to be put together with others first.
    """
    from iceberg.ingest.schema import OPTION_OF_TABLE
    from iceberg.ingest.spark.load import TAKEN, load_spark_tables

    if others := [name for name in options.given if name not in TAKEN]:
        raise UsageError("spark_takes", {"option": f"--{OPTION_OF_TABLE[others[0]]}"})
    sources: dict[str, Any] = {**options.given}
    return load_spark_tables(**sources, **_session(options), mapping=mapping, as_of=options.as_of, on_file=on_file)


def check_where_they_live(options: Options, mapping: MappingSet | None, words: Translator) -> str:
    """What ``check`` prints: how each table is read and what becomes of its rows."""
    from iceberg.cli.text import build_check_text
    from iceberg.ingest.spark.load import load_spark_tables, recognise_spark_tables

    shown = []
    for tables in recognise_spark_tables(options.files, mapping=mapping, **_session(options)):
        loaded, report = load_spark_tables(**tables, **_session(options), mapping=mapping)  # type: ignore[arg-type]  # only sources are in the dictionary
        loaded.close()
        shown.append(build_check_text(report, words))
    return "\n".join(shown)


def _session(options: Options) -> dict[str, Any]:
    return {"url": options.spark_url, "memory_limit": options.memory_limit, "temp_directory": options.temp_dir}
