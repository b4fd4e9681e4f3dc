"""How the estimate fares on companies whose reality breaks an assumption.

    python -m benchmarks.calibration.hostile                                    every kind, 4 companies each -> results/hostile.*, diagnostics.md
    python -m benchmarks.calibration.hostile --kinds contracts,goodwill --seeds 2 --jobs 1

A run is kept under results/runs/<digest of the code>/ and not repeated; another digest starts afresh.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.calibration.hostile.command import RESULTS, judge_kinds
from benchmarks.calibration.hostile.judge import judge_company
from benchmarks.calibration.hostile.kinds import KINDS
from benchmarks.calibration.hostile.rates import write_table


def main() -> int:
    records = judge_kinds(__doc__, "hostile", KINDS, judge_company, Path(__file__).parent)
    if records is not None:
        write_table(records, RESULTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
