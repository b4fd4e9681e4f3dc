"""Starts the dashboard's server from the command line, with the page and the configuration of this installation."""

import errno
import logging
import socket
import threading

import click
from streamlit import config
from streamlit.web import cli

from iceberg.errors import OptionError
from iceberg.installation import HOME

UNAVAILABLE = {errno.EADDRNOTAVAIL, errno.EACCES, errno.EAFNOSUPPORT}


def run_dashboard(*, port: int | None = None) -> int:
    """Serve the dashboard until it is stopped, as ``streamlit run app.py`` does.

    The configuration is the one beside ``app.py``: Streamlit prefers it to those of the user and of the current folder.

    Args:
        port: Where to listen; None leaves it to the configuration.

    Returns:
        The exit status: 0 after Ctrl+C, which is how a server is meant to end.

    Raises:
        SystemExit: When the server cannot start; Streamlit has then printed why.
        OptionError: ``address_unavailable``, where this machine has no such address, or this account may not listen there.
    """
    logging.getLogger().setLevel(logging.WARNING)  # other commands print errors only; a server's log holds its warnings
    chosen = [] if port is None else ["--server.port", str(port)]
    try:
        return int(cli.main(["run", str(HOME / "app.py"), *chosen], prog_name="streamlit", standalone_mode=False) or 0)
    except click.Abort:  # Ctrl+C
        threading.excepthook = lambda _: None  # one that still prepares the sample fails when the interpreter ends, which is no news
        return 0
    except OSError as problem:
        if not isinstance(problem, socket.gaierror) and problem.errno not in UNAVAILABLE:
            raise
        where = {name: str(config.get_option(f"server.{name}") or "") for name in ("address", "port")}
        raise OptionError("address_unavailable", where) from problem
