"""The layers, the order of the rooms, the one owner of each library, and the sizes that docs/contributing/house.md promises."""

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import iceberg

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "iceberg"
MODULES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted(path for path in (PACKAGE, *PACKAGE.rglob("*")) if path.is_dir() and any(path.glob("*.py")) and "migrations" not in path.parts)

# What each part may import from the package besides itself. Left out means forbidden.
GROUND = {"arrays", "environment", "errors", "installation", "locale", "provenance", "version"}
_SEAM = (
    "audit.record cancellations.record counts counts_file day_counts findings.findings "
    "findings.groups findings.header journey.journey_counts journey.service_counts journey.spheres positives.positive_counts reasons.answers "
    "renewals.clock rhythm.counts scores.score_counts silent_observations window"
)
COUNTS = {f"cohort.{name}" for name in _SEAM.split()}
MAY_IMPORT = {
    "arrays": set(),
    "installation": set(),
    "environment": {"errors"},
    "provenance": set(),
    "version": set(),
    "errors": {"locale"},  # only to turn a code into a sentence
    "locale": {"errors"},
    "ingest": GROUND,
    "cohort.window": GROUND,
    # The seam: what the model may see of a cohort. None of it knows a table.
    "cohort.audit.record": GROUND | COUNTS,
    "cohort.cancellations.record": GROUND | COUNTS,
    "cohort.day_counts": GROUND | COUNTS,
    "cohort.silent_observations": GROUND | COUNTS,
    "cohort.findings": GROUND | COUNTS,
    "cohort.journey.journey_counts": GROUND | COUNTS,
    "cohort.journey.service_counts": GROUND | COUNTS,
    "cohort.journey.spheres": GROUND | COUNTS,
    "cohort.positives.positive_counts": GROUND | COUNTS,
    "cohort.reasons.answers": GROUND | COUNTS,
    "cohort.rhythm.counts": GROUND | COUNTS,
    "cohort.renewals.clock": GROUND | COUNTS,
    "cohort.scores.score_counts": GROUND | COUNTS,
    "cohort.counts_file": GROUND | COUNTS,
    "cohort.counts": GROUND | COUNTS,
    "cohort": GROUND | {"cohort", "ingest"},
    "model": GROUND | COUNTS,
    "report": GROUND | COUNTS | {"model"},
    "store": GROUND | COUNTS | {"model"},
    "notify": GROUND | COUNTS | {"model", "report", "store"},
    "simulation": GROUND | {"cohort.audit.record", "cohort.audit.sheet", "cohort.window"},
    "ui": GROUND | {"ingest", "cohort", "model", "report", "store", "simulation.sample"},
    "cli": GROUND | {"ingest", "cohort", "model", "report", "store", "notify", "simulation.gym", "simulation.sample"},
    "cli.main": GROUND  # it starts the dashboard
    | {"cli", "ingest", "cohort", "model", "report", "store", "notify", "simulation.gym", "simulation.sample", "ui.serving.launch"},
    "__main__": {"cli"},
    "": {"cohort", "errors", "ingest", "model", "simulation", "version"},  # the public API; never ui, cli or report
}
# Rooms of a part, bottom to top: each imports only rooms that stand before it. A room is a folder with all below it, or a module.
ORDER = {
    "ingest": [
        "schema", "engine", "values", "sections", "remote", "files", "columns", "rules", "scan", "judging", "joining", "tables",
        "silent_leavers", "interventions", "mapping", "opening", "recognise", "notes", "rejected_rows", "joining_sentences", "load", "spark",
    ],
    "model": [
        "assumptions", "priors", "recording", "results", "canonical", "leaks", "value", "audit", "scores", "positives", "survival", "ratio", "entry",
        "departures.fit", "departures", "evidence", "compare", "decision", "summary", "journey", "diagnose", "estimate", "sensitivity",
    ],
    "report": [
        "palette", "tables", "words", "advice", "takeaways", "outlook", "noise", "decisions", "information", "comparison", "counts_summary",
        "small_cells", "rhythm", "audit", "scores", "positives", "journey", "export", "viewers", "charts", "files",
    ],
    "store": [
        "schema", "migrations", "connection", "audit", "codec", "parquet", "naming", "packed_fit", "counts_tables", "estimate_tables",
        "annotations", "studies",
        "changes", "retention",
    ],
    "notify": ["targets", "conditions", "digest", "mail", "webhook", "settings", "announce"],
    "ui": [
        "study_store", "language", "plain_text", "counters", "guide", "access", "session", "window", "controls", "frame", "chart_files", "figure",
        "sections", "upload", "decisions", "serving", "pages",
    ],
}
OWNERS = {
    "duckdb": ("ingest", "cohort"),
    "lifelines": ("model/survival/curves.py",),
    "altair": ("report/charts",),
    "xlsxwriter": ("report/files/spreadsheet/workbook.py", "report/files/spreadsheet/form.py", "report/files/slides/charts.py"),
    "pptx": ("report/files/slides",),
    "vl_convert": ("report/files/pictures.py",),
    "segno": ("report/files/qr_code.py",),
    "typst": ("report/files/document/pdf.py",),
    "streamlit": ("ui",),
    "sqlalchemy": ("store", "ingest/remote/sql.py"),
    "adbc_driver_manager": ("ingest/remote/adbc.py",),
    "deltalake": ("ingest/remote/lake.py",),
    "pyiceberg": ("ingest/remote/lake.py",),
    "pyspark": ("ingest/spark",),
    "sqlglot": ("ingest/spark/engine.py",),
    "psycopg": ("ingest/remote/postgres.py",),  # SQLAlchemy loads it by name for the store
    "alembic": ("store",),
    "smtplib": ("notify/mail.py",),
    "rapidfuzz": ("ingest/joining/category_names.py",),
    "argparse": ("cli/arguments/options.py", "cli/arguments/parsers.py"),
    "logging": ("cli/main.py", "ui"),
}
PURE = {"time", "datetime.now", "random", "os", "pathlib", "io", "socket", "subprocess"}
MOST_MODULES = 12  # of a folder: what a newcomer redraws from memory
MOST_PARAMETERS = 8
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 70
# Names that a newcomer would have to translate; and past participles, which say what happened to a thing and not what it is.
PRIVATE_WORDS = {"aside", "told", "look", "kept", "shelf", "ahead", "together", "native", "streamed", "berg", "show", "scripts", "counted"}
PRIVATE_WORDS |= {"drawer", "marks", "knock", "whoever", "somebody", "put", "found", "held", "given", "shown", "seen", "known", "gone", "made"}
PRIVATE_WORDS |= {"utils", "helpers", "common", "misc"}
# The same in comments, docstrings and names.
JARGON = re.compile(r"\b(?:told|aside|drawer|knocks?|whoever|somebody|shelf|looked at)\b", re.IGNORECASE)


def part_of(path: Path) -> str:
    """The part of the package a file belongs to: the longest name in MAY_IMPORT that fits."""
    dotted = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    if dotted == "__init__":
        return ""
    return max(
        (part for part in MAY_IMPORT if part and (dotted == part or dotted.startswith(part + "."))),
        key=len,
        default=dotted,
    )


def imports_of(path: Path, *, for_types: bool = True) -> set[str]:
    """Absolute names of all modules a file imports, at any depth; without `for_types` only those that run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names = set()
    for node in ast.walk(tree):
        if not for_types and node in typing_only:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # `from iceberg.report import words` names the module iceberg.report.words
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def allowed(own: str, imported: str, permitted: set[str]) -> bool:
    return any(imported == part or imported.startswith(part + ".") for part in permitted | ({own} if own else set()))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    part = part_of(path)
    assert part in MAY_IMPORT, f"{path.name} has no layer; give it one in MAY_IMPORT"
    inside = {name.removeprefix("iceberg.") for name in imports_of(path) if name.startswith("iceberg.")}
    bare = {name for name in inside if not allowed(part, name, MAY_IMPORT[part])}
    assert bare == set(), f"{part or 'iceberg'} must not import {sorted(bare)}"


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_has_one_owner(library: str) -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if any(name == library or name.startswith(library + ".") for name in imports_of(path, for_types=False))
    }
    strangers = {user for user in users if not user.startswith(OWNERS[library])}
    assert strangers == set()


def module_of(path: Path) -> str:
    """The dotted name of a file of the package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {module_of(path): path for path in MODULES}


def arrows() -> dict[str, set[str]]:
    """Module -> the modules of the package it imports, those for types included. A package `__init__` counts as a module."""
    found: dict[str, set[str]] = {name: set() for name in NAMES}
    for name, path in NAMES.items():
        for imported in imports_of(path):
            if imported in NAMES:
                found[name].add(imported)
            elif imported.rpartition(".")[0] in NAMES:
                found[name].add(imported.rpartition(".")[0])
        found[name].discard(name)
    return found


def room_of(part: str, module: str) -> str | None:
    """The room of `part` in which a module lies: the longest that fits; None for the part itself and for other parts."""
    inside = module.removeprefix(f"iceberg.{part}.")
    if inside == module:
        return None
    fitting = [room for room in ORDER[part] if inside == room or inside.startswith(room + ".")]
    assert fitting, f"{module} lies in no room: give it a place in ORDER"
    return max(fitting, key=len)


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """A circle of `graph`, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return list(found.args[1])
    return []


def test_no_import_leads_back_to_where_it_came_from() -> None:
    assert circle_in(arrows()) == []


def test_a_circle_would_be_found() -> None:
    assert set(circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}


@pytest.mark.parametrize("part", ORDER)
def test_rooms_import_only_those_that_stand_before_them(part: str) -> None:
    wrong = []
    for name, imported in arrows().items():
        own = room_of(part, name)
        for other in imported:
            room = room_of(part, other)
            if own is not None and room is not None and ORDER[part].index(room) > ORDER[part].index(own):
                wrong.append(f"{name} -> {other}")
    assert wrong == []


@pytest.mark.parametrize("part", ORDER)
def test_every_room_of_the_order_is_there(part: str) -> None:
    inside = {name.removeprefix(f"iceberg.{part}.") for name in NAMES if name.startswith(f"iceberg.{part}.")}
    assert {room for room in ORDER[part] if not any(name == room or name.startswith(room + ".") for name in inside)} == set()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_folder_can_be_redrawn_from_memory(folder: Path) -> None:
    """Between two and twelve modules, and one sentence that says what the folder is for."""
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    below = [path for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert len(modules) <= MOST_MODULES
    assert len(modules) + len(below) >= 2
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))


def test_modules_are_named_by_nouns_of_the_field() -> None:
    names = {part for path in MODULES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert {name for name in names if set(name.split("_")) & PRIVATE_WORDS} == set()
    assert {name for name in names if re.fullmatch(r"[a-z]+ed", name)} == set()


def own_words(source: str) -> set[str]:
    """The comments, docstrings and names of a source."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    return {
        token.string
        for token in tokens
        if token.type in {tokenize.COMMENT, tokenize.NAME} or (token.type == tokenize.STRING and token.string.startswith('"""'))
    }


def test_the_code_is_in_plain_english() -> None:
    texts = {name: own_words(path.read_text(encoding="utf-8")) for name, path in NAMES.items()}
    assert {(name, found[0]) for name, words in texts.items() for text in words for found in JARGON.finditer(text)} == set()


def test_jargon_would_be_found() -> None:
    source = 'def f(told):\n    """Whoever is looked at."""\n    return "told"  # put aside\n'
    assert {found[0] for text in own_words(source) for found in JARGON.finditer(text)} == {"told", "Whoever", "looked at", "aside"}


def test_no_function_takes_more_than_eight_parameters() -> None:
    """A longer list is a noun that is missing. Only the public functions keep the signatures that they were published with."""
    wrong = []
    for name, path in NAMES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (name, node.name) not in PUBLIC:
                given = node.args
                parameters = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg) if one is not None]
                if len([one for one in parameters if one not in {"self", "cls"}]) > MOST_PARAMETERS:
                    wrong.append(f"{name}.{node.name}")
    assert wrong == []


PUBLIC = {(iceberg._HOME_OF[name], name) for name in iceberg.__all__ if name in iceberg._HOME_OF}


def test_a_class_or_an_alias_has_one_home() -> None:
    homes = defaultdict(set)
    for name, path in NAMES.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes[node.name].add(name)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript) and isinstance(node.targets[0], ast.Name):
                homes[node.targets[0].id].add(name)
    assert {name: sorted(where) for name, where in homes.items() if len(where) > 1} == {}


def test_the_model_touches_no_file_no_clock_and_no_hidden_randomness() -> None:
    wrong = {}
    for path in sorted((PACKAGE / "model").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        names = {name.partition(".")[0] for name in imports_of(path)} & PURE
        calls = {
            text
            for text in ("np.random.seed", "np.random.rand(", "date.today", "datetime.now", "open(")
            if text in source
        }
        if names | calls:
            wrong[path.name] = names | calls
    assert wrong == {}


def test_importing_the_package_loads_no_heavy_library() -> None:
    """A notebook or a scheduler pays only for what it uses."""
    heavy = {"streamlit", "altair", "lifelines", "duckdb", "pandas", "numpy", "scipy"}
    script = f"import iceberg, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_using_the_whole_library_loads_neither_streamlit_nor_altair() -> None:
    script = (
        "import iceberg, sys; [getattr(iceberg, name) for name in iceberg.__all__];"
        "print(sorted({'streamlit', 'altair'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    assert {"load_tables", "reduce_tables", "estimate_iceberg", "simulate_company"} <= set(iceberg.__all__)
    assert set(iceberg.__all__) == set(iceberg._HOME_OF) | {"__version__"}
    for name in iceberg.__all__:
        assert getattr(iceberg, name) is not None


def test_type_checkers_see_every_public_name() -> None:
    """They read the imports that never run: each name under its own name, which makes it public in a package with types."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = [(alias.name, alias.asname) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert {name for name, _ in seen} == set(iceberg._HOME_OF) and all(name == renamed for name, renamed in seen)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        iceberg.no_such_name  # noqa: B018  # the access is what is tested


def test_the_version_is_the_one_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert iceberg.__version__ == project["version"]


def test_modules_say_what_they_own_and_stay_readable() -> None:
    """About 300 lines a module and 40 a function; 400 and 70 are the point where a noun is missing."""
    wrong = []
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        name = path.relative_to(PACKAGE).as_posix()
        if not ast.get_docstring(tree):
            wrong.append(f"{name}: no first sentence")
        if len(source.splitlines()) > MOST_LINES:
            wrong.append(f"{name}: {len(source.splitlines())} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION:
                wrong.append(f"{name}: {node.name} has {(node.end_lineno or 0) - node.lineno + 1} lines")
    assert wrong == []


def test_no_bare_exception_is_swallowed() -> None:
    """Only the entry points may catch everything, and they say why."""
    wrong = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                names = {getattr(item, "id", "") for item in ast.walk(node.type)} if node.type else {"BaseException"}
                passed_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
                if names & {"Exception", "BaseException"} and path != PACKAGE / "cli" / "main.py" and not passed_on:
                    wrong.append(f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}")
    assert wrong == []
