"""Owns what can be typed after ``python -m iceberg``: commands, options, their checks and their help."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from iceberg.cli.option_types import (
    UsageError,
    check_comparison,
    check_date,
    check_engine,
    check_language,
    check_period,
    check_ratio,
    check_report,
    check_version,
    check_whole,
    choose_language,
    without_leading_language,
)
from iceberg.ingest.schema import TABLE_OF_OPTION
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import FOLK_RATIO
from iceberg.report.files.formats import COMPARISON_FORMATS, FORMATS
from iceberg.version import __version__

__all__ = ["ACTIONS", "COMMANDS", "INPUTS", "STANDARD_INPUT", "Options", "UsageError", "build_parsers", "choose_language", "parse_options"]

COMMANDS = ("demo", "check", "estimate", "publish", "studies", "compare", "dashboard")
ACTIONS = ("list", "show", "delete", "export", "retain", "audit")
STANDARD_INPUT = "-"
INPUTS = tuple(TABLE_OF_OPTION)
_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Options:
    """What was typed, checked. Fields that a command does not know keep their defaults.

    Attributes:
        command: One of `COMMANDS`, or ``"help"`` and ``"version"``, which need only `text`.
        text: What ``help`` and ``version`` print.
        files: Files to check.
        out: Directory of the sample company, or file of an export.
        action, study, version, days, for_ever, yes: What ``studies`` is to do.
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
    since: date | None = None
    as_of: date | None = None
    ratio: float = FOLK_RATIO
    horizon_days: int = 180
    seed: int = 0
    mapping: Path | None = None
    json: Path | None = None
    reports: tuple[Path, ...] = ()
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
    title: str = ""
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
        """By table, what was named as its source."""
        named = {table: getattr(self, option) for option, table in TABLE_OF_OPTION.items()}
        return {table: source for table, source in named.items() if source is not None}


def parse_options(arguments: Sequence[str]) -> Options:
    """What was typed, as `Options`.

    Raises:
        UsageError: When it cannot be understood; the message says what to type instead.
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
    given = {key: value for key, value in vars(typed).items() if value is not None and key != "lang"}
    given["reports"] = tuple(given.pop("report", ()))
    given["periods"] = tuple(given.pop("period", ()))
    given["compared"] = tuple(given.pop("compared", ()))
    options = Options(command, language, **given)
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
    """Combinations that no single option can judge."""
    if options.command == "check" and not options.files:
        raise UsageError("check_needs_files")
    _check_engine_of([*options.files, *options.given.values()], options)
    if options.command == "demo" and options.out is None:
        raise UsageError("demo_needs_out")
    if options.command == "studies" and options.action not in ACTIONS:
        raise UsageError("action_unknown", {"value": options.action, "actions": " ".join(ACTIONS)})
    if options.command == "compare" and options.compared:
        _check_studies(options)
        return
    if options.command == "compare" and len(options.periods) != 2:
        raise UsageError("two_periods")
    if options.command in ("estimate", "publish", "compare"):
        _check_estimate(options)


def _check_studies(options: Options) -> None:
    """What is published was estimated already: nothing that moves an estimate goes with it."""
    unset = Options("compare", options.language)
    kept = {"command", "language", "compared", "category", "store", "author", "json", "reports", "quiet"}
    for name in (field.name for field in fields(Options) if field.name not in kept):
        if getattr(options, name) != getattr(unset, name):
            raise UsageError("studies_or_files", {"option": "--" + {"periods": "period"}.get(name, name).replace("_", "-")})
    if len(options.compared) != 2:
        raise UsageError("two_studies")
    _check_outputs([path for path in (options.json, *options.reports) if path is not None], ())


def _check_engine_of(sources: Sequence[str], options: Options) -> None:
    """What is only for Spark is no file that is missing."""
    named = next((source for source in sources if source.startswith("spark:")), "--spark-url" if options.spark_url is not None else None)
    if named is not None and options.engine != "spark":
        raise UsageError("spark_only", {"option": named})


def _check_estimate(options: Options) -> None:
    put_together = options.subscriptions or options.activity  # customers can be put together from these
    if options.customers is None and not put_together and options.events is not None:
        raise UsageError("events_need_customers")
    if options.customers is None and options.complaints is None and options.volumes is None and not put_together:
        raise UsageError("customers_missing")
    if options.complaints is not None and options.volumes is not None:
        raise UsageError("complaints_or_volumes")
    if options.incidents is not None and ((options.customers is None and not put_together) or options.complaints is None):
        raise UsageError("incidents_need_both")
    if options.inactivity_days is not None and options.activity is None:
        raise UsageError("days_need_table", {"option": "--inactivity-days", "table": "--activity"})
    if options.gap_days is not None and options.subscriptions is None:
        raise UsageError("days_need_table", {"option": "--gap-days", "table": "--subscriptions"})
    _check_window(options)
    inputs = [*options.given.values()]
    if inputs.count(STANDARD_INPUT) > 1:
        raise UsageError("one_standard_input")
    _check_outputs([path for path in (options.json, *options.reports) if path is not None], inputs)


def _check_outputs(paths: Sequence[Path], inputs: Sequence[str]) -> None:
    for path in paths:
        _check_output(path, inputs)
    if len({path.resolve() for path in paths}) < len(paths):
        raise UsageError("output_twice", {"file": str(paths[-1])})


def _check_window(options: Options) -> None:
    if options.window_months is not None and options.since is not None:
        raise UsageError("window_twice")
    if options.since is not None and options.as_of is not None and options.since > options.as_of:
        raise UsageError("window_reversed", {"since": options.since, "as_of": options.as_of})


def _check_output(path: Path, inputs: Sequence[str]) -> None:
    """Says before the work, not after it, that the result could not be written."""
    if str(path) == STANDARD_INPUT or path.is_dir():
        raise UsageError("json_is_no_file", {"file": str(path)})
    if not path.resolve().parent.is_dir():
        raise UsageError("json_no_folder", {"file": str(path), "folder": str(path.parent)})
    for source in inputs:
        if Path(source.partition("#")[0]).resolve() == path.resolve():
            raise UsageError("json_over_input", {"file": str(path)})


class _Parser(argparse.ArgumentParser):
    """argparse that hands problems back instead of printing them in English and exiting."""

    def error(self, message: str) -> NoReturn:
        """A problem that argparse words itself; none is known to come this way."""
        raise UsageError("other", {"message": message})


def build_parsers(words: Translator) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the program, which only serves its help, and the parser of each command; their help is in the language of `words`."""
    class Formatter(argparse.HelpFormatter):
        def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:  # noqa: ANN401
            super().add_usage(usage, actions, groups, prefix or words.text("cli.help.usage"))

        def _split_lines(self, text: str, width: int) -> list[str]:
            return textwrap.wrap(text, width, break_on_hyphens=False)  # --as-of stays in one piece

        def _fill_text(self, text: str, width: int, indent: str) -> str:
            return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)

    def build(command: str | None) -> argparse.ArgumentParser:
        return _Parser(
            prog="python -m iceberg" + (f" {command}" if command else ""),
            description=words.text(f"cli.help.{command or 'program'}"),
            epilog=words.text(f"cli.help.{command or 'program'}_more"),
            formatter_class=Formatter,
            add_help=False,
            allow_abbrev=False,
            exit_on_error=False,
        )

    main = build(None)
    main.add_argument("command", metavar="|".join(COMMANDS), help=words.text("cli.help.command"))
    group = main.add_argument_group(words.text("cli.help.options"))
    group.add_argument("--version", action="store_true", help=words.text("cli.help.version"))
    _add_common(group, words)
    commands = {name: build(name) for name in COMMANDS}
    main._positionals.title = words.text("cli.help.commands")  # argparse has no public name for it
    for name, add in (
        ("demo", _add_demo),
        ("check", _add_check),
        ("estimate", _add_estimate),
        ("publish", _add_publish),
        ("studies", _add_studies),
        ("compare", _add_compare),
        ("dashboard", _add_dashboard),
    ):
        commands[name]._positionals.title = words.text("cli.help.files_group")
        group = commands[name].add_argument_group(words.text("cli.help.options"))
        add(commands[name], group, words)
        _add_common(group, words)
    return main, commands


Group = argparse._ArgumentGroup


def _add_common(group: Group, words: Translator) -> None:
    group.add_argument("--lang", metavar="|".join(LANGUAGES), type=check_language, help=words.text("cli.help.lang"))
    group.add_argument("-h", "--help", action="store_true", default=None, help=words.text("cli.help.help"))


def _add_demo(parser: argparse.ArgumentParser, group: Group, words: Translator) -> None:
    group.add_argument("--out", metavar=words.text("cli.help.folder"), type=Path, help=words.text("cli.help.out"))


def _add_dashboard(parser: argparse.ArgumentParser, group: Group, words: Translator) -> None:
    group.add_argument("--port", metavar=words.text("cli.help.number"), type=check_whole("--port", 1, 65_535), help=words.text("cli.help.port"))


def _add_check(parser: argparse.ArgumentParser, group: Group, words: Translator) -> None:
    file = words.text("cli.help.file")
    parser.add_argument("files", metavar=file, nargs="*", help=words.text("cli.help.files"))
    group.add_argument("--mapping", metavar=file, type=Path, help=words.text("cli.help.mapping"))
    _add_resources(group, words)
    _add_engine(group, words)


def _add_engine(group: Group, words: Translator) -> None:
    group.add_argument("--engine", metavar="duckdb|spark", type=check_engine, help=words.text("cli.help.engine"))
    group.add_argument("--spark-url", metavar=words.text("cli.help.address"), help=words.text("cli.help.spark_url"))


def _add_resources(group: Group, words: Translator) -> None:
    group.add_argument("--memory-limit", metavar=words.text("cli.help.size"), help=words.text("cli.help.memory_limit"))
    group.add_argument("--temp-dir", metavar=words.text("cli.help.folder"), type=Path, help=words.text("cli.help.temp_dir"))


def _add_estimate(parser: argparse.ArgumentParser, group: Group, words: Translator, *, reports: bool = True) -> None:
    file, day = words.text("cli.help.file"), words.text("cli.help.date")
    number = words.text("cli.help.number")

    def add(name: str, metavar: str, check: Callable[[str], object] = str) -> None:
        key = name.removeprefix("--").replace("-", "_")
        group.add_argument(name, metavar=metavar, type=check, help=words.text(f"cli.help.{key}"))

    for option in INPUTS:
        add(f"--{option}", file)
    add("--inactivity-days", number, check_whole("--inactivity-days", 1, 3650))
    add("--gap-days", number, check_whole("--gap-days", 0, 3650))
    add("--since", day, check_date("--since"))
    add("--as-of", day, check_date("--as-of"))
    add("--ratio", number, check_ratio)
    add("--horizon-days", number, check_whole("--horizon-days", 1, 730))
    add("--window-months", number, check_whole("--window-months", 1, 120))
    group.add_argument("--keep-months", action="store_true", default=None, help=words.text("cli.help.keep_months"))
    add("--seed", number, check_whole("--seed", 0, _LARGEST_SEED))
    add("--mapping", file, Path)
    add("--json", file, Path)
    _add_resources(group, words)
    _add_engine(group, words)
    group.add_argument("--quiet", action="store_true", default=None, help=words.text("cli.help.quiet"))
    if not reports:
        return
    group.add_argument(
        "--report",
        metavar=words.text("cli.help.report_file"),
        type=check_report,
        action="append",
        help=words.text("cli.help.report", formats=", ".join(f".{name}" for name in FORMATS)),
    )


def _add_compare(parser: argparse.ArgumentParser, group: Group, words: Translator) -> None:
    """What ``estimate`` takes but for its reports, and what is compared."""
    period = words.text("cli.help.period_value")
    group.add_argument("--period", metavar=period, type=check_period, action="append", help=words.text("cli.help.period"))
    group.add_argument("--category", metavar=words.text("cli.help.text"), help=words.text("cli.help.category"))
    group.add_argument("--apart", action="store_true", default=None, help=words.text("cli.help.apart"))
    study, formats = words.text("cli.help.study_id"), ", ".join(f".{name}" for name in COMPARISON_FORMATS)
    group.add_argument("--study", metavar=study, type=check_version, action="append", dest="compared", help=words.text("cli.help.compared"))
    _add_estimate(parser, group, words, reports=False)
    report = words.text("cli.help.comparison_report", formats=formats)
    group.add_argument("--report", metavar=words.text("cli.help.report_file"), type=check_comparison, action="append", help=report)
    _add_store(group, words)


def _add_publish(parser: argparse.ArgumentParser, group: Group, words: Translator) -> None:
    """What ``estimate`` takes, and what the study is called, who publishes it and where."""
    _add_estimate(parser, group, words)
    group.add_argument("--title", metavar=words.text("cli.help.text"), help=words.text("cli.help.title"))
    _add_store(group, words)


def _add_studies(parser: argparse.ArgumentParser, group: Group, words: Translator) -> None:
    parser.add_argument("action", metavar="|".join(ACTIONS), nargs="?", help=words.text("cli.help.action"))
    parser.add_argument("study", metavar=words.text("cli.help.study_id"), nargs="?", help=words.text("cli.help.study"))
    number, file = words.text("cli.help.number"), words.text("cli.help.file")
    group.add_argument("--version", metavar=number, type=check_whole("--version", 1, 10**9), help=words.text("cli.help.study_version"))
    group.add_argument("--out", metavar=file, type=Path, help=words.text("cli.help.export_out"))
    group.add_argument("--days", metavar=number, type=check_whole("--days", 1, 36_500), help=words.text("cli.help.days"))
    group.add_argument("--for-ever", action="store_true", default=None, help=words.text("cli.help.for_ever"))
    group.add_argument("--yes", action="store_true", default=None, help=words.text("cli.help.yes"))
    _add_store(group, words)


def _add_store(group: Group, words: Translator) -> None:
    group.add_argument("--store", metavar=words.text("cli.help.store_address"), help=words.text("cli.help.store"))
    group.add_argument("--author", metavar=words.text("cli.help.text"), help=words.text("cli.help.author"))
