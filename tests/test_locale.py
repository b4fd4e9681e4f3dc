"""Both languages say the same things, and the code asks only for sentences that exist."""

import ast
import re
import string
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from iceberg.cli.text import build_table
from iceberg.locale import LANGUAGES, Translator, load_messages, visible
from iceberg.report.files.formula_guard import plain_text
from iceberg.report.tables.written import display_table

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "iceberg" / "locale"
DOMAINS = sorted(path.stem for path in (LOCALE / "en").glob("*.toml"))

# Sentences that are rightly the same in both languages: proper names, symbols, words that French shares.
SAME_IN_BOTH = re.compile(r"[\W\d_]*|.*\{[a-z_]+\}\W*|[A-Z0-9_./:#-]+", re.DOTALL)
SHARED_WORDS = {
    "cli.help.options", "cli.help.date", "ui.studies.versions_one", "ui.studies.versions_other", "ui.upload.count_segments_one",
    "ui.upload.count_segments_other",
}  # fmt: skip
# English words that no French sentence of ours needs, outside of code, quotations and option names.
ENGLISH = re.compile(
    r"\b(the|and|with|which|your|their|customers?|complaints?|churned|left|what|when|without|leavers|departures|choose|click|upload)\b",
    re.IGNORECASE,
)
CODE_IN_A_SENTENCE = re.compile(
    r"\{[a-z_]+\}|`[^`]*`|«[^»]*»|\"[^\"]*\"|--[a-z-]+|\([^)]*\b(?:19|20)\d\d[^)]*\)"
    r"|[\w./-]+\.(?:csv|json|toml|py|xlsx|md)|python -m iceberg \w+|https?://\S+|\[[a-z_.]+\]|\b[a-z_]+ = "
)


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("domain", DOMAINS)
def test_every_domain_is_valid_toml_in_both_languages(language: str, domain: str) -> None:
    path = LOCALE / language / f"{domain}.toml"
    assert tomllib.loads(path.read_text(encoding="utf-8")), f"{path} is empty"


def test_both_languages_have_the_same_files() -> None:
    assert {path.name for path in (LOCALE / "en").iterdir()} == {path.name for path in (LOCALE / "fr").iterdir()}


def test_both_languages_have_the_same_keys() -> None:
    english, french = load_messages("en"), load_messages("fr")
    assert sorted(english.keys() ^ french.keys()) == []


def test_a_sentence_names_the_same_values_in_both_languages() -> None:
    english, french = load_messages("en"), load_messages("fr")
    differing = {
        key: (placeholders(english[key]), placeholders(french[key]))
        for key in english.keys() & french.keys()
        # "one" may leave the count out: "a complaint" needs no number.
        if (placeholders(english[key]) ^ placeholders(french[key])) - ({"count"} if key.endswith("_one") else set())
    }
    assert differing == {}


def test_no_sentence_is_empty() -> None:
    assert [
        key for language in LANGUAGES for key, sentence in load_messages(language).items() if not sentence.strip()
    ] == []


def test_no_english_sentence_was_left_in_the_french_files() -> None:
    """One shared word is no suspicion; a listed key is rightly the same in both languages."""
    english, french = load_messages("en"), load_messages("fr")
    same = [
        key
        for key in sorted(english.keys() & french.keys())
        if english[key] == french[key]
        and " " in english[key].strip()
        and key not in SHARED_WORDS
        and not SAME_IN_BOTH.fullmatch(english[key])
    ]
    assert same == []


def test_french_sentences_hold_no_english_words() -> None:
    leftovers = {
        key: found.group(0)
        for key, sentence in load_messages("fr").items()
        if (found := ENGLISH.search(CODE_IN_A_SENTENCE.sub(" ", sentence)))
    }
    assert leftovers == {}


def test_french_uses_its_own_word_for_complaint_and_for_excess() -> None:
    """evidence.md: réclamation, not plainte; départs en excès, not surmortalité."""
    wrong = {
        key
        for key, sentence in load_messages("fr").items()
        if re.search(r"\bplaintes?\b|surmortalité|client vocal", sentence, re.IGNORECASE)
    }
    assert wrong == set()


COPIED = re.compile(r"`[^`\n]*`|\"[^\"\n]*\"")  # commands, options and lines of a mapping keep the spaces that are to be typed


def test_french_signs_never_begin_a_line() -> None:
    """Before : ; ! ? » % and €, and after «, stands a no-break space, wide or narrow; an ordinary one lets the sign fall on a line of its own."""
    ordinary = {
        key: found.group(0) for key, text in load_messages("fr").items() if (found := re.search(r".{0,20}(?: [:;!?»%€]|« )", COPIED.sub("", text)))
    }
    assert ordinary == {}
    missing = {
        key: found.group(0)
        for key, text in load_messages("fr").items()
        if (found := re.search(r".{0,20}(?:[^\W\d_][;!?»]|«\w)", re.sub(r"https?://\S+", "", COPIED.sub("", text))))
    }
    assert missing == {}


def literal_keys() -> set[tuple[str, str]]:
    """Every string literal in the package that reads as ``domain.key``, with the file it is in."""
    found = set()
    pattern = re.compile(rf"({'|'.join(DOMAINS)})(\.[a-z0-9_]+)+")
    for path in [*sorted((ROOT / "iceberg").rglob("*.py")), ROOT / "app.py"]:
        if not path.exists():
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name) and node.args
            name = getattr(node.func, "attr", getattr(node.func, "id", "")) if is_call else ""
            if is_call and name in {"text", "tr", "t", "say", "words", "_"}:
                argument = node.args[0]
                if (
                    isinstance(argument, ast.Constant)
                    and isinstance(argument.value, str)
                    and pattern.fullmatch(argument.value)
                ):
                    found.add((argument.value, path.relative_to(ROOT).as_posix()))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_the_code_asks_for_exists(language: str) -> None:
    messages = load_messages(language)
    missing = sorted(
        (key, path) for key, path in literal_keys() if key not in messages and f"{key}_other" not in messages
    )
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_the_code_raises_has_its_sentence(language: str) -> None:
    """``IcebergError("code", ...)`` and its children: the code must be a key of errors.toml."""
    messages = load_messages(language)
    raised = set()
    for path in sorted((ROOT / "iceberg").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                domain = {"UsageError": "cli.problems"}.get(node.func.id, "errors")
                if node.func.id in {
                    "UsageError",
                    "IcebergError",
                    "FileError",
                    "MappingError",
                    "OptionError",
                    "EvidenceError",
                }:
                    raised.add((f"{domain}.{node.args[0].value}", path.relative_to(ROOT).as_posix()))
    assert raised
    assert sorted((key, path) for key, path in raised if key not in messages) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_diagnostic_the_model_gives_has_its_sentences(language: str) -> None:
    messages = load_messages(language)
    codes = set()
    for path in sorted((ROOT / "iceberg" / "model").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Diagnostic":
                code = (
                    node.args[0]
                    if node.args
                    else next((entry.value for entry in node.keywords if entry.arg == "code"), None)
                )
                if isinstance(code, ast.Constant):
                    codes.add(code.value)
    assert codes
    assert (
        sorted(
            code
            for code in codes
            if f"diagnostics.{code}.says" not in messages or f"diagnostics.{code}.do" not in messages
        )
        == []
    )


def test_counts_choose_the_plural_of_the_language() -> None:
    """French counts zero as singular, English as plural; every pair is complete."""
    for language in LANGUAGES:
        messages = load_messages(language)
        singles = {key.removesuffix("_one") for key in messages if key.endswith("_one")}
        assert {key for key in singles if f"{key}_other" not in messages} == set()
    assert Translator("fr").locale.plural_form(0) == "one"
    assert Translator("en").locale.plural_form(0) == "other"


def test_a_number_is_written_the_same_whatever_was_written_before() -> None:
    """What was written is kept; zero and minus zero are equal, and so are 1 and 1.0."""
    words = Translator("fr")
    assert [words.decimal(-0.0), words.decimal(0.0), words.percent(-0.0)] == ["0", "0", "0\N{NO-BREAK SPACE}%"]
    assert words.decimal(1) == words.decimal(1.0) == "1"
    assert (words.decimal(0.25), Translator("en").decimal(0.25)) == ("0,25", "0.25")


def test_characters_that_cannot_be_seen_but_change_what_is_read_are_named() -> None:
    """A name with a mark that turns the direction of what follows would show as another name."""
    assert visible("invoice\u202egpj.exe \x1b[31m") == "invoice[U+202E]gpj.exe [U+001B][31m"
    assert visible("مرحبا\u200dZürich 12\u202f345\u00a0€\n\t") == "مرحبا\u200dZürich 12\u202f345\u00a0€\n\t", "letters, joiners and spaces stay"
    words = Translator("en")
    assert words.format("a\u202eb") == "a[U+202E]b"
    assert words.format(("a\u2066", "b")) == "a[U+2066] or b"
    assert display_table(pd.DataFrame({"category": ["a\u202eb"]}), words).iloc[0, 0] == "a[U+202E]b"
    assert build_table(["x"], [["a\u202eb"]]).splitlines()[-1] == "a[U+202E]b"
    assert plain_text("a\u202eb") == "a[U+202E]b"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_remark_on_a_page_names_no_option_of_the_command_line(language: str) -> None:
    """A person with a mouse has buttons; the command line and the JSON document keep the options."""
    actions = {key: text for key, text in load_messages(language).items() if key.startswith("diagnostics.") and key.endswith((".do", ".do_here"))}
    shown = {key.rpartition(".")[0]: text for key, text in sorted(actions.items())}  # do_here, after do, takes its place
    assert [text for text in shown.values() if "--" in text or "merge_categories" in text] == []
