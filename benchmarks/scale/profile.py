"""Where the time from file to counts goes: every statement that takes more than a hundredth of the whole, beside the bare scan.

    python -m benchmarks.scale.profile customers.parquet complaints.parquet

Prints a table. Statements that the product runs side by side run one after the other here, so that each can be timed on its own.
"""

from __future__ import annotations

import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.scale.case import bare_scan
from iceberg.cohort import reduce
from iceberg.ingest.engine import connection as database
from iceberg.ingest.files import read
from iceberg.ingest.judging import judge
from iceberg.ingest.load import load_tables
from iceberg.ingest.scan import scan

_STEPS = (  # what a statement is for, by what its text holds
    ("customers read from a CSV that is not plain", r"CREATE OR REPLACE TABLE read_customers AS"),
    ("customers that a complaint names", r"read_customers_named AS"),
    ("complaints read and judged", r"(TABLE|FROM) read_complaints|verdicts"),
    ("customers by segment and first day", r"TABLE starts_by_name"),
    ("customers who left", r"TABLE departures AS"),
    ("person-days after departures", r"FROM departures WHERE"),
    ("complainants followed", r"matched|complained|complaints_counted"),
)


_WHOLE = {  # functions that are one step, whatever they ask the engine for
    "CSV parsed, ids compared and dropped, the rest written as Parquet": (judge, "drop_ids"),
    "every customer read once, selected ones collected": (scan, "scan_rows"),
    "complaints parsed from their CSV and judged": (judge, "fill_table"),
    "encoding of the whole file": (read, "detect_encoding"),
}
_within: list[str] = []


def _timed(step: str, function: Callable[..., Any], spent: dict[str, list[float]]) -> Callable[..., Any]:
    def call(*values: Any, **named: Any) -> Any:
        clock, processor = time.perf_counter(), time.process_time()
        _within.append(step)
        try:
            return function(*values, **named)
        finally:
            _within.pop()
            spent[step][0] += time.perf_counter() - clock
            spent[step][1] += time.process_time() - processor

    return call


class _OneAfterTheOther(ThreadPoolExecutor):
    """What the product runs beside other statements runs at once."""

    def submit(self, function: Callable[..., Any], /, *values: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(function(*values, **named))
        return done


class _Timed:
    """A connection that adds up seconds and processor seconds per step."""

    __class__ = duckdb.DuckDBPyConnection  # type: ignore[assignment]  # the product asks what kind of connection it has

    def __init__(self, connection: Any, spent: dict[str, list[float]]) -> None:
        self._connection, self._spent = connection, spent

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name == "cursor":
            return lambda: _Timed(found(), self._spent)
        if name not in {"execute", "sql", "fetchall", "fetchnumpy", "to_arrow_reader"}:
            return found

        def call(*values: Any, **named: Any) -> Any:
            text = str(values[0]) if values and isinstance(values[0], str) else ""
            self._spent.setdefault("", [0.0, 0.0])
            step = next((step for step, pattern in _STEPS if re.search(pattern, text)), "other statements") if text else None
            clock, processor = time.perf_counter(), time.process_time()
            result = found(*values, **named)
            if _within:
                return result
            if step is not None:
                self._step = step
            entry = self._spent[step or getattr(self, "_step", "other statements")]
            entry[0] += time.perf_counter() - clock
            entry[1] += time.process_time() - processor
            lazy = isinstance(result, duckdb.DuckDBPyConnection) or type(result).__name__ == "DuckDBPyRelation"
            wrapped = _Timed(result, self._spent) if lazy else result
            if lazy and step is not None:
                wrapped._step = step
            return wrapped

        return call

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def main() -> None:
    paths = {"customers": Path(sys.argv[1]), "complaints": Path(sys.argv[2])}
    bare_scan(paths)
    processor = time.process_time()
    scan = sum(bare_scan(paths).values())
    scan_processor = time.process_time() - processor
    spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    connect = database.duckdb.connect
    database.duckdb.connect = lambda *values, **named: _Timed(connect(*values, **named), spent)  # type: ignore[assignment]
    for step, (module, name) in _WHOLE.items():
        setattr(module, name, _timed(step, getattr(module, name), spent))
    reduce.ThreadPoolExecutor = _OneAfterTheOther  # type: ignore[attr-defined]
    clock, processor = time.perf_counter(), time.process_time()
    tables, _ = load_tables(paths["customers"], paths["complaints"])
    reduce.reduce_tables(tables)
    whole, whole_processor = time.perf_counter() - clock, time.process_time() - processor
    spent.pop("", None)
    spent["Python and numpy (columns recognised, cells)"] = [
        whole - sum(seconds for seconds, _ in spent.values()),
        whole_processor - sum(seconds for _, seconds in spent.values()),
    ]
    print("| step | seconds | x scan | processor s | x scan |\n|---|---:|---:|---:|---:|")
    for step, (seconds, used) in sorted(spent.items(), key=lambda entry: -entry[1][1]):
        print(f"| {step} | {seconds:.2f} | {seconds / scan:.2f} | {used:.2f} | {used / scan_processor:.2f} |")
    print(f"| all | {whole:.2f} | {whole / scan:.2f} | {whole_processor:.2f} | {whole_processor / scan_processor:.2f} |")
    print(f"| bare scan | {scan:.2f} | 1 | {scan_processor:.2f} | 1 |")


if __name__ == "__main__":
    main()
