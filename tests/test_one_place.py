"""Adding is one place: a dummy language, report format, table, chart and diagnostic, each added once and then seen wherever it belongs."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
from streamlit.testing.v1 import AppTest

from iceberg.cli.text import build_estimate_text
from iceberg.locale import LANGUAGES, Translator, load_messages
from iceberg.model.results import Diagnostic
from iceberg.report.files import report_bytes
from tests.report.examples import example_counts, example_estimate

ROOT = Path(__file__).resolve().parents[1]
VOLUMES = "month,category,complaints\n2025-01-01,Billing,40\n2025-02-01,Billing,35\n2025-01-01,Late delivery,1022\n2025-02-01,Late delivery,30\n"
SPEAK = """
import datetime, json
from streamlit.testing.v1 import AppTest
from iceberg.locale import LANGUAGES, Translator
from iceberg.report.charts.trends import build_month_trend
from iceberg.report.charts import base
from iceberg.ui.figure import csv_bytes
from iceberg.ui.session.sample import SAMPLE_FOLDER, sample_files
from iceberg.ui.upload.limit import command_line
import pandas as pd

def picker():
    from iceberg.ui.controls import show_language
    from iceberg.ui.language import browser_language
    show_language(browser_language())

words = Translator("qx")
app = AppTest.from_function(picker)
app.context = {"locale": "qx-DE"}
app.run(timeout=60)
assert not app.exception
print(json.dumps({
    "languages": LANGUAGES,
    "yes": words.format(True),
    "written": [words.percent(0.25), words.integer(12345), words.date(datetime.date(2026, 6, 1))],
    "axis": base.number_expr(words),
    "csv": csv_bytes(pd.DataFrame({"a": [0.5], "b": [1]}), language="qx").decode("utf-8-sig"),
    "picker": [app.session_state["lang"], *app.get("button_group")[0].options],
    "sample": [str(path.relative_to(SAMPLE_FOLDER)) for path in sample_files("qx")],
    "command": command_line("alone", {}, words),
}))
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package beside the sample, to which something can be added."""
    shutil.copytree(ROOT / "iceberg", tmp_path / "iceberg", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "data").symlink_to(ROOT / "data")
    return tmp_path


def python(house: Path, *arguments: str, language: str = "C") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(house), "LANG": language, "HOME": str(house), "PYTHONUTF8": "1"}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=house, env=environment, check=False)


def test_a_language_is_a_folder(house: Path) -> None:
    """A third language is there wherever the two are once its folder is: no line of code names it."""
    folder = house / "iceberg" / "locale" / "qx"
    shutil.copytree(house / "iceberg" / "locale" / "en", folder)
    about = folder / "language.toml"
    text = about.read_text(encoding="utf-8").replace('"English"', '"Quenya"').replace("en-GB", "de-DE")
    about.write_text(text.replace('unit_space = ""', 'unit_space = "\\u00A0"'), encoding="utf-8")
    (folder / "common.toml").write_text('yes = "tanca"\nno = "ui"\n', encoding="utf-8")
    cli = folder / "cli.toml"
    cli.write_text(cli.read_text(encoding="utf-8").replace('usage = "', 'usage = "Mahta: '), encoding="utf-8")
    (house / "volumes.csv").write_text(VOLUMES, encoding="utf-8")

    (house / "speak.py").write_text(SPEAK, encoding="utf-8")
    said = python(house, "speak.py")
    assert said.returncode == 0, said.stderr
    seen = json.loads(said.stdout)
    assert seen["languages"] == ["en", "fr", "qx"] and seen["yes"] == "tanca"
    assert seen["written"] == ["25\N{NO-BREAK SPACE}%", "12.345", "1. Juni 2026"]
    assert "';'), '.'), ',')" in seen["axis"] and seen["axis"].endswith("';'), '.')")
    assert seen["csv"].splitlines()[1] == "0,5;1"
    assert seen["picker"] == ["qx", "English", "Français", "Quenya"]
    assert seen["sample"] == ["en/customers.csv", "en/complaints.csv"]
    assert seen["command"].endswith("--lang qx")

    assert "Mahta" in python(house, "-m", "iceberg", "--help", language="qx_DE.UTF-8").stdout
    assert "en, fr or qx" in python(house, "-m", "iceberg", "demo", "--out", "x", "--lang", "zz").stderr
    assert "--lang en|fr|qx" in python(house, "-m", "iceberg", "demo", "--help").stdout
    reports = ("r.html", "r.pdf", "r.pptx", "r.svg")
    done = python(
        house, "-m", "iceberg", "estimate", "--lang", "qx", "--volumes", "volumes.csv", "--quiet",
        *[part for name in reports for part in ("--report", name)],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (house / "r.html").read_text(encoding="utf-8")
    assert '<html lang="qx">' in page and "1.127" in page
    assert pypdf.PdfReader(house / "r.pdf").root_object["/Lang"] == "qx-DE"
    assert all((house / name).stat().st_size for name in reports)


FORMAT = """    ReportFormat("md", "text/markdown", lambda asked: f"# {asked.provenance.title}".encode(), lambda compared, words: b"# compared"),
"""
OFFER = """
import json, sys
from iceberg.cli.arguments.options import parse_options
help = {command: parse_options([command, "--help"]).text for command in ("estimate", "publish", "compare")}
heavy = sorted({"pandas", "numpy", "altair", "streamlit", "duckdb", "typst", "pptx"} & set(sys.modules))
from streamlit.testing.v1 import AppTest

def page():
    from unittest.mock import Mock
    from iceberg.locale import Translator
    from iceberg.report.files import Provenance
    from iceberg.ui.sections.sharing import reports

    reports._report = lambda frame, estimate, name: b"made when asked for"
    reports.provenance_of = lambda frame: Provenance(title="All of it")
    reports.show_reports(Mock(words=Translator("en")), None)

app = AppTest.from_function(page).run(timeout=60)
assert not app.exception, app.exception
from iceberg.report.files import media_type
print(json.dumps({
    "heavy": heavy,
    "help": [".md" in text for text in help.values()],
    "buttons": [button.key for button in app.get("download_button")],
    "type": media_type("md"),
}))
"""


def test_a_report_format_is_one_entry(house: Path) -> None:
    """A ninth format is an entry of the list and what its button says: the command line writes it, help names it, the page offers it."""
    add(house / "iceberg/report/files/formats.py", before='    ReportFormat("pdf"', text=FORMAT)
    add(house / "iceberg/locale/en/ui.toml", before="[reports]", text="[reports]\nmd = \"Notes (Markdown)\"", instead=True)
    (house / "offer.py").write_text(OFFER, encoding="utf-8")
    (house / "volumes.csv").write_text(VOLUMES, encoding="utf-8")

    seen = python(house, "offer.py")
    assert seen.returncode == 0, seen.stderr
    offered = json.loads(seen.stdout)
    assert offered["heavy"] == [], "help stays light"
    assert offered["help"] == [True, True, True] and offered["type"] == "text/markdown"
    assert offered["buttons"][0] == "report.md" and "report.pdf" in offered["buttons"]

    done = python(house, "-m", "iceberg", "estimate", "--volumes", "volumes.csv", "--quiet", "--report", "r.md")
    assert done.returncode == 0, done.stderr
    assert (house / "r.md").read_text(encoding="utf-8").startswith("# ")
    assert ".md" in python(house, "-m", "iceberg", "estimate", "--volumes", "volumes.csv", "--report", "r.docx").stderr


TABLE = """    Table(
        "refunds",
        "refund",
        fields={"customer_id": "id", "refund_date": "date"},
        required=("customer_id", "refund_date"),
        columns={"customer_id": "VARCHAR", "refund_date": "DATE"},
        words=("refund",),
    ),
"""
READ = """
import json
from datetime import date
from iceberg.cli.arguments.options import parse_options
from iceberg.cli.source_names import name_files
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.recognise import recognise_tables
from iceberg.ingest.schema import OPTION_OF_TABLE

options = parse_options(["estimate", "--customers", "customers.csv", "--refund", "refunds.csv"])
named = FieldChoice("customer_id", "who"), FieldChoice("refund_date", "day")
mapping = MappingSet({"refunds": ColumnMapping("refunds", {one.field: one for one in named})})
file = UploadedBytes("refunds.csv", b"who,day\\nc1,2025-01-02\\nc2,2025-02-03\\n")
found = recognise_tables([file], mapping=mapping)[0]
tables, report = load_tables(**found, mapping=mapping)
with tables:
    days = [str(day) for (day,) in tables.connection.execute("SELECT refund_date FROM refunds ORDER BY 1").fetchall()]
print(json.dumps({
    "given": options.given,
    "help": "--refund" in parse_options(["estimate", "--help"]).text,
    "files": [(file.table, file.name) for file in name_files(options)],
    "toml": "[refunds" in mapping.to_toml(),
    "found": list(found),
    "rows": [report.rows["refunds"].read, report.rows["refunds"].kept],
    "days": days,
    "option": OPTION_OF_TABLE["refunds"],
}))
"""


def test_a_table_is_one_entry(house: Path) -> None:
    """A tenth table is an entry of the list; besides that only the two signatures that name every table take it, and its help says what it is."""
    add(house / "iceberg/ingest/schema.py", before='    Table(\n        "flat"', text=TABLE)
    add(house / "iceberg/ingest/load.py", before="    activity: Source", text="    refunds: Source | Sequence[Source] | None = None,\n")
    add(house / "iceberg/cli/arguments/options.py", before="    activity: str", text="    refund: str | None = None\n")
    add(house / "iceberg/locale/en/cli.toml", before="survey = ", text='refund = "money given back"\n')
    (house / "read.py").write_text(READ, encoding="utf-8")

    done = python(house, "read.py")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["given"] == {"customers": "customers.csv", "refunds": "refunds.csv"} and seen["help"] and seen["option"] == "refund"
    assert seen["files"] == [["customers", "customers.csv"], ["refunds", "refunds.csv"]]
    assert seen["toml"] and seen["found"] == ["refunds"]
    assert (seen["rows"], seen["days"]) == ([2, 2], ["2025-01-02", "2025-02-03"])


CHART = """    EstimateChart(
        "shares",
        ranking_table,
        lambda frame, _, words, look: _ranking(frame, _, words, look),
        lambda frame, _, words: f"Shares of {len(frame)} categories",
    ),
"""
DRAW = """
import json, sys
from iceberg.locale import Translator
from iceberg.report.files import report_bytes
from iceberg.report.files.pictures import available_charts, chart_takeaway
from iceberg.ui.controls import View
from iceberg.ui.frame import Frame
from iceberg.ui.sections import executive
from iceberg.ui.session.study import Filters, Study
sys.path.append(sys.argv[1])
from tests.report.examples import example_counts, example_estimate

estimate, counts, words = example_estimate(), example_counts(), Translator("en")
study = Study(counts=counts, digest=counts.digest, name="", origin="sample")
frame = Frame(words, study, View(words, Filters(), estimate.assumptions), False, "light")
others = [chart for chart in executive.executive_charts(frame, estimate) if chart.name not in executive.PLACED]
print(json.dumps({
    "available": available_charts(estimate),
    "alt": chart_takeaway("shares", estimate, words),
    "svg": report_bytes(estimate, counts, format="svg", chart="shares")[:4].decode(),
    "png": len(report_bytes(estimate, counts, format="png", chart="shares")),
    "page": [(one.name, one.takeaway(), len(one.table()), type(one.build()).__name__) for one in others],
}))
"""


def test_a_chart_is_one_entry(house: Path) -> None:
    """A sixth chart is an entry of the list: a picture to download, an alternative text, its table, and a place on the page."""
    add(house / "iceberg/report/files/pictures.py", before='    EstimateChart(\n        "months"', text=CHART)
    (house / "draw.py").write_text(DRAW, encoding="utf-8")
    done = python(house, "draw.py", str(ROOT))
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["available"] == ["iceberg", "ranking", "waterfall", "comparator", "shares", "months"]
    assert seen["svg"] == "<svg" and seen["png"] > 1000
    [(name, alt, rows, built)] = seen["page"]
    assert (name, alt, built) == ("shares", seen["alt"], "LayeredChart") and seen["alt"] == f"Shares of {rows} categories"


def test_a_diagnostic_is_one_code_with_its_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the model remarks is said on the page, in the terminal, in every written report and in the document, without a line for it in any."""
    for language in LANGUAGES:
        monkeypatch.setitem(load_messages(language), "diagnostics.full_moon.says", "The moon was full on {nights} nights.")
        monkeypatch.setitem(load_messages(language), "diagnostics.full_moon.do", "Wait for a darker month.")
    estimate, counts = example_estimate(), example_counts()
    remark = Diagnostic("full_moon", "warning", {"nights": 13})
    estimate = replace(estimate, diagnostics=(remark, *estimate.diagnostics))
    for language in LANGUAGES:
        said = "The moon was full on 13 nights."
        assert said in " ".join(build_estimate_text(estimate, counts, Translator(language)).split())
        for name in ("html", "json"):
            assert said in report_bytes(estimate, counts, format=name, language=language).decode()

    app = AppTest.from_function(_page, args=(remark,)).run(timeout=60)
    assert not app.exception
    [box] = app.error
    assert said in box.value and "Wait for a darker month." in box.value


def _page(remark: object) -> None:
    from unittest.mock import Mock

    from iceberg.locale import Translator
    from iceberg.ui.figure import show_diagnostics

    show_diagnostics(Mock(words=Translator("en")), [remark])  # type: ignore[list-item]  # a page of its own, without the types of this file


def add(path: Path, *, before: str, text: str, instead: bool = False) -> None:
    """Write `text` before the first line that begins with `before`, or in its place."""
    source = path.read_text(encoding="utf-8")
    assert before in source
    path.write_text(source.replace(before, text if instead else text + before, 1), encoding="utf-8")
