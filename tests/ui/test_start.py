"""What a first visitor does not wait for."""

import subprocess
import sys

from tests.ui.conftest import ROOT


def test_the_first_page_needs_neither_the_estimator_nor_the_chart_library() -> None:
    """Both take longer to load than everything else; they come when the first page is on screen."""
    program = (
        "import sys\n"
        "import iceberg.ui.access.access, iceberg.ui.sections.executive, iceberg.ui.sections.sharing.actions\n"
        "import iceberg.ui.serving.warm_up, iceberg.ui.serving.server\n"
        "import iceberg.report.files, iceberg.report.takeaways, iceberg.report.words\n"
        "print(sorted({'scipy', 'altair', 'duckdb', 'lifelines', 'vl_convert'} & set(sys.modules)))\n"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip().splitlines()[-1] == "[]"
