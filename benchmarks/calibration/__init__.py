"""Calibration over simulated companies: is the interval right as often as it says?"""

import os

# One process per core; set before numpy loads, so that the sums do not depend on the number of threads.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
