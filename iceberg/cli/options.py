"""The commands, their options, the checks of options that depend on each other, and their help."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from iceberg.cli.option_types import (
    Option,
    UsageError,
    check_change,
    check_columns,
    check_date,
    check_discount,
    check_engine,
    check_factor,
    check_format,
    check_language,
    check_merge,
    check_names,
    check_period,
    check_rate,
    check_ratio,
    check_separator,
    check_term,
    check_undated,
    check_version,
    check_whole,
    choose_language,
    without_leading_language,
)
from iceberg.ingest.schema import TABLE_OF_OPTION
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import FOLK_RATIO, LARGEST_BIAS, Assumptions
from iceberg.report.files.formats import COMPARISON_FORMATS, FORMATS
from iceberg.version import __version__

if TYPE_CHECKING:
    from iceberg.ingest.spark.session import SessionOptions

ACTIONS = ("list", "show", "delete", "export", "import", "retain", "audit", "rollback")
STANDARD_INPUT = "-"
_LARGEST_SEED = 2**63 - 1


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

    @property
    def given(self) -> dict[str, str]:
        """The sources by table."""
        sources = {table: getattr(self, option) for option, table in TABLE_OF_OPTION.items()}
        return {table: source for table, source in sources.items() if source is not None}

    @property
    def outputs(self) -> list[Path]:
        """The files that are written."""
        return [path for path in (self.json, *self.reports) if path is not None]

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
    elif options.command == "compare" and len(options.periods) != 2:
        raise UsageError("two_periods")
    elif options.command in ("estimate", "publish", "compare"):
        _check_estimate(options)


_NAMES = {  # of fields called otherwise
    **{"exchange_rates": "exchange-rate", "periods": "period", "recording_changes": "recording-change"},
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
    has_customers = options.customers is not None or bool(options.subscriptions or options.activity)  # customers can be built from these
    if not has_customers and options.events is not None:
        raise UsageError("events_need_customers")
    if not has_customers and options.complaints is None and options.volumes is None:
        raise UsageError("customers_missing")
    if options.complaints is not None and options.volumes is not None:
        raise UsageError("complaints_or_volumes")
    if options.incidents is not None and (not has_customers or options.complaints is None):
        raise UsageError("incidents_need_both")
    if options.inactivity_days is not None and options.activity is None:
        raise UsageError("days_need_table", {"option": "--inactivity-days", "table": "--activity"})
    if options.gap_days is not None and options.subscriptions is None:
        raise UsageError("days_need_table", {"option": "--gap-days", "table": "--subscriptions"})
    if options.no_recording_change and options.recording_changes:
        raise UsageError("recording_twice")
    if options.window_months is not None and options.since is not None:
        raise UsageError("window_twice")
    if options.since is not None and options.as_of is not None and options.since > options.as_of:
        raise UsageError("window_reversed", {"since": options.since, "as_of": options.as_of})
    if list(options.given.values()).count(STANDARD_INPUT) > 1:
        raise UsageError("one_standard_input")
    _check_outputs(options)


def _check_outputs(options: Options) -> None:
    """Check before the work that its results can be written."""
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


class _Parser(argparse.ArgumentParser):
    """A parser that raises an error where argparse would print it in English and exit."""

    def error(self, message: str) -> NoReturn:
        """Raise an error that has only the sentence of argparse; none is known to come this way."""
        raise UsageError("other", {"message": message})


def _whole(name: str, smallest: int, largest: int, *, help_key: str = "") -> Option:
    return Option(name, "number", check_whole(f"--{name}", smallest, largest), help_key)


_MAPPING = (Option("mapping", "file", Path), Option("segments", "columns", check_columns))
_READING = (
    *(Option(name, "file") for name in TABLE_OF_OPTION),
    Option("as-of", "date", check_date("--as-of")),
    *(_whole("inactivity-days", 1, 3650), _whole("gap-days", 0, 3650)),
    Option("exchange-rate", "rate", check_rate, is_list=True, field="exchange_rates"),
    Option("undated-departures", "sheet|ignore", check_undated),
    Option("merge-category", "merge", check_merge, is_list=True, field="merges"),
    Option("drop-category", "category_name", is_list=True, field="drops"),
    *(Option("split-categories", "separator", check_separator), Option("keep-spellings")),
)
_RESOURCES = (Option("memory-limit", "size"), Option("temp-dir", "folder", Path))
_ENGINE = (Option("engine", "duckdb|spark", check_engine), Option("spark-url", "address"))
_STORE = (Option("store", "store_address"), Option("author", "text"))
_NOTIFY = (
    *(Option("notify", "target", is_list=True), Option("notify-when", "condition", is_list=True)),
    Option("notify-lang", "|".join(LANGUAGES)),
)
_ESTIMATE = (
    *_READING,
    Option("since", "date", check_date("--since")),
    Option("ratio", "number", check_ratio),
    _whole("horizon-days", 1, 730),
    *(Option(name, "number", check_factor(f"--{name}", LARGEST_BIAS)) for name in ("incident-bias", "survey-bias")),
    _whole("window-months", 1, 120),
    Option("keep-months"),
    Option("recording-change", "change", check_change, is_list=True, field="recording_changes"),
    Option("no-recording-change"),
    *(_whole("money-months", 1, 120), Option("discount", "number", check_discount)),
    _whole("look-back-days", 0, 3650),
    Option("term", "term_value", check_term),
    Option("keep-cancellations"),
    Option("negative-controls", "names", check_names),
    _whole("seed", 0, _LARGEST_SEED),
    *_MAPPING,
    Option("json", "file", Path),
    *_RESOURCES,
    *_ENGINE,
    Option("quiet"),
)
_REPORT = Option("report", "report_file", check_format(FORMATS), is_list=True, field="reports", formats=tuple(FORMATS))
_TEMPLATE = Option("template", "template_file", Path)
_COMMON = (Option("lang", "|".join(LANGUAGES), check_language), Option("help"))
_OPTIONS_OF: dict[str, tuple[Option, ...]] = {
    "demo": (Option("out", "folder", Path),),
    "check": (*_READING, *_MAPPING, *_RESOURCES, *_ENGINE),
    "estimate": (*_ESTIMATE, _REPORT, _TEMPLATE),
    "publish": (*_ESTIMATE, _REPORT, _TEMPLATE, Option("title", "text"), *_STORE, *_NOTIFY),
    "studies": (
        _whole("version", 1, 10**9, help_key="study_version"),
        Option("out", "file", Path, "export_out"),
        _whole("days", 1, 36_500),
        Option("for-ever"),
        Option("yes"),
        *_STORE,
    ),
    "compare": (
        Option("period", "period_value", check_period, is_list=True, field="periods"),
        Option("category", "text"),
        Option("apart"),
        Option("study", "study_id", check_version, "compared", is_list=True, field="compared"),
        *_ESTIMATE,
        replace(_REPORT, check=check_format(COMPARISON_FORMATS), help="comparison_report", formats=tuple(COMPARISON_FORMATS)),
        *_STORE,
    ),
    "dashboard": (_whole("port", 1, 65_535),),
}
COMMANDS = tuple(_OPTIONS_OF)


def build_parsers(words: Translator) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Build the parser of the program, used only for its help, and one parser per command; their help is in the language of `words`."""
    main = _build_parser(None, words)
    main.add_argument("command", metavar="|".join(COMMANDS), help=words.text("cli.help.command"))
    main._positionals.title = words.text("cli.help.commands")  # argparse has no public name for it
    _add_options(main, (Option("version"), *_COMMON), words)
    commands = {}
    for name, options in _OPTIONS_OF.items():
        parser = commands[name] = _build_parser(name, words)
        parser._positionals.title = words.text("cli.help.files_group")
        if name == "check":
            parser.add_argument("files", metavar=words.text("cli.help.file"), nargs="*", help=words.text("cli.help.files"))
        if name == "studies":
            parser.add_argument("action", metavar="|".join(ACTIONS), nargs="?", help=words.text("cli.help.action"))
            parser.add_argument("study", metavar=words.text("cli.help.study_id"), nargs="?", help=words.text("cli.help.study"))
        _add_options(parser, (*options, *_COMMON), words)
    return main, commands


def _build_parser(command: str | None, words: Translator) -> argparse.ArgumentParser:
    class Formatter(argparse.HelpFormatter):
        def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:  # noqa: ANN401
            super().add_usage(usage, actions, groups, prefix or words.text("cli.help.usage"))

        def _split_lines(self, text: str, width: int) -> list[str]:
            return textwrap.wrap(text, width, break_on_hyphens=False)  # --as-of stays in one piece

        def _fill_text(self, text: str, width: int, indent: str) -> str:
            return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)

    return _Parser(
        prog="python -m iceberg" + (f" {command}" if command else ""),
        description=words.text(f"cli.help.{command or 'program'}"),
        epilog=words.text(f"cli.help.{command or 'program'}_more"),
        formatter_class=Formatter,
        add_help=False,
        allow_abbrev=False,
        exit_on_error=False,
    )


def _add_options(parser: argparse.ArgumentParser, options: Sequence[Option], words: Translator) -> None:
    group = parser.add_argument_group(words.text("cli.help.options"))
    for option in options:
        key = option.name.replace("-", "_")
        names = ["-h", "--help"] if option.name == "help" else [f"--{option.name}"]
        says = words.text(f"cli.help.{option.help or key}", formats=", ".join(f".{name}" for name in option.formats))
        if not option.value:
            group.add_argument(*names, action="store_true", default=None, help=says)
            continue
        value = option.value if "|" in option.value else words.text(f"cli.help.{option.value}")
        action = "append" if option.is_list else "store"
        group.add_argument(*names, dest=option.field or key, metavar=value, type=option.check, action=action, help=says)
