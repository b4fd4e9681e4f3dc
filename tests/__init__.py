"""Tests mirror the package. Small matrices in one thread each, as `make test` has it: workers and threads would fight over the cores."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
