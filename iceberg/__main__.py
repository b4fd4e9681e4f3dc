"""``python -m iceberg``: hands the arguments to the command line."""

import os
import sys

# As in `iceberg.ui`, and before the first numerical library is loaded: on a machine that does other work, threads that wait for each other
# made an estimate of seconds take minutes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from iceberg.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
