"""``python -m benchmarks``: every benchmark after the other; each says what it measures and writes beside itself."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STEPS = (
    ("benchmarks.page.run",),
    ("benchmarks.page.messy_company",),
    ("benchmarks.slider",),
    ("benchmarks.fit",),
    ("benchmarks.load.run", "--minutes", "10"),
    ("benchmarks.scale.run",),
    ("benchmarks.scale.shapes",),
    ("benchmarks.scale.encodings",),
    ("benchmarks.places",),
    ("benchmarks.fuzz.run", "--jobs", "2"),
    ("benchmarks.hostile",),
    ("benchmarks.calibration.run", "--jobs", "2"),
    ("benchmarks.calibration.hostile", "--jobs", "2"),
    ("benchmarks.compare.run",),
    ("benchmarks.decision.run", "--jobs", "2"),
    ("benchmarks.declared.run",),
    ("benchmarks.journey.run",),
    ("benchmarks.journey.run", "--service"),
    ("benchmarks.spheres.run",),
    ("benchmarks.positives.run",),
    ("benchmarks.audit.run", "--jobs", "2"),
    ("benchmarks.rhythm.run",),
    ("benchmarks.calibration.sbc", "--jobs", "2"),
)


def main() -> int:
    """Run them all; the status is that of the worst."""
    failed = []
    for step in STEPS:
        print(f"== python -m {' '.join(step)}", flush=True)
        if subprocess.run([sys.executable, "-m", *step], cwd=ROOT, check=False).returncode:
            failed.append(step[0])
    print(f"failed: {', '.join(failed)}" if failed else "all benchmarks ran", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
