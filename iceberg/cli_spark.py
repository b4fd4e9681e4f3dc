"""Owns ``--engine spark``: which tables it takes, and ``check`` on tables that live there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iceberg.cli_options import INPUTS, Options, UsageError
from iceberg.locale import Translator

if TYPE_CHECKING:
    from collections.abc import Callable

    from iceberg.ingest.mapping import MappingSet
    from iceberg.ingest.tables import IngestReport, Tables


def load_where_they_live(options: Options, mapping: MappingSet | None, on_file: Callable[[str], None]) -> tuple[Tables, IngestReport]:
    """Tables that stay in Spark; only counts come here.

    Raises:
        UsageError: ``spark_takes`` for a table that has to be put together with others first.
    """
    from iceberg.ingest.spark_tables import TAKEN, load_spark_tables

    given = {"surveys" if name == "survey" else name: getattr(options, name) for name in INPUTS if getattr(options, name) is not None}
    if others := [name for name in given if name not in TAKEN]:
        raise UsageError("spark_takes", {"option": f"--{others[0]}"})
    return load_spark_tables(**given, **_session(options), mapping=mapping, as_of=options.as_of, on_file=on_file)


def check_where_they_live(options: Options, mapping: MappingSet | None, words: Translator) -> str:
    """What ``check`` prints: how each table is read and what becomes of its rows."""
    from iceberg.cli_print import build_check_text
    from iceberg.ingest.spark_tables import load_spark_tables, recognise_spark_tables

    shown = []
    for tables in recognise_spark_tables(options.files, mapping=mapping, **_session(options)):
        loaded, report = load_spark_tables(**tables, **_session(options), mapping=mapping)  # type: ignore[arg-type]  # only sources are in the dictionary
        loaded.close()
        shown.append(build_check_text(report, words))
    return "\n".join(shown)


def _session(options: Options) -> dict[str, Any]:
    return {"url": options.spark_url, "memory_limit": options.memory_limit, "temp_directory": options.temp_dir}
