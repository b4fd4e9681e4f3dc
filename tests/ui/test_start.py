"""What a first visitor does not wait for."""

import subprocess
import sys

from tests.ui.conftest import ROOT


def test_the_first_page_needs_neither_the_estimator_nor_the_chart_library() -> None:
    """Both take longer to load than everything else; they come when the first page is on screen. What it does need is there before."""
    program = (
        "import ast, importlib, pathlib, sys\n"
        "from iceberg.ui.serving import server, warm_up\n"
        "for name in server.NEEDED_FIRST: importlib.import_module(name)\n"
        "import iceberg.report.takeaways, iceberg.report.words\n"
        "before = set(sys.modules)\n"
        "page = ast.parse(pathlib.Path('iceberg/ui/pages/iceberg.py').read_text())\n"
        "for one in page.body:\n"
        "    if isinstance(one, ast.ImportFrom): importlib.import_module(one.module)\n"
        "print(sorted({'scipy', 'altair', 'duckdb', 'lifelines', 'vl_convert'} & set(sys.modules)), sorted(set(sys.modules) - before))\n"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip().splitlines()[-1] == "[] []"
