"""The `publish` command: estimates and stores the estimate as a version of a study."""

from __future__ import annotations

import os
from contextlib import closing
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from iceberg.cli.arguments.options import STANDARD_INPUT, Options
from iceberg.cli.estimate import CountedFiles, Estimated, count_files, estimate_counts, print_reading, read_template_of, write_files
from iceberg.cli.source_names import name_files
from iceberg.cli.store import author_of, open_store
from iceberg.cli.terminal import DONE, NOT_SENT, ProgressLine, note_write, print_result, say
from iceberg.errors import FileError, StoreError
from iceberg.locale import Translator
from iceberg.provenance import SourceFile

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate
    from iceberg.notify.settings import Settings
    from iceberg.store.studies import Publication, Published

DEFAULT_TITLE = "Silent churn"
ADDRESS = "ICEBERG_URL"  # the address of the dashboard, which the printed link begins with


def run_publish(options: Options, words: Translator) -> int:
    """Estimate, unless the same was published before; publish, write the files that were asked for, print the link and send messages about it."""
    from iceberg.cli.text import build_rows_text
    from iceberg.notify.settings import read_settings
    from iceberg.report.words import headline_sentence

    settings = read_settings(options.notify, options.notify_when, options.notify_lang, usual_language=words.language)
    _require_inputs(options)
    template = read_template_of(options)
    open_store(options).close()  # an error in it is reported before the work
    with ProgressLine(words, quiet=options.quiet) as progress:
        counted = count_files(options, progress)
        _check_limits(settings, counted, options)
        estimate = _find_published(counted, options) or estimate_counts(counted, options, progress)
    print_reading(counted.report, options, words)
    made = Estimated(estimate, counted)
    published, said = _publish(made, options, words)
    write_files(made, options, words, link=_version_link(published, words), template=template)
    print_result(f"{headline_sentence(estimate, words)}\n{build_rows_text(counted.report, words)}{said}")
    return DONE if settings is None else _announce(published, settings, options, words)


def _require_inputs(options: Options) -> None:
    """Check before anything is read that every input exists, so that a scheduled run fails with one line."""
    for text in (*options.given.values(), *([str(options.mapping)] if options.mapping is not None else [])):
        addressed = text == STANDARD_INPUT or ":" in text.partition("/")[0]  # a stream, or a table in a database
        places = [text, text.rpartition("#")[0]]  # book.xlsx#Sheet
        if not addressed and not any(place and (_may_exist(place) or glob(place, recursive=True)) for place in places):  # noqa: PTH207  # a pattern may be absolute
            raise FileError("no_file_fits" if has_magic(text) else "file_not_found", {"file": text})


def _may_exist(place: str) -> bool:
    """Whether there is such a file, or a folder on the way is closed: reading it says which."""
    try:
        return Path(place).expanduser().exists()
    except PermissionError:
        return True


def _find_published(counted: CountedFiles, options: Options) -> IcebergEstimate | None:
    """The estimate that was published from the same counts, files, mapping, assumptions and seed."""
    from iceberg.store.naming import identify

    identity = identify(counted.counts, counted.assumptions, options.seed, _sources(counted, options), _mapping_as_read(counted))
    with closing(open_store(options)) as store:
        version = store.find(options.title or DEFAULT_TITLE, identity)
    return None if version is None else version.estimate


def _check_limits(settings: Settings | None, counted: CountedFiles, options: Options) -> None:
    """Check before the work that the limits of messages are about what there is."""
    if settings is None or not settings.conditions.limits:
        return
    from iceberg.notify.announce import check_limits
    from iceberg.store.annotations.names import study_named
    from iceberg.store.connection import reading
    from iceberg.store.naming import tidy_title

    with closing(open_store(options)) as store:
        with reading(store.engine) as connection:
            study_id = study_named(connection, tidy_title(options.title or DEFAULT_TITLE))
        earlier = store.versions(study_id) if study_id in {study.study_id for study in store.studies()} else ()
    check_limits(settings, counted.counts, earlier)


def _announce(published: Published, settings: Settings, options: Options, words: Translator) -> int:
    """Send the messages and say what became of each; the version stays published whatever happens."""
    from iceberg.notify.announce import announce

    with closing(open_store(options)) as store:
        outcomes = announce(store, published.study_id, published.number, settings, actor=author_of(options))
    for outcome in outcomes:
        reason = outcome.problem.message(words.language) if outcome.problem is not None else ""
        line = words.text(f"notify.outcome.{outcome.code}", target=outcome.target.name, reason=reason)
        if outcome.code == "failed":
            say(line)
        else:
            print_result(line + "\n")
    return NOT_SENT if any(outcome.code == "failed" for outcome in outcomes) else DONE


def _publish(made: Estimated, options: Options, words: Translator) -> tuple[Published, str]:
    """Store the estimate; the lines name its version and its link."""
    from iceberg.report.export import build_document
    from iceberg.report.small_cells import SMALLEST
    from iceberg.store.studies import Publication

    counted = made.counted
    publication = Publication(
        title=options.title or DEFAULT_TITLE,
        counts=counted.counts,
        estimate=made.estimate,
        summary=build_document(made.estimate, counted.counts, rows=counted.rows, language=words.language, smallest=SMALLEST),
        sources=_sources(counted, options),
        mapping=_mapping_as_read(counted),
        author=author_of(options),
    )
    try:
        with closing(open_store(options)) as store:
            published = store.publish(publication)
        _note_version(publication.title, published.number, words)
    except KeyboardInterrupt:  # it may have come between the commit and the answer, so the store is asked
        _note_if_stored(publication, options, words)
        raise
    outcome = "new" if published.is_new else "same"
    link = f"{os.environ.get(ADDRESS, '').rstrip('/')}/?study={published.study_id}"
    lines = [
        words.text(f"store.cli.published_{outcome}", title=publication.title, version=str(published.number)),
        words.text("store.cli.link", link=link, store=store.name),
    ]
    return published, "".join(f"{line}\n" for line in lines)


def _version_link(published: Published, words: Translator) -> str:
    """The address that opens this version, for the reports; "" where the address of the dashboard is not set."""
    address = os.environ.get(ADDRESS, "").strip().rstrip("/")
    if urlsplit(address).scheme not in {"http", "https"}:
        return ""
    return f"{address}/?study={published.study_id}&version={published.number}&lang={words.language}"


def _note_version(title: str, number: int, words: Translator) -> None:
    note_write(words.text("store.cli.published_before", title=title, version=str(number)))


def _note_if_stored(publication: Publication, options: Options, words: Translator) -> None:
    """Note the version if the store has it, and that this is not known where the store does not answer."""
    try:
        with closing(open_store(options)) as store:
            stored = store.find(publication.title, publication.identity)
    except StoreError:
        note_write(words.text("store.cli.published_perhaps"))
    else:
        if stored is not None:
            _note_version(publication.title, stored.entry.number, words)


def _mapping_as_read(counted: CountedFiles) -> str:
    from iceberg.ingest.mapping import mapping_as_read

    return mapping_as_read(counted.report, counted.mapping).to_toml()


def _sources(counted: CountedFiles, options: Options) -> tuple[SourceFile, ...]:
    """The files with their rows; a table of several files has no rows per file."""
    files = name_files(options)
    sources = []
    for file in files:
        is_alone = sum(other.table == file.table for other in files) == 1
        totals = counted.report.rows.get(file.table) if is_alone else None
        rows = (totals.read, totals.kept, totals.rejected) if totals is not None else (None, None, None)
        sources.append(SourceFile(file.table, file.name, file.sha256, file.size_bytes, *rows))
    return tuple(sources)
