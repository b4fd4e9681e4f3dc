"""Owns what can be typed after ``python -m iceberg``: commands, options, their checks and their help."""

from __future__ import annotations

import argparse
import math
import os
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import iceberg
from iceberg.errors import OptionError
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import FOLK_RATIO

COMMANDS = ("demo", "check", "estimate")
STANDARD_INPUT = "-"
INPUTS = ("customers", "complaints", "volumes", "incidents", "survey", "subscriptions", "events", "activity")
# Extensions of `iceberg.report.files.FORMATS` (a test compares them): help must not load the report.
REPORT_FORMATS = ("pdf", "pptx", "xlsx", "csv", "html", "json", "png", "svg")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LARGEST_SEED = 2**63 - 1


class UsageError(OptionError):
    """An option that cannot be honoured; its sentence is ``cli.problems.<code>``."""

    def message(self, language: str = "en") -> str:
        """The sentence: what is wrong and what to type instead."""
        return Translator(language).text(f"cli.problems.{self.code}", **self.values)


@dataclass(frozen=True)
class Options:
    """What was typed, checked. Fields that a command does not know keep their defaults.

    Attributes:
        command: ``"demo"``, ``"check"``, ``"estimate"`` or ``"help"`` and ``"version"``, which need only `text`.
        text: What ``help`` and ``version`` print.
        files: Files to check.
        out: Directory of the sample company.
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


def choose_language(arguments: Sequence[str], environment: dict[str, str] | os._Environ[str] = os.environ) -> str:
    """The language of ``--lang``, else of the environment (LC_ALL, LC_MESSAGES, LANG), else English.

    It is needed before anything is parsed, because help and complaints about the arguments are sentences too.
    """
    typed = ""
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--lang" and position + 1 < len(arguments):
            typed = arguments[position + 1]
        elif argument.startswith("--lang="):
            typed = argument.removeprefix("--lang=")
    if typed in LANGUAGES:
        return typed
    wished = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return next((language for language in LANGUAGES if wished.lower().startswith(language)), "en")


def parse_options(arguments: Sequence[str]) -> Options:
    """What was typed, as `Options`.

    Raises:
        UsageError: When it cannot be understood; the message says what to type instead.
    """
    language = choose_language(arguments)
    words = Translator(language)
    main, commands = _build_parsers(words)
    arguments = _without_leading_language(arguments)
    if "--version" in arguments:
        return Options("version", language, text=f"iceberg {iceberg.__version__}\n")
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
    options = Options(command, language, **given)
    _check_together(options)
    return options


def _without_leading_language(arguments: Sequence[str]) -> Sequence[str]:
    """``--lang fr estimate ...`` means ``estimate --lang fr ...``."""
    while arguments and arguments[0].partition("=")[0] == "--lang":
        if "=" not in arguments[0] and len(arguments) == 1:
            raise UsageError("option_needs_value", {"option": "--lang"})
        value, rest = (arguments[0].partition("=")[2], 1) if "=" in arguments[0] else (arguments[1], 2)
        _language(value)
        arguments = arguments[rest:]
    return arguments


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
    if options.command == "demo" and options.out is None:
        raise UsageError("demo_needs_out")
    if options.command != "estimate":
        return
    put_together = options.subscriptions or options.activity  # customers can be put together from these
    if options.customers is None and not put_together and options.events is not None:
        raise UsageError("events_need_customers")
    if options.customers is None and options.volumes is None and not put_together:
        raise UsageError("customers_missing")
    if options.complaints is not None and options.volumes is not None:
        raise UsageError("complaints_or_volumes")
    if options.incidents is not None and ((options.customers is None and not put_together) or options.complaints is None):
        raise UsageError("incidents_need_both")
    if options.inactivity_days is not None and options.activity is None:
        raise UsageError("days_need_table", {"option": "--inactivity-days", "table": "--activity"})
    if options.gap_days is not None and options.subscriptions is None:
        raise UsageError("days_need_table", {"option": "--gap-days", "table": "--subscriptions"})
    given = [getattr(options, table) for table in INPUTS]
    inputs = [source for source in given if source is not None]
    if inputs.count(STANDARD_INPUT) > 1:
        raise UsageError("one_standard_input")
    if options.since is not None and options.as_of is not None and options.since > options.as_of:
        raise UsageError("window_reversed", {"since": options.since, "as_of": options.as_of})
    _check_outputs([path for path in (options.json, *options.reports) if path is not None], inputs)


def _check_outputs(paths: Sequence[Path], inputs: Sequence[str]) -> None:
    for path in paths:
        _check_output(path, inputs)
    if len({path.resolve() for path in paths}) < len(paths):
        raise UsageError("output_twice", {"file": str(paths[-1])})


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


def _build_parsers(words: Translator) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
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
    for name, add in (("demo", _add_demo), ("check", _add_check), ("estimate", _add_estimate)):
        commands[name]._positionals.title = words.text("cli.help.files_group")
        group = commands[name].add_argument_group(words.text("cli.help.options"))
        add(commands[name], group, words)
        _add_common(group, words)
    return main, commands


Group = argparse._ArgumentGroup


def _add_common(group: Group, words: Translator) -> None:
    group.add_argument("--lang", metavar="en|fr", type=_language, help=words.text("cli.help.lang"))
    group.add_argument("-h", "--help", action="store_true", default=None, help=words.text("cli.help.help"))


def _add_demo(parser: argparse.ArgumentParser, group: Group, words: Translator) -> None:
    group.add_argument("--out", metavar=words.text("cli.help.folder"), type=Path, help=words.text("cli.help.out"))


def _add_check(parser: argparse.ArgumentParser, group: Group, words: Translator) -> None:
    file = words.text("cli.help.file")
    parser.add_argument("files", metavar=file, nargs="*", help=words.text("cli.help.files"))
    group.add_argument("--mapping", metavar=file, type=Path, help=words.text("cli.help.mapping"))


def _add_estimate(parser: argparse.ArgumentParser, group: Group, words: Translator) -> None:
    file, day = words.text("cli.help.file"), words.text("cli.help.date")
    number = words.text("cli.help.number")

    def add(name: str, metavar: str, check: Callable[[str], object] = str) -> None:
        key = name.removeprefix("--").replace("-", "_")
        group.add_argument(name, metavar=metavar, type=check, help=words.text(f"cli.help.{key}"))

    add("--customers", file)
    add("--complaints", file)
    add("--volumes", file)
    add("--incidents", file)
    add("--survey", file)
    add("--subscriptions", file)
    add("--events", file)
    add("--activity", file)
    add("--inactivity-days", number, _whole_number("--inactivity-days", 1, 3650))
    add("--gap-days", number, _whole_number("--gap-days", 0, 3650))
    add("--since", day, _iso_date("--since"))
    add("--as-of", day, _iso_date("--as-of"))
    add("--ratio", number, _positive_number)
    add("--horizon-days", number, _whole_number("--horizon-days", 1, 730))
    add("--seed", number, _whole_number("--seed", 0, _LARGEST_SEED))
    add("--mapping", file, Path)
    add("--json", file, Path)
    group.add_argument(
        "--report",
        metavar=words.text("cli.help.report_file"),
        type=_report_file,
        action="append",
        help=words.text("cli.help.report", formats=", ".join(f".{name}" for name in REPORT_FORMATS)),
    )
    group.add_argument("--quiet", action="store_true", default=None, help=words.text("cli.help.quiet"))


# argparse swallows ValueError and its kin; an IcebergError goes through it untouched, with its own sentence.


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise UsageError("language_unknown", {"value": text})
    return text


def _iso_date(option: str) -> Callable[[str], date]:
    def check(text: str) -> date:
        try:
            if _ISO_DATE.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        raise UsageError("date_not_iso", {"option": option, "value": text})

    return check


def _report_file(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower().removeprefix(".") not in REPORT_FORMATS:
        raise UsageError("report_unknown", {"file": text, "formats": ", ".join(f".{name}" for name in REPORT_FORMATS)})
    return path


def _positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise UsageError("ratio_not_positive", {"value": text})
    return number


def _whole_number(option: str, smallest: int, largest: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        # No underscores, signs or exotic digits: what is typed is what is meant.
        if re.fullmatch(r"[0-9]{1,19}", text) and smallest <= int(text) <= largest:
            return int(text)
        raise UsageError(
            "number_out_of_range", {"option": option, "value": text, "smallest": str(smallest), "largest": str(largest)}
        )

    return check
