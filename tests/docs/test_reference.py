"""The reference: its generated parts hold everything that the code has, its tables by hand name what the code knows."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from iceberg_docs import GENERATORS, MARK, ROOT, fill, link_outside, pages

import iceberg
from iceberg.cli.arguments.commands import COMMANDS
from iceberg.cli.arguments.options import parse_options
from iceberg.cohort.reduce import with_controls
from iceberg.ingest.joining.links import POINTED_AT, LinkChoice
from iceberg.ingest.joining.options import CHOICES, ID_STEPS, PREFIX_STEP, Joining
from iceberg.ingest.rules.rules import LINE_RULES, RULES
from iceberg.ingest.schema import EXTRA_FIELDS, FIELDS, REQUIRED
from iceberg.ingest.values.dates import DATE_FORMATS
from iceberg.locale import LANGUAGES, Translator, load_messages
from iceberg.report.export import build_document, document_to_json

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
TYPES = {"integer": int, "number": (int, float), "text": str, "list": list, "interval": dict, "boolean": bool, "object": dict}


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def rows_of(text: str) -> list[list[str]]:
    """Cells of the tables of a page, without their headers."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("| `")]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("page", ["commands", "rules", "errors"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_page(page: str, language: str) -> None:
    path = REFERENCE / (f"{page}.md" if language == "en" else f"{page}.{language}.md")
    assert f"% generated: {page} {language}\n" in path.read_text(encoding="utf-8")
    assert path.stem in section(f"## x\n{(REFERENCE / 'index.md').read_text(encoding='utf-8')}", "x").split()


def test_every_mark_of_a_page_is_known() -> None:
    marks = [mark for path in DOCS.rglob("*.md") for mark in MARK.findall(path.read_text(encoding="utf-8"))]
    assert {name for name, _ in marks} == set(GENERATORS)
    assert "% generated" not in fill("% generated: rules en\n")
    with pytest.raises(KeyError):
        fill("% generated: nothing\n")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_of_the_commands_has_every_option_of_their_help(command: str, language: str) -> None:
    shown = section(pages.describe_commands(language), command)
    typed = parse_options([command, "--help", "--lang", language]).text
    assert set(OPTION.findall(shown)) | {"-m"} == set(OPTION.findall(typed)) | {"-m"}  # python -m iceberg
    assert pages.plain(Translator(language).text(f"cli.help.{command}")) in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_the_rules_has_every_rule_with_its_sentences(language: str) -> None:
    text = pages.describe_rules(language)
    words = Translator(language)
    for table in {rule.table for rule in RULES}:
        of_table = section(text, f"{pages.plain(words.text(f'ingest.tables.{table}'))} (`{table}`)")
        listed = re.findall(r"^`(\w+)`", of_table, re.MULTILINE)
        assert set(listed) == {rule.id for rule in RULES if rule.table == table}
        assert len(listed) == len(set(listed))
    assert set(re.findall(r"^`(\w+)`", section(text, "CSV"), re.MULTILINE)) == set(LINE_RULES)
    for rule_id in {rule.id for rule in RULES} | set(LINE_RULES):
        assert all(pages.plain(words.text(f"ingest.rules.{rule_id}.{part}")) in text for part in ("name", "says", "remedy"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_the_errors_has_every_code(language: str) -> None:
    text = pages.describe_errors(language)
    for kind, prefix in pages.ERRORS.items():
        codes = {key.removeprefix(f"{prefix}.") for key in load_messages(language) if key.startswith(f"{prefix}.")}
        codes = {code for code in codes if not code.startswith("page.")}  # the same errors in the words of the page
        assert set(re.findall(r"^`(\w+)`$", section(text, kind), re.MULTILINE)) == codes
        assert len(codes) > 15


def test_a_sentence_is_shown_as_it_is() -> None:
    assert pages.plain('{file_name}: "*" in [a_b] <c> costs $2 | {x}%') == '`{file_name}`: "\\*" in \\[a\\_b\\] \\<c\\> costs \\$2 \\| `{x}`%'


def test_the_page_of_the_api_has_every_public_name() -> None:
    listed = re.findall(r"^\.\. [\w:]+:: iceberg\.(\w+)$", pages.describe_api(), re.MULTILINE)
    assert sorted(listed) == sorted(iceberg.__all__)


def test_every_public_name_says_what_it_is() -> None:
    values = [getattr(iceberg, name) for name in iceberg.__all__ if name != "__version__"]
    assert [value for value in values if not value.__doc__ or value.__doc__.startswith(f"{value.__name__}(")] == []


def test_a_link_to_a_file_beside_the_documentation_is_a_download(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "how-to").mkdir(parents=True)
    for name in ("README.md", "docs/index.md"):
        (tmp_path / name).touch()
    text = "[a](../../README.md) [b](../index.md) [c](../../nothing.md) [d](https://example.org/x.md)"
    assert link_outside(text, docs / "how-to", docs) == text.replace("(../../README.md)", "(path:../../README.md)")


def mapping_page() -> str:
    return (REFERENCE / "mapping.md").read_text(encoding="utf-8")


def test_the_example_of_a_mapping_can_be_read_back(tmp_path: Path) -> None:
    examples = re.findall(r"^```toml\n(.*?)^```$", mapping_page(), re.MULTILINE | re.DOTALL)
    assert examples
    for text in examples:
        path = tmp_path / "mapping.toml"
        path.write_text(text, encoding="utf-8")
        mapping = iceberg.MappingSet.load(path)
        assert mapping.to_dict() == tomllib.loads(text)
        assert tomllib.loads(mapping.to_toml()) == tomllib.loads(text)


def test_the_page_of_the_mapping_names_every_field_and_what_it_holds() -> None:
    shown = {}
    for table, cell in rows_of(section(mapping_page(), "Tables and their fields")):
        found = re.findall(r"(\*\*)?`(\w+)`(?:\*\*)? \((\w+)\)", cell)
        shown[names_in(table)[0]] = {name: kind for _, name, kind in found}
        assert {name for bold, name, _ in found if bold} == set(REQUIRED[names_in(table)[0]])
    assert shown == {table: {**FIELDS[table], **EXTRA_FIELDS.get(table, {})} for table in FIELDS}


def test_the_page_of_the_mapping_names_every_setting() -> None:
    rows = rows_of(section(mapping_page(), "Settings of a table"))
    settings = {field.name for field in fields(iceberg.ColumnMapping)} - {"table", "choices"} | {"columns"}
    assert sorted(names_in(row[0])[0] for row in rows) == sorted(settings)
    formats = next(row[2] for row in rows if row[0] == "`date_formats`")
    assert names_in(formats) == list(DATE_FORMATS)


def test_the_page_of_the_mapping_names_every_choice_of_joining_with_its_default_first() -> None:
    heading = "`[joining]`: how several tables become one"
    rows = {names_in(row[0])[0]: names_in(row[1]) for row in rows_of(section(mapping_page(), heading))}
    default = Joining()
    assert sorted(rows) == sorted(field.name for field in fields(Joining))
    for name, values in CHOICES.items():
        assert rows[name] == sorted(values, key=lambda value, name=name: value != getattr(default, name))
    assert rows["gap_days"] == [str(default.gap_days)]
    assert rows["inactivity_days"] == [str(default.inactivity_days)]
    assert rows["id_normalisation"] == [*ID_STEPS, f"{PREFIX_STEP}X"]


def test_the_page_of_the_mapping_names_how_tables_are_joined() -> None:
    rows = {names_in(row[0])[0]: names_in(row[1]) for row in rows_of(section(mapping_page(), "`[relations.TABLE]`: a join by other columns"))}
    assert list(rows) == [field.name for field in fields(LinkChoice)]
    assert rows["other_table"] == list(POINTED_AT)


def leaves(value: object, path: str = "") -> dict[str, object]:
    """Keys of a document with their values; intervals in one piece, a list beside the keys of its first entry."""
    if isinstance(value, dict) and set(value) != {"lower", "median", "upper"} and path != "diagnostics[].values":
        return {inner: found for key, entry in value.items() for inner, found in leaves(entry, f"{path}.{key}".lstrip(".")).items()}
    if isinstance(value, list) and value:
        return {path: value, **leaves(value[0], f"{path}[]")}
    return {path: value}


def test_the_page_of_the_json_document_names_the_keys_and_their_types() -> None:
    sample = ROOT / "data" / "en"
    tables, report = iceberg.load_tables(sample / "customers.csv", sample / "complaints.csv")
    with tables:
        counts = iceberg.reduce_tables(tables)
    counts = with_controls(counts, counts.categories[-1:])  # so that the list of controls has an entry
    estimate = iceberg.estimate_iceberg(counts, assumptions=iceberg.Assumptions(draws=200))
    rows = {name: {"read": total.read, "kept": total.kept, "rejected": total.rejected} for name, total in report.rows.items()}
    real = leaves(json.loads(document_to_json(build_document(estimate, counts, rows=rows))))
    shown = {name: row[1] for row in rows_of((REFERENCE / "json.md").read_text(encoding="utf-8")) for name in names_in(row[0])}
    assert list(shown) == list(real)
    kinds = {name: (TYPES[kind.partition(" ")[0]], kind.endswith("or null") and real[name] is None) for name, kind in shown.items()}
    assert [name for name, (kind, is_null) in kinds.items() if not (is_null or isinstance(real[name], kind))] == []
    names = [entry["category"] for entry in real["categories"]]  # type: ignore[attr-defined]
    assert names == sorted(names)


def test_the_page_of_the_configuration_names_every_variable_of_ours() -> None:
    read = {name for path in (ROOT / "iceberg").rglob("*.py") for name in re.findall(r'"(ICEBERG_[A-Z_]+)"', path.read_text(encoding="utf-8"))}
    shown = {name for row in rows_of(fill((REFERENCE / "configuration.md").read_text(encoding="utf-8"))) for name in names_in(row[0])}
    assert read == {name for name in shown if name.startswith("ICEBERG_")}
