"""Owns the dashboard: layout, controls and session state. The only place, with ``app.py``, that knows Streamlit."""

import os

# Matrices are small, so threads of one calculation would only wait for each other; set before the first numerical library is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
