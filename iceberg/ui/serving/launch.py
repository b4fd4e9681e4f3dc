"""Starts the dashboard's server from the command line, with the page and the configuration of this installation."""

import logging
import threading

import click
from streamlit.web import cli

from iceberg.installation import HOME


def run_dashboard(*, port: int | None = None) -> int:
    """Serve the dashboard until it is stopped, as ``streamlit run app.py`` does.

    The configuration is the one beside ``app.py``: Streamlit prefers it to those of the user and of the current folder.

    Args:
        port: Where to listen; None leaves it to the configuration.

    Returns:
        The exit status: 0 after Ctrl+C, which is how a server is meant to end.

    Raises:
        SystemExit: When the server cannot start; Streamlit has then printed why.
    """
    logging.getLogger().setLevel(logging.WARNING)  # other commands print errors only; a server's log holds its warnings
    chosen = [] if port is None else ["--server.port", str(port)]
    try:
        return int(cli.main(["run", str(HOME / "app.py"), *chosen], prog_name="streamlit", standalone_mode=False) or 0)
    except click.Abort:  # Ctrl+C
        threading.excepthook = lambda _: None  # one that still prepares the sample fails when the interpreter ends, which is no news
        return 0
