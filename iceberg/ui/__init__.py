"""Owns the dashboard: layout, controls and session state. The only place, with ``app.py``, that knows Streamlit."""
