"""Ends with status 0 when the dashboard on this machine is ready (``/readyz`` answers 200), else 1: the health check of the container image.

It reads what the dashboard reads: ``STREAMLIT_SERVER_PORT`` and ``STREAMLIT_SERVER_BASE_URL_PATH``. With ``--wait SECONDS`` it asks until then.
"""

import os
import sys
import time
import urllib.error
import urllib.request


def is_ready() -> bool:
    """Whether the dashboard can open its store and has prepared the sample company."""
    port = os.environ.get("STREAMLIT_SERVER_PORT") or "8501"
    base = os.environ.get("STREAMLIT_SERVER_BASE_URL_PATH", "").strip("/")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{base}{'/' if base else ''}readyz", timeout=4) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def main() -> int:
    """The exit status."""
    deadline = time.monotonic() + (float(sys.argv[2]) if sys.argv[1:2] == ["--wait"] and len(sys.argv) == 3 else 0.0)
    while not is_ready():
        if time.monotonic() >= deadline:
            return 1
        time.sleep(0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
