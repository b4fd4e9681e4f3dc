"""Owns the dashboard: layout, controls and session state. The only place, with ``app.py``, that knows Streamlit."""

import os

# Many small matrices: threads that wait for each other cost ten times what they save, and readers share the cores anyway.
# Has to be said before the first numerical library is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
