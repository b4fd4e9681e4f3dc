"""One measured case, run in a process of its own: prints seconds per stage, processor time and peak memory as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.scale.synthetic import COLUMNS, LAST_DAY

# The least that has to be done with every value of a type, so that no engine can answer from what the file says of itself.
READ_ALL = {"VARCHAR": "min(strlen({}))", "DATE": "max({} + 0)", "TIMESTAMP": "max(epoch_us({}))", "UUID": "max(hash({}))"}
Paths = dict[str, Path]


def bare_scan(paths: Paths) -> dict[str, float]:
    """Reads every value of every column once, and does the least that keeps an engine from skipping it."""
    import duckdb

    with duckdb.connect() as connection:
        statements = []
        for table, columns in COLUMNS.items():
            types = connection.execute(f"DESCRIBE SELECT * FROM '{paths[table]}'").fetchall()
            found = [READ_ALL.get(kind, "sum({})").format(name) for name, kind, *_ in types if name in columns]
            statements.append(f"SELECT {', '.join(found)} FROM '{paths[table]}'")
        started = time.perf_counter()
        for statement in statements:
            connection.execute(statement).fetchall()
        return {"scan": time.perf_counter() - started}


def file_to_counts(paths: Paths) -> dict[str, float]:
    """What the product does: read, judge every row by every rule, reduce."""
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    customers = paths["customers"]
    several = sorted(customers.parent.glob(customers.name)) if "*" in customers.name else customers
    started = time.perf_counter()
    tables, report = load_tables(several, paths["complaints"])
    loaded = time.perf_counter()
    with tables:
        counts = reduce_tables(tables)
    ended = time.perf_counter()
    assert counts.customers > 0
    assert report.rows["customers"].rejected == 0
    return {"load": loaded - started, "reduce": ended - loaded}


def after_the_counts(paths: Paths) -> dict[str, float]:
    """Everything that comes after the counts of these files: a whole first estimate, from counts that `keep_counts` left beside the files."""
    from iceberg.cohort.counts_file import read_counts
    from iceberg.model.estimate import estimate_iceberg

    started = time.perf_counter()
    estimate_iceberg(read_counts(counts_beside(paths).read_bytes()))
    return {"estimate": time.perf_counter() - started}


def keep_counts(paths: Paths) -> dict[str, float]:
    """Leaves the counts of the files beside them, for `after_the_counts`."""
    from iceberg.cohort.counts_file import write_counts
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    tables, _ = load_tables(paths["customers"], paths["complaints"])
    with tables:
        counts_beside(paths).write_bytes(write_counts(reduce_tables(tables)))
    return {"kept": 0.0}


def counts_beside(paths: Paths) -> Path:
    """Where the counts of these files lie."""
    return paths["customers"].with_suffix(".counts")


def reduction_alone(paths: Paths) -> dict[str, float]:
    """The reduction without rules: a view over Parquet, a plain typed table from CSV."""
    import duckdb

    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.engine.duckdb_engine import DuckDBEngine
    from iceberg.ingest.tables import Tables

    started = time.perf_counter()
    connection = duckdb.connect()
    for table, path in paths.items():
        kind = "VIEW" if path.suffix == ".parquet" else "TABLE"
        connection.execute(f"CREATE {kind} {table} AS SELECT * FROM '{path}'")
    loaded = time.perf_counter()
    with Tables(DuckDBEngine(connection), frozenset(paths)) as tables:
        reduce_tables(tables)
    return {"load": loaded - started, "reduce": time.perf_counter() - loaded}


def pandas_kaplan_meier(paths: Paths) -> dict[str, float]:
    """What a user would do instead: a row per customer in pandas, two Kaplan-Meier curves in lifelines."""
    import numpy as np
    from lifelines import KaplanMeierFitter

    started = time.perf_counter()
    frames = {table: _frame(path, COLUMNS[table]) for table, path in paths.items()}
    loaded = time.perf_counter()
    people, since, last = _at_risk(frames)
    left = people.end_date.notna()
    ends = (people.end_date.fillna(last) - people.start_date).dt.days
    entries = np.maximum((since - people.start_date).dt.days, 0) - 0.5
    complained = people.customer_id.isin(frames["complaints"].customer_id[frames["complaints"].complaint_date >= since])
    for group in (complained, ~complained):
        KaplanMeierFitter().fit(ends[group], event_observed=left[group], entry=entries[group])
    return {"load": loaded - started, "fit": time.perf_counter() - loaded}


def pandas_cox_fixed(paths: Paths) -> dict[str, float]:
    """The ordinary Cox model, a row per customer, "ever complained" from the first day on: biased (immortal time), but what is usually done."""
    import pandas as pd
    from lifelines import CoxPHFitter

    started = time.perf_counter()
    frames = {table: _frame(path, COLUMNS[table]) for table, path in paths.items()}
    loaded = time.perf_counter()
    people, since, last = _at_risk(frames)
    complained = people.customer_id.isin(frames["complaints"].customer_id[frames["complaints"].complaint_date >= since])
    rows = pd.DataFrame(
        {
            "last": (people.end_date.fillna(last) - people.start_date).dt.days,
            "left": people.end_date.notna(),
            "vocal": complained.astype(int),
        }
    )
    CoxPHFitter().fit(rows, duration_col="last", event_col="left", batch_mode=True)
    return {"load": loaded - started, "fit": time.perf_counter() - loaded}


def pandas_cox(paths: Paths) -> dict[str, float]:
    """The time-varying Cox model on one row per spell, lifelines' own way of entering a complaint at its date."""
    import numpy as np
    import pandas as pd
    from lifelines import CoxTimeVaryingFitter

    started = time.perf_counter()
    frames = {table: _frame(path, COLUMNS[table]) for table, path in paths.items()}
    people, since, last = _at_risk(frames)
    complaints = frames["complaints"][frames["complaints"].complaint_date >= since]
    first = people.customer_id.map(complaints.groupby("customer_id").complaint_date.min())
    begin = np.maximum((since - people.start_date).dt.days, 0)
    end = (people.end_date.fillna(last) - people.start_date).dt.days + 1
    turn = (first - people.start_date).dt.days
    vocal, stop = turn.notna(), turn.where(turn.notna(), end)
    rows = pd.concat(
        [
            pd.DataFrame({"id": people.index, "start": begin, "stop": stop, "vocal": 0, "left": people.end_date.notna() & ~vocal}),
            pd.DataFrame({"id": people.index, "start": turn, "stop": end, "vocal": 1, "left": people.end_date.notna()})[vocal],
        ]
    )
    rows = rows[rows.stop > rows.start]
    CoxTimeVaryingFitter().fit(rows, id_col="id", event_col="left", start_col="start", stop_col="stop")
    return {"load and fit": time.perf_counter() - started}


def _at_risk(frames: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Customers of the 24 months up to the last day, numbered anew; the first of these days and the last."""
    import pandas as pd

    people, last = frames["customers"], pd.Timestamp(LAST_DAY)
    since = last - pd.DateOffset(months=24) + pd.Timedelta(days=1)
    return people[people.end_date.isna() | (people.end_date >= since)].reset_index(drop=True), since, last


def _frame(path: Path, columns: tuple[str, ...]) -> Any:
    import pandas as pd

    days = [name for name in columns if name.endswith("_date")]
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"customer_id": str}, parse_dates=days)
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in days})


CASES: dict[str, Callable[[Paths], dict[str, float]]] = {
    "bare scan": bare_scan,
    "file to counts": file_to_counts,
    "reduction alone": reduction_alone,
    "after the counts": after_the_counts,
    "keep counts": keep_counts,
    "pandas + lifelines, Kaplan-Meier": pandas_kaplan_meier,
    "pandas + lifelines, Cox": pandas_cox_fixed,
    "pandas + lifelines, time-varying Cox": pandas_cox,
}


_PANDAS = ("pandas", "pyarrow.parquet", "lifelines")
_OURS = ("duckdb", "iceberg.ingest.load", "iceberg.cohort.reduce")
MODULES = {name: _PANDAS if name.startswith("pandas") else _OURS for name in CASES} | {"after the counts": (*_OURS, "iceberg.model.estimate")}


def main() -> None:
    name, customers, complaints = sys.argv[1:]
    for module in MODULES[name]:
        import_module(module)  # importing is not what is measured
    before = time.process_time()
    stages = CASES[name]({"customers": Path(customers), "complaints": Path(complaints)})
    used = time.process_time() - before  # both cores; hardly moves when other work shares the machine
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": sum(stages.values()), "cpu_seconds": used, "stages": stages, "peak_mb": peak}))


if __name__ == "__main__":
    main()
