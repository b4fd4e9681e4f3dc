"""The `check` command: what was read, how, and what was rejected; nothing is estimated."""

from __future__ import annotations

import sys

from iceberg.cli.estimate import _saved_mapping
from iceberg.cli.options import STANDARD_INPUT, Options
from iceberg.cli.terminal import DONE, print_result
from iceberg.locale import Translator


def _check(options: Options, words: Translator) -> int:
    from iceberg.cli.text import build_check_text
    from iceberg.ingest.files.sources import UploadedBytes
    from iceberg.ingest.load import load_tables
    from iceberg.ingest.recognise import recognise_tables

    mapping = _saved_mapping(options)
    if options.engine == "spark":
        from iceberg.cli.estimate import check_where_they_live

        print_result(check_where_they_live(options, mapping, words))
        return DONE
    # Standard input can be read once, and is looked at twice: to recognise the table, then to load it.
    files = [
        UploadedBytes("stdin", sys.stdin.buffer.read()) if file == STANDARD_INPUT else file for file in options.files
    ]
    for number, sources in enumerate(recognise_tables(files, mapping=mapping)):
        tables, report = load_tables(
            **sources,  # type: ignore[arg-type]  # only sources are in the dictionary
            mapping=mapping,
            relate=True,
            memory_limit=options.memory_limit,
            temp_directory=options.temp_dir,
        )
        tables.close()
        print_result(("\n" if number else "") + build_check_text(report, words))
    return DONE
