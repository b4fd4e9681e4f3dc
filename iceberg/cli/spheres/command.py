"""The `spheres` command: writes the sheet of promises, targets, priorities and beliefs, to be filled in."""

from __future__ import annotations

from iceberg.cli.arguments.options import Options
from iceberg.cli.estimate import load_given, saved_mapping
from iceberg.cli.terminal import DONE, ProgressLine, print_result, write_whole
from iceberg.errors import EvidenceError
from iceberg.locale import Translator


def run_spheres(options: Options, words: Translator) -> int:
    """Write a row per category of the complaints, and say what to fill in.

    Raises:
        IcebergError: When the complaints cannot be read, or have no category. Nothing is written then.
    """
    from iceberg.cohort.journey.sphere_sheet import complaint_categories, sphere_template
    from iceberg.report.files.formula_guard import safe_cell

    mapping = saved_mapping(options)
    with ProgressLine(words, quiet=options.quiet) as progress:
        tables, _ = load_given(options, mapping, progress)
        with tables:
            categories = complaint_categories(tables)
    if not categories:
        raise EvidenceError("spheres_no_complaints")
    assert options.out is not None  # noqa: S101  # parse_options checked it
    write_whole(options.out, sphere_template([safe_cell(name) for name in categories], words))
    print_result(words.text("spheres.written", file=str(options.out), categories=len(categories)) + "\n")
    return DONE
