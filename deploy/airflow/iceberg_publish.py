"""Publishes a new version of the study on the second of each month: an example for Airflow 3.

Airflow needs nothing of the product but the command: it is installed in an environment of its own (/opt/iceberg), whose libraries cannot clash
with Airflow's. A file or an option that is wrong ends with status 2, which no retry mends; everything else is tried again. The same files are the
same version, so a retry after a lost connection publishes nothing twice. SIGTERM, which Airflow sends to a task that is stopped or takes too long,
removes the temporary files.
"""

import os
import subprocess
from datetime import datetime, timedelta

from airflow.exceptions import AirflowFailException
from airflow.sdk import dag, task

PROGRAM = "/opt/iceberg/bin/iceberg"
EXPORTS = "/srv/iceberg/exports"
STORE = "postgresql+psycopg://iceberg@db.example.org/iceberg"  # its password: PGPASSWORD or .pgpass of the worker, never here
PUBLISH = [
    PROGRAM, "publish", "--customers", f"{EXPORTS}/customers.csv", "--complaints", f"{EXPORTS}/complaints.csv",
    "--mapping", f"{EXPORTS}/iceberg-mapping.toml", "--window-months", "24", "--title", "Silent churn", "--author", "airflow", "--quiet",
]  # fmt: skip
USER_FAULT = 2


@dag(
    dag_id="iceberg_publish",
    schedule="30 5 2 * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=10), "execution_timeout": timedelta(hours=2)},
    tags=["iceberg"],
)
def iceberg_publish() -> None:
    """One task: read, count, estimate, publish."""

    def run(command: list[str]) -> None:
        # Its output goes to the task's log: figures and the link, no customer.
        status = subprocess.run(command, env={**os.environ, "ICEBERG_STORE": STORE}, check=False).returncode  # noqa: S603  # no shell, nothing from outside
        if status == USER_FAULT:
            raise AirflowFailException("The files or the options are wrong; the log says which, and a retry would not mend it.")
        if status:
            raise RuntimeError(f"iceberg ended with status {status}")

    @task
    def publish() -> None:
        run(PUBLISH)

    publish()


iceberg_publish()
