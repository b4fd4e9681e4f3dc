"""The layers, the one owner of each library, and the sizes that architecture.md and house style promise."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import iceberg

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "iceberg"
MODULES = sorted(PACKAGE.rglob("*.py"))

# What each part may import from the package besides itself. Left out means forbidden.
BOTTOM = {"arrays", "errors", "locale"}
COUNTS = {f"cohort.{name}" for name in ("counts", "counts_file", "day_counts", "observed", "window")}
MAY_IMPORT = {
    "arrays": set(),
    "errors": {"locale"},  # only to turn a code into a sentence
    "locale": {"errors"},
    "ingest": BOTTOM,
    "cohort.window": BOTTOM,
    # The seam: what the model may see of a cohort. None of it knows a table.
    "cohort.day_counts": BOTTOM | COUNTS,
    "cohort.observed": BOTTOM | COUNTS,
    "cohort.counts_file": BOTTOM | COUNTS,
    "cohort.counts": BOTTOM | COUNTS,
    "cohort": BOTTOM | {"cohort", "ingest"},
    "model": BOTTOM | COUNTS,
    "report": BOTTOM | COUNTS | {"model"},
    "store": BOTTOM | COUNTS | {"model"},
    "worlds": BOTTOM | {"cohort.window"},
    "history": BOTTOM | {"worlds", "cohort.window"},
    "simulate": BOTTOM | {"worlds", "history", "cohort.window"},
    "sample": BOTTOM | {"simulate", "worlds"},
    "ui": BOTTOM | {"ingest", "cohort", "model", "report", "store", "sample"},
    "cli": BOTTOM
    | {"ingest", "cohort", "model", "report", "store", "sample"}
    | {"cli_options", "cli_print", "cli_report", "cli_publish", "cli_compare", "cli_spark", "cli_terminal"},
    "cli_spark": BOTTOM | {"ingest", "cli_options", "cli_print"},  # tables that stay where they are
    "cli_checks": BOTTOM,
    "cli_options": BOTTOM | {"model", "cli_checks"},
    "cli_terminal": BOTTOM | {"cli_options"},
    "cli_files": BOTTOM | {"cli_options"},  # names and digests of what was typed
    "cli_report": BOTTOM | {"cohort.counts", "model", "report", "cli_options", "cli_files"},
    "cli_compare": BOTTOM | {"model", "report", "cli", "cli_options", "cli_print", "cli_files", "cli_publish"},  # files for the foot, the store
    "cli_publish": BOTTOM | {"ingest", "cohort", "model", "report", "store", "cli", "cli_options", "cli_print", "cli_files"},
    "cli_print": BOTTOM | {"ingest", "cohort", "model", "report"},
    "__main__": {"cli"},
    "": {"cohort", "errors", "ingest", "model", "simulate"},  # the public API; never ui, cli or report
}
OWNERS = {
    "duckdb": ("ingest", "cohort"),
    "lifelines": ("model/survival.py",),
    "altair": ("report/charts",),
    "xlsxwriter": ("report/files/workbook.py", "report/files/slide_charts.py"),
    "pptx": ("report/files/slides.py", "report/files/slide_charts.py"),
    "vl_convert": ("report/files/pictures.py",),
    "typst": ("report/files/pdf.py",),
    "streamlit": ("ui",),
    "sqlalchemy": ("store",),
    "pyspark": ("ingest/spark.py", "ingest/spark_sources.py", "ingest/spark_watch.py"),
    "sqlglot": ("ingest/spark.py",),
    "psycopg": ("ingest/postgres.py",),  # SQLAlchemy loads it by name for the store
    "alembic": ("store",),
    "argparse": ("cli_options.py",),
    "logging": ("cli.py", "ui"),
}
PURE = {"time", "datetime.now", "random", "os", "pathlib", "io", "socket", "subprocess"}


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
    bare = {name for name in inside if not allowed(part, name, MAY_IMPORT[part]) and name != "__version__"}
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
        if len(source.splitlines()) > 400:
            wrong.append(f"{name}: {len(source.splitlines())} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > 70:
                wrong.append(f"{name}: {node.name} has {(node.end_lineno or 0) - node.lineno + 1} lines")
    assert wrong == []


def test_no_function_has_more_than_8_parameters_outside_the_public_api() -> None:
    """What needs nine things wants a noun that holds some of them; `load_tables` is public, its table names are its parameters."""
    public = {"load_tables"}
    still = {"ingest/spark_tables.py: load_spark_tables"}  # to be emptied
    wrong = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in public:
                taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
                if len([one for one in taken if one is not None and one.arg not in {"self", "cls"}]) > 8:
                    wrong.add(f"{path.relative_to(PACKAGE).as_posix()}: {node.name}")
    assert wrong == still


def test_no_module_is_called_utils() -> None:
    assert {path.stem for path in MODULES} & {"utils", "helpers", "common", "misc"} == set()


def test_no_bare_exception_is_swallowed() -> None:
    """Only the entry points may catch everything, and they say why."""
    wrong = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                names = {getattr(item, "id", "") for item in ast.walk(node.type)} if node.type else {"BaseException"}
                passed_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
                if names & {"Exception", "BaseException"} and path.name != "cli.py" and not passed_on:
                    wrong.append(f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}")
    assert wrong == []
