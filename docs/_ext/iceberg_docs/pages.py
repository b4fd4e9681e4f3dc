"""The parts of the reference that are generated: each function returns MyST Markdown in one language."""

from __future__ import annotations

import re

import iceberg
from iceberg.cli.arguments.options import build_parsers
from iceberg.environment import VARIABLES
from iceberg.ingest.rules.rules import LINE_RULES, RULES
from iceberg.installation import HOME
from iceberg.locale import Translator, load_messages

# Where the sentences of each kind of error stand, and the class that carries them.
ERRORS = {"IcebergError": "errors", "UsageError": "cli.problems", "NotifyError": "notify.errors", "StoreError": "store.errors"}


def plain(text: str) -> str:
    """A sentence of the product as Markdown that shows it as it is, what a value will fill as code."""
    escaped = re.sub(r"([\\`*_\[\]<>|~$#&])", r"\\\1", text.replace("\n", " "))
    return re.sub(r"\{(?:\w|\\_)+\}", lambda found: f"`{found[0]}`".replace("\\", ""), escaped)


def _entry(term: str, meaning: str) -> str:
    return f"{term}\n: {meaning}\n"


def describe_commands(language: str) -> str:
    """Every command with its arguments and options, from the parser that the command line uses."""
    words = Translator(language)
    main, commands = build_parsers(words)
    parts = []
    for name, parser in {"iceberg": main, **commands}.items():
        parts += [f"## {name}\n", f"{plain(parser.description or '')}\n"]
        arguments = [action for action in parser._actions if not action.option_strings]
        options = [action for action in parser._actions if action.option_strings]
        for action in arguments + options:
            named = ", ".join(action.option_strings) or str(action.metavar)
            value = f" {action.metavar}" if action.option_strings and action.nargs != 0 else ""
            parts.append(_entry(f"`{named}{value}`", plain(action.help or "")))
        parts.append(f"{plain(parser.epilog or '')}\n")
    return "\n".join(parts)


def describe_rules(language: str) -> str:
    """Every row rule by table: its id, its name, the fields it looks at, what becomes of the row, and what to do about it."""
    words = Translator(language)
    parts = []
    for table in dict.fromkeys(rule.table for rule in RULES):
        parts.append(f"## {plain(words.text(f'ingest.tables.{table}'))} (`{table}`)\n")
        of_table = [rule for rule in RULES if rule.table == table]
        for key in dict.fromkeys((rule.id, rule.outcome) for rule in of_table):
            fields = [f"`{rule.field}`" for rule in of_table if (rule.id, rule.outcome) == key and rule.field]
            parts.append(_rule(*key, words, fields))
    parts.append("## CSV\n")
    parts += [_rule(rule_id, "reject" if rejects else "flag", words, []) for rule_id, rejects in LINE_RULES.items()]
    return "\n".join(parts)


def _rule(rule_id: str, outcome: str, words: Translator, fields: list[str]) -> str:
    name, says, remedy = (plain(words.text(f"ingest.rules.{rule_id}.{part}")) for part in ("name", "says", "remedy"))
    where = f" ({', '.join(fields)})" if fields else ""
    return _entry(f"`{rule_id}`{where}", f"**{name}**, *{plain(words.text(f'ingest.outcomes.{outcome}'))}*. {says} → {remedy}")


def describe_errors(language: str) -> str:
    """Every error code with its sentence, by the class of the error."""
    parts = []
    for kind, prefix in ERRORS.items():
        parts.append(f"## {kind}\n")
        for key, sentence in load_messages(language).items():
            if key.startswith(f"{prefix}."):
                parts.append(_entry(f"`{key.removeprefix(f'{prefix}.')}`", plain(sentence)))
    return "\n".join(parts)


def describe_variables() -> str:
    """Every environment variable with its meaning and its default."""
    rows = [f"| `{one.name}` | {one.meaning} | {f'`{one.default}`' if one.default else ''} |" for one in VARIABLES]
    return "\n".join(["| variable | meaning | default |", "|---|---|---|", *rows]) + "\n"


def describe_settings() -> str:
    """Every setting of the server in ``.streamlit/config.toml`` with its value, and why it is so where the file says it."""
    text = (HOME / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    rows, section = [], ""
    for line in text.splitlines():
        if opened := re.fullmatch(r"\[([\w.]+)\]", line.strip()):
            section = opened[1]
        elif (setting := re.match(r"(\w+) = (.+?)\s*(?:  # (.*))?$", line)) and not section.startswith("theme"):
            rows.append(f"| `{section}.{setting[1]}` | `{setting[2]}` | {plain(setting[3] or '')} |")
    return "\n".join(["| setting | value | why |", "|---|---|---|", *rows]) + "\n"


def describe_api() -> str:
    """A directive of autodoc for every name of `iceberg.__all__`: functions, classes, errors, and what is none of these."""
    kinds: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": [], "Data": []}
    for name in iceberg.__all__:
        value = getattr(iceberg, name)
        if isinstance(value, type) and issubclass(value, Exception):
            kind, directive = "Errors", f".. autoexception:: iceberg.{name}\n   :members:"
        elif isinstance(value, type):
            kind, directive = "Classes", f".. autoclass:: iceberg.{name}\n   :members:"
        elif callable(value):
            kind, directive = "Functions", f".. autofunction:: iceberg.{name}"
        else:
            kind, directive = "Data", f".. py:data:: iceberg.{name}\n   :value: {value!r}"
        kinds[kind].append(f"```{{eval-rst}}\n{directive}\n```\n")
    return "\n".join(f"## {kind}\n\n" + "\n".join(entries) for kind, entries in kinds.items())
