"""Owns ``publish`` and ``studies``: what was estimated goes into the store, and what the store holds is listed, taken along and deleted."""

from __future__ import annotations

import os
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from iceberg.cli.options import STANDARD_INPUT, Options
from iceberg.cli.source_names import name_files
from iceberg.cli.store import _who, open_store
from iceberg.errors import FileError
from iceberg.locale import Translator
from iceberg.provenance import SourceFile

if TYPE_CHECKING:
    from iceberg.cli.estimate import Estimated
    from iceberg.cohort.counts import CohortCounts
    from iceberg.ingest.mapping import MappingSet
    from iceberg.ingest.tables import IngestReport
    from iceberg.model.assumptions import Assumptions
    from iceberg.model.results import IcebergEstimate
    from iceberg.store.studies import Published, Store

DEFAULT_TITLE = "Silent churn"
ADDRESS = "ICEBERG_URL"  # where the dashboard answers; makes the link whole


def require_inputs(options: Options) -> None:
    """One line, before anything is read, when an input is missing: a scheduler's run ends here.

    Raises:
        FileError: ``file_not_found`` or ``no_file_fits``.
    """
    for text in (*options.given.values(), *([str(options.mapping)] if options.mapping is not None else [])):
        addressed = text == STANDARD_INPUT or ":" in text.partition("/")[0]  # a stream, or a table in a database
        places = [text, text.rpartition("#")[0]]  # book.xlsx#Sheet
        if not addressed and not any(place and (Path(place).expanduser().exists() or glob(place, recursive=True)) for place in places):  # noqa: PTH207  # a pattern may be absolute
            raise FileError("no_file_fits" if has_magic(text) else "file_not_found", {"file": text})


def find_published(
    options: Options, counts: CohortCounts, report: IngestReport, mapping: MappingSet | None, assumptions: Assumptions
) -> IcebergEstimate | None:
    """The estimate that was published from the same files, read and assumed alike: nothing needs to be estimated again.

    Raises:
        StoreError: When the store cannot be read.
    """
    from iceberg.ingest.mapping import mapping_as_read
    from iceberg.store.naming import identify

    identity = identify(counts, assumptions, options.seed, _sources(report, options), mapping_as_read(report, mapping).to_toml())
    store = open_store(options)
    try:
        found = store.find(options.title or DEFAULT_TITLE, identity)
    finally:
        store.close()
    return None if found is None else found.estimate


def publish_estimate(made: Estimated, options: Options, words: Translator) -> str:
    """Keep what was estimated, and say where.

    Raises:
        StoreError: When the store cannot take it; nothing is kept then.
    """
    from iceberg.ingest.mapping import mapping_as_read
    from iceberg.report.export import build_document
    from iceberg.store.studies import Publication

    store = open_store(options)
    publication = Publication(
        title=options.title or DEFAULT_TITLE,
        counts=made.counts,
        estimate=made.estimate,
        summary=build_document(made.estimate, made.counts, rows=made.rows, language=words.language),
        sources=_sources(made.report, options),
        mapping=mapping_as_read(made.report, made.mapping).to_toml(),
        author=options.author or _who(),
    )
    published = store.publish(publication)
    told = _told(store, published, publication.title, words)
    store.close()
    return told


def _told(store: Store, published: Published, title: str, words: Translator) -> str:
    outcome = "new" if published.is_new else "same"
    base = os.environ.get(ADDRESS, "").rstrip("/")
    lines = [
        words.text(f"store.cli.published_{outcome}", title=title, version=str(published.number)),
        words.text("store.cli.link", link=f"{base}/?study={published.study_id}", store=store.name),
    ]
    return "".join(f"{line}\n" for line in lines)


def _sources(report: IngestReport, options: Options) -> tuple[SourceFile, ...]:
    named = name_files(options)
    found = []
    for file in named:
        alone = sum(one.table == file.table for one in named) == 1
        totals = report.rows.get(file.table) if alone else None
        rows = (totals.read, totals.kept, totals.rejected) if totals is not None else (None, None, None)
        found.append(SourceFile(file.table, file.name, file.sha256, file.size_bytes, *rows))
    return tuple(found)


