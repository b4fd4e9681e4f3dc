"""How the estimate fares on companies whose customers live day by day, of kinds that were not used for tuning.

    python -m benchmarks.calibration.agents                                 every kind, 4 companies each -> results/agents.*
    python -m benchmarks.calibration.agents --kinds goodbye,fringe --seeds 2

A run is kept under results/runs/<digest of the code>/ and not repeated; another digest starts afresh.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.calibration.agents.exports import PAST_DAYS, export, true_silence
from benchmarks.calibration.agents.kinds import KINDS, draw_history
from benchmarks.calibration.hostile.command import judge_kinds
from benchmarks.calibration.hostile.files import Files
from benchmarks.calibration.hostile.judge import judge_tables


def judge_company(kind: str, seed: int) -> dict[str, Any]:
    """Company number `seed` of a kind through the whole product, from files to estimate, beside the truth."""
    history, rng = draw_history(kind, seed)
    files = Files(export(history, rng), past_days=PAST_DAYS)
    return {"kind": kind, "seed": seed} | judge_tables(files, seed, lambda counts: true_silence(history, counts)) | {"beside": {}}


def main() -> int:
    judge_kinds(__doc__, "agents", KINDS, judge_company, Path(__file__).parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
