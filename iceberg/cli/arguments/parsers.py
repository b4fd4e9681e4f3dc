"""The parsers of the program and of each command, and their help in the language of the user."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn

from iceberg.cli.arguments.commands import COMMANDS, COMMON, OPTIONS_OF
from iceberg.cli.arguments.option_types import Option, UsageError
from iceberg.locale import Translator

ACTIONS = ("list", "show", "delete", "export", "import", "retain", "audit", "rollback")


class _Parser(argparse.ArgumentParser):
    """A parser that raises an error where argparse would print it in English and exit."""

    def error(self, message: str) -> NoReturn:
        """Raise an error that has only the sentence of argparse; none is known to come this way."""
        raise UsageError("other", {"message": message})


def build_parsers(words: Translator) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Build the parser of the program, used only for its help, and one parser per command; their help is in the language of `words`."""
    main = _build_parser(None, words)
    main.add_argument("command", metavar="|".join(COMMANDS), help=words.text("cli.help.command"))
    main._positionals.title = words.text("cli.help.commands")  # argparse has no public name for it
    _add_options(main, (Option("version"), *COMMON), words)
    commands = {}
    for name, options in OPTIONS_OF.items():
        parser = commands[name] = _build_parser(name, words)
        parser._positionals.title = words.text("cli.help.files_group")
        if name == "check":
            parser.add_argument("files", metavar=words.text("cli.help.file"), nargs="*", help=words.text("cli.help.files"))
        if name == "studies":
            parser.add_argument("action", metavar="|".join(ACTIONS), nargs="?", help=words.text("cli.help.action"))
            parser.add_argument("study", metavar=words.text("cli.help.study_id"), nargs="?", help=words.text("cli.help.study"))
        _add_options(parser, (*options, *COMMON), words)
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
            group.add_argument(*names, dest=option.field or key, action="store_true", default=None, help=says)
            continue
        value = option.value if "|" in option.value else words.text(f"cli.help.{option.value}")
        action = "append" if option.is_list else "store"
        group.add_argument(*names, dest=option.field or key, metavar=value, type=option.check, action=action, help=says)
