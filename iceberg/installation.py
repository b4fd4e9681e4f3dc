"""Finds what lies beside the package in a checkout and inside it once installed: ``app.py``, ``.streamlit/`` and the sample in ``data/``."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_IN_WHEEL = PACKAGE / "_checkout"  # where pyproject.toml puts them; absent from a checkout
HOME = _IN_WHEEL if _IN_WHEEL.is_dir() else PACKAGE.parent


def cache_folder() -> Path:
    """The folder for results that can be computed again: ``.cache`` of a checkout that can be written to, else the user's own cache folder."""
    if PACKAGE.parent == HOME and os.access(HOME, os.W_OK):
        return HOME / ".cache"
    chosen = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        return (Path(chosen) if chosen else Path.home() / ".cache") / "silent-churn-iceberg"
    except RuntimeError:  # a user without a home folder, as in some containers: nothing can be stored, which is no fault
        return HOME / ".cache"
