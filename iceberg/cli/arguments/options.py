"""The options of one run, and the checks of those that depend on each other."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iceberg.cli.arguments.activity_types import DEPARTURES, FALSE_ALARMS
from iceberg.cli.arguments.commands import COMMANDS
from iceberg.cli.arguments.option_types import COMPANIES, UsageError, choose_language, without_leading_language
from iceberg.cli.arguments.parsers import ACTIONS, build_parsers
from iceberg.ingest.schema import TABLE_OF_OPTION
from iceberg.locale import Translator
from iceberg.model.assumptions import FOLK_RATIO, Assumptions, Efficacy
from iceberg.version import __version__

if TYPE_CHECKING:
    from iceberg.ingest.interventions import InterventionEntry
    from iceberg.ingest.spark.session import SessionOptions

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Options:
    """The checked arguments of one run. A field that the command does not take has its default.

    Attributes:
        command: One of `COMMANDS`, or ``"help"`` and ``"version"``, which need only `text`.
        text: What ``help`` and ``version`` print.
        files: Files to check.
        out: Directory of the sample company, or file of an export.
        action, study, version, days, for_ever, yes: The action of ``studies`` and its arguments.
    """

    command: str
    language: str
    text: str = ""
    files: tuple[str, ...] = ()
    out: Path | None = None
    customers: str | None = None
    complaints: str | None = None
    volumes: str | None = None
    incidents: str | None = None
    survey: str | None = None
    leaver_survey: str | None = None
    cancellation_reasons: str | None = None
    scores: str | None = None
    positives: str | None = None
    score_scale: str | None = None
    score_lookback_days: int | None = None
    subscriptions: str | None = None
    events: str | None = None
    activity: str | None = None
    inactivity_days: int | None = None
    gap_days: int | None = None
    exchange_rates: tuple[tuple[str, float], ...] = ()
    undated_departures: str | None = None
    since: date | None = None
    as_of: date | None = None
    ratio: float = FOLK_RATIO
    horizon_days: int = 180
    incident_bias: float = Assumptions.incident_bias
    survey_bias: float = Assumptions.survey_bias
    seed: int = 0
    mapping: Path | None = None
    segments: tuple[str, ...] = ()
    json: Path | None = None
    reports: tuple[Path, ...] = ()
    template: Path | None = None
    quiet: bool = False
    periods: tuple[tuple[date, date], ...] = ()
    compared: tuple[tuple[str, int | None], ...] = ()
    apart: bool = False
    category: str | None = None
    engine: str = "duckdb"
    spark_url: str | None = None
    memory_limit: str | None = None
    temp_dir: Path | None = None
    window_months: int | None = None
    keep_months: bool = False
    recording_changes: tuple[str, ...] = ()
    no_recording_change: bool = False
    merges: tuple[tuple[str, str], ...] = ()
    drops: tuple[str, ...] = ()
    split_categories: str = ""
    keep_spellings: bool = False
    money_months: int | None = None
    discount: float | None = None
    look_back_days: int | None = None
    term: str | None = None
    keep_cancellations: bool = False
    negative_controls: tuple[str, ...] = ()
    title: str = ""
    notify: tuple[str, ...] = ()
    notify_when: tuple[str, ...] = ()
    notify_lang: str | None = None
    store: str | None = None
    author: str = ""
    action: str = ""
    study: str | None = None
    version: int | None = None
    days: int | None = None
    for_ever: bool = False
    yes: bool = False
    port: int | None = None
    costs: tuple[tuple[str, float], ...] = ()
    running_costs: tuple[tuple[str, float], ...] = ()
    reaches: tuple[tuple[str, float], ...] = ()
    efficacies: tuple[tuple[str, Efficacy], ...] = ()
    budget: float | None = None
    years: int = 1
    customer_value: float | None = None
    target: str | None = None
    decision: bool = False
    study_prices: tuple[tuple[str, float], ...] = ()
    questions: Path | None = None
    call_list: Path | None = None
    may_see_names: bool = False
    n: int = 40
    control: float = 0.2
    months: int = 3
    interventions: tuple[InterventionEntry, ...] = ()
    keep: Path | None = None
    owner: str = ""
    start: date | None = None
    read_in: date | None = None
    least_fall: float = 0.0
    false_alarms: float = FALSE_ALARMS
    audit_sheets: tuple[str, ...] = ()
    spheres: str | None = None
    draw: int | None = None
    sheets: tuple[str, ...] = ()
    raters: int = 2
    by: tuple[str, ...] = ()
    audit_months: int = 12
    case_column: str = ""
    ticket_columns: tuple[tuple[str, str], ...] = ()
    reply_text: str = ""
    members_brought: int = 0
    company: str = COMPANIES[0]
    departures: str | None = None
    settled: float | None = None

    @property
    def given(self) -> dict[str, str]:
        """The sources by table."""
        sources = {table: getattr(self, option.replace("-", "_")) for option, table in TABLE_OF_OPTION.items()}
        return {table: source for table, source in sources.items() if source is not None}

    @property
    def outputs(self) -> list[Path]:
        """The files that are written."""
        return [path for path in (self.json, self.questions, self.keep, self.call_list, *self.reports) if path is not None]

    @property
    def rater_files(self) -> tuple[Path, ...]:
        """The sheet of each rater that an audit writes: audit.csv becomes audit-1.csv, audit-2.csv."""
        out = self.out or Path("audit.csv")
        return tuple(out.with_name(f"{out.stem}-{number}{out.suffix}") for number in range(1, self.raters + 1))

    @property
    def spark_session(self) -> SessionOptions:
        """Where Spark runs and what it may use."""
        from iceberg.ingest.spark.session import SessionOptions

        return SessionOptions(self.spark_url, self.memory_limit, self.temp_dir)


def parse_options(arguments: Sequence[str]) -> Options:
    """Parse and check the arguments.

    Raises:
        UsageError: When they cannot be understood; the message says what to type instead.
    """
    language = choose_language(arguments)
    words = Translator(language)
    main, commands = build_parsers(words)
    arguments = without_leading_language(arguments)
    if "--version" in arguments and "studies" not in arguments:
        return Options("version", language, text=f"iceberg {__version__}\n")
    command = next((argument for argument in arguments if not argument.startswith("-")), None)
    parser = commands.get(command or "", main)
    if "--help" in arguments or "-h" in arguments:
        return Options("help", language, text=parser.format_help())
    if command is None or arguments[0] != command:
        raise UsageError("command_missing", {"commands": " ".join(COMMANDS)})
    if command not in commands:
        raise UsageError("command_unknown", {"value": command, "commands": " ".join(COMMANDS)})
    typed, unknown = _parse(parser, list(arguments[1:]))
    if unknown:
        raise UsageError("option_unknown", {"value": unknown[0], "command": command})
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in vars(typed).items()}
    options = Options(command, language, **{key: value for key, value in values.items() if value is not None and key != "lang"})
    _check_together(options)
    return options


def _parse(parser: argparse.ArgumentParser, arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    try:
        return parser.parse_known_args(arguments)
    except argparse.ArgumentError as problem:
        name = problem.argument_name or ""
        takes_none = "ignored explicit argument" in problem.message
        raise UsageError("option_takes_no_value" if takes_none else "option_needs_value", {"option": name}) from problem


def _check_together(options: Options) -> None:
    """Check the combinations that no single option can judge."""
    if options.command == "check" and not (options.files or options.given):
        raise UsageError("check_needs_files")
    spark_only = next((source for source in (*options.files, *options.given.values()) if source.startswith("spark:")), None)
    if spark_only is None and options.spark_url is not None:
        spark_only = "--spark-url"
    if spark_only is not None and options.engine != "spark":
        raise UsageError("spark_only", {"option": spark_only})
    if options.command == "demo" and options.out is None:
        raise UsageError("demo_needs_out")
    if options.command == "studies" and options.action not in ACTIONS:
        raise UsageError("action_unknown", {"value": options.action, "actions": " ".join(ACTIONS)})
    if options.compared:
        _check_studies(options)
    elif options.command == "compare" and len(options.periods) != 2 and (options.periods or not _may_follow(options)):
        raise UsageError("two_periods")
    elif options.command == "rhythm":
        _check_rhythm(options)
    elif options.command == "audit":
        _check_audit(options)
    elif options.command == "spheres":
        _check_spheres(options)
    elif options.command in ("estimate", "publish", "compare", "decide", "design", "callback"):
        _check_estimate(options)


def _may_follow(options: Options) -> bool:
    """Whether a fix to be followed up can be known: it says which months to compare."""
    return not options.apart and (bool(options.interventions) or options.mapping is not None)


_NAMES = {  # of fields called otherwise
    **{"exchange_rates": "exchange-rate", "periods": "period", "recording_changes": "recording-change", "interventions": "intervention"},
    **{"merges": "merge-category", "drops": "drop-category"},
}


def _check_studies(options: Options) -> None:
    """Published studies were estimated already: no option that changes an estimate is accepted with them."""
    unset = Options("compare", options.language)
    accepted = {"command", "language", "compared", "category", "store", "author", "json", "reports", "quiet"}
    for name in (field.name for field in fields(Options) if field.name not in accepted):
        if getattr(options, name) != getattr(unset, name):
            raise UsageError("studies_or_files", {"option": "--" + _NAMES.get(name, name).replace("_", "-")})
    if len(options.compared) != 2:
        raise UsageError("two_studies")
    _check_outputs(options)


def _check_estimate(options: Options) -> None:
    of_command = {"decide": _check_decision, "design": _check_design, "callback": _check_callback}.get(options.command)
    if of_command is not None:
        of_command(options)
    has_customers = options.customers is not None or bool(options.subscriptions or options.activity)  # customers can be built from these
    if not has_customers and options.events is not None:
        raise UsageError("events_need_customers")
    if not has_customers and options.complaints is None and options.volumes is None:
        raise UsageError("customers_missing")
    if options.complaints is not None and options.volumes is not None:
        raise UsageError("complaints_or_volumes")
    if options.incidents is not None and (not has_customers or options.complaints is None):
        raise UsageError("incidents_need_both")
    built = {"inactivity-days": (options.inactivity_days is not None, "activity"), "gap-days": (options.gap_days is not None, "subscriptions")}
    for name, (typed, table) in (built | {"departures": (options.departures not in {None, DEPARTURES[0]}, "activity")}).items():
        if typed and getattr(options, table) is None:
            raise UsageError("days_need_table", {"option": f"--{name}", "table": f"--{table}"})
    silence_only = options.departures == DEPARTURES[0] or (options.departures is None and options.mapping is None)  # a mapping may say so
    if options.settled is not None and silence_only:
        raise UsageError("settled_needs_breaks")
    if options.no_recording_change and options.recording_changes:
        raise UsageError("recording_twice")
    if options.window_months is not None and options.since is not None:
        raise UsageError("window_twice")
    if options.since is not None and options.as_of is not None and options.since > options.as_of:
        raise UsageError("window_reversed", {"since": options.since, "as_of": options.as_of})
    _check_outputs(options)


def _check_design(options: Options) -> None:
    """Check before the work that one question is asked, and that a decision has something to decide."""
    if (options.target is None) != options.decision:
        raise UsageError("design_one_target")
    if options.decision and not options.costs:
        raise UsageError("design_needs_cost")


def _check_decision(options: Options) -> None:
    """Check before the work what a decision and its brief need."""
    if not options.costs:
        raise UsageError("decide_needs_cost")
    agreed: dict[str, object] = {"--category": options.category, "--owner": options.owner, "--start": options.start}
    agreed |= {"--read-in": options.read_in, "--least-fall": options.least_fall}
    typed = next((name for name, value in agreed.items() if value), None)
    if typed is not None and not options.reports:
        raise UsageError("brief_without_report", {"option": typed})
    if options.reports and options.category is None and len(options.costs) > 1:
        raise UsageError("brief_needs_category", {"known": ", ".join(name for name, _ in options.costs)})


def _check_rhythm(options: Options) -> None:
    """Check before anything is read that there is a log, and that a list of names is wanted and goes to a new file of this machine."""
    if options.activity is None:
        raise UsageError("rhythm_needs_activity")
    if options.may_see_names and options.call_list is None:
        raise UsageError("rhythm_needs_list")
    if options.call_list is not None:
        _check_list(options.call_list, options)
    _check_outputs(options)


def _check_audit(options: Options) -> None:
    """Check before anything is read that sheets are drawn or read, not both, and that drawing writes new files of this machine."""
    if (options.draw is None) == (not options.sheets):
        raise UsageError("audit_draw_or_read")
    if options.draw is not None:
        if options.complaints is None or options.out is None:
            raise UsageError("audit_draw_needs")
        if not options.out.resolve().parent.is_dir():
            raise UsageError("json_no_folder", {"file": str(options.out), "folder": str(options.out.parent)})
        occupied = next((path for path in options.rater_files if path.exists()), None)
        if occupied is not None:
            raise UsageError("audit_exists", {"file": str(occupied)})
    elif options.complaints is None and (options.reply_text or options.ticket_columns):
        raise UsageError("audit_tickets_need")
    _check_outputs(options)


def _check_spheres(options: Options) -> None:
    """Check before anything is read that there are complaints, and that the sheet is a new file: it may have been filled in."""
    if not options.given or options.out is None:
        raise UsageError("spheres_needs")
    if not options.out.resolve().parent.is_dir():
        raise UsageError("json_no_folder", {"file": str(options.out), "folder": str(options.out.parent)})
    if options.out.exists():
        raise UsageError("spheres_exists", {"file": str(options.out)})


def _check_callback(options: Options) -> None:
    """Check before anything is read that the list of names is wanted, and goes to a new file of this machine."""
    if options.call_list is None:
        raise UsageError("callback_needs_list")
    _check_list(options.call_list, options)
    if options.engine == "spark":
        raise UsageError("callback_spark")


def _check_list(path: Path, options: Options) -> None:
    if not options.may_see_names:
        raise UsageError("callback_names", {"file": str(path)})
    if path.exists():
        raise UsageError("callback_exists", {"file": str(path)})


def _check_outputs(options: Options) -> None:
    """Check before the work that one table at most comes through the standard input, and that the results can be written."""
    if list(options.given.values()).count(STANDARD_INPUT) > 1:
        raise UsageError("one_standard_input")
    if options.template is not None and not any(path.suffix.lower() == ".pptx" for path in options.reports):
        raise UsageError("template_without_slides")
    inputs = {Path(source.partition("#")[0]).resolve() for source in options.given.values() if "://" not in source}
    for path in options.outputs:
        if str(path) == STANDARD_INPUT or path.is_dir():
            raise UsageError("json_is_no_file", {"file": str(path)})
        if not path.resolve().parent.is_dir():
            raise UsageError("json_no_folder", {"file": str(path), "folder": str(path.parent)})
        if path.resolve() in inputs:
            raise UsageError("json_over_input", {"file": str(path)})
    if len({path.resolve() for path in options.outputs}) < len(options.outputs):
        raise UsageError("output_twice", {"file": str(options.outputs[-1])})
