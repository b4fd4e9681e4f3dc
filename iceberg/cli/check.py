"""The `check` command: how the files are read and which rows are rejected. Nothing is estimated."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from iceberg.cli.arguments.options import STANDARD_INPUT, Options
from iceberg.cli.estimate import saved_mapping
from iceberg.cli.terminal import DONE, print_result
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.ingest.tables import IngestReport


def run_check(options: Options, words: Translator) -> int:
    """Print for each group of files how it is read and what becomes of its rows."""
    from iceberg.cli.text import build_check_text
    from iceberg.ingest.remote.places import fetched_once

    if options.engine == "spark":  # printed when every table has been read: a cluster may fail in between
        print_result("\n".join([build_check_text(report, words) for report in _check_in_spark(options)]))
        return DONE
    with fetched_once(options.temp_dir):  # to recognise the table and to load it
        for number, report in enumerate(_check_files(options)):
            print_result(("\n" if number else "") + build_check_text(report, words))
    return DONE


def _check_files(options: Options) -> Iterator[IngestReport]:
    from iceberg.ingest.files.sources import UploadedBytes
    from iceberg.ingest.load import load_tables
    from iceberg.ingest.recognise import recognise_tables

    mapping = saved_mapping(options)
    # Standard input can be read once, and is needed twice: to recognise the table and to load it.
    files = [UploadedBytes("stdin", sys.stdin.buffer.read()) if file == STANDARD_INPUT else file for file in options.files]
    given: dict[str, object] = dict(options.given)
    groups: list[dict[str, object]] = [dict(group) for group in recognise_tables(files, mapping=mapping)] if files else []
    for sources in [given | groups[0], *groups[1:]] if groups else [given]:  # a table that an option names, beside those that were recognised
        tables, report = load_tables(
            **sources,  # type: ignore[arg-type]  # only sources are in the dictionary
            mapping=mapping,
            as_of=options.as_of,
            relate=True,
            memory_limit=options.memory_limit,
            temp_directory=options.temp_dir,
        )
        tables.close()
        yield report


def _check_in_spark(options: Options) -> Iterator[IngestReport]:
    from iceberg.ingest.spark.load import load_spark_tables, recognise_spark_tables

    mapping = saved_mapping(options)
    for sources in recognise_spark_tables(options.files, session=options.spark_session, mapping=mapping):
        tables, report = load_spark_tables(sources, session=options.spark_session, mapping=mapping)
        tables.close()
        yield report
