"""The environment variables of the product. The reference of the configuration is made from this list."""

from __future__ import annotations

import os
from dataclasses import dataclass

from iceberg.errors import OptionError


@dataclass(frozen=True)
class Variable:
    """One environment variable.

    Attributes:
        name: As it is set.
        meaning: What it does, as Markdown of the reference.
        default: The value in force where it is not set; "" where there is none.
    """

    name: str
    meaning: str
    default: str = ""


STORE = "the store of published studies: a file in the folder where the program was started, or `postgresql+psycopg://user@server/database`"
VARIABLES = (
    Variable("ICEBERG_STORE", f"{STORE}; `--store` overrides it", "iceberg-store.db"),
    Variable("ICEBERG_DATABASE_PASSWORD", "password of a database that a table is read from, where its address has a user and no password"),
    Variable("ICEBERG_URL", "address of the dashboard, in front of every link that is printed, sent or copied; messages and QR codes need it"),
    Variable("ICEBERG_DECK_TEMPLATE", "PowerPoint template (`.potx`) that slides are built on, from the page too; `--template` overrides it"),
    Variable("ICEBERG_NOTIFY", "who is told of a version that `publish` publishes, separated by spaces; `--notify` overrides it"),
    Variable("ICEBERG_NOTIFY_WHEN", "when: the values of `--notify-when`, separated by semicolons; `--notify-when` overrides it"),
    Variable("ICEBERG_NOTIFY_LANG", "language of the messages; `--notify-lang` overrides it"),
    Variable("ICEBERG_NOTIFY_FILE", "file with settings of messages; the variables above and below override what it says", "iceberg-notify.toml"),
    Variable("ICEBERG_SMTP", "mail server of the messages: `smtp://user@server:587` (STARTTLS) or `smtps://user@server:465`, without the password"),
    Variable("ICEBERG_SMTP_FROM", "address that mail comes from, where the user of the server is none"),
    Variable("ICEBERG_SMTP_PASSWORD", "password of the mail server"),
    Variable("ICEBERG_SMTP_PASSWORD_FILE", "file that holds the password of the mail server, where the variable above is not set"),
    Variable("ICEBERG_ROLES", "file of roles; if the file named here cannot be read, no one has a role", ".streamlit/roles.toml"),
    Variable("ICEBERG_OPEN", "`1`: without `[auth]` the dashboard may listen on every address, and everybody who reaches it has every right"),
    Variable("ICEBERG_UPLOAD_SESSION_MB", "most megabytes of uploaded files that one reader's session may hold in memory", "600"),
    Variable("ICEBERG_UPLOAD_SERVER_MB", "most megabytes of uploaded files of all sessions together", "2000"),
    Variable("ICEBERG_SESSIONS", "most browser windows that are connected at a time; the next one reads that it is full", "300"),
    Variable("ICEBERG_METRICS_TOKEN", "a secret of 16 characters or more that opens `/metrics` as `Authorization: Bearer …`; else owners alone"),
    Variable("ICEBERG_LOG", "`json`: the log of the dashboard as one JSON object a line, with request, session and actor", "text"),
    Variable("ICEBERG_DEBUG", "any value: a fault of ours shows its traceback on the command line"),
    Variable("LC_ALL", "language of the command line, unless `--lang` names one; the first of these three that is set"),
    Variable("LC_MESSAGES", "as `LC_ALL`"),
    Variable("LANG", "as `LC_ALL`"),
    Variable("SPARK_REMOTE", "the Spark Connect session of `--engine spark`, unless `--spark-url` names one"),
    Variable("AWS_REGION", "region of a bucket, where `region` of its address names none"),
    Variable("AWS_DEFAULT_REGION", "the same"),
    Variable("AWS_ENDPOINT_URL_S3", "server of an S3 that is not Amazon's, where `endpoint` of its address names none"),
    Variable("AWS_ENDPOINT_URL", "the same"),
    Variable("AZURE_STORAGE_ACCOUNT", "account of `abfs://container/path`, where the address names none"),
    Variable("AZURE_STORAGE_KEY", "key that opens that account"),
    Variable("AZURE_STORAGE_SAS_TOKEN", "token that opens it, where the variable above is not set"),
    Variable("OMP_NUM_THREADS", "threads of the numerical libraries", "1"),
    Variable("OPENBLAS_NUM_THREADS", "threads of the numerical libraries", "1"),
    Variable("XDG_CACHE_HOME", "folder for what can be worked out again, where the checkout cannot be written to", "~/.cache"),
    Variable("LOCALAPPDATA", "the same on Windows"),
)
DEFAULTS = {variable.name: variable.default for variable in VARIABLES}


def read_number(name: str) -> int:
    """A variable that holds a whole number above 0; its default where it is not set.

    Raises:
        OptionError: ``variable_no_number``.
    """
    written = os.environ.get(name, "").strip() or DEFAULTS[name]
    if not written.isascii() or not written.isdigit() or int(written) == 0:
        raise OptionError("variable_no_number", {"name": name, "value": written[:40]})
    return int(written)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
