"""Five hundred broken files of `benchmarks.fuzz`: each is read, every row accounted for, or refused with a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.fuzz.mutate import far_book, make_file
from benchmarks.fuzz.run import check_file
from iceberg.errors import FileError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables

SEED, BATCH = 500, 50


@pytest.mark.parametrize("start", range(0, 500, BATCH))
def test_a_broken_file_is_read_or_refused_and_loses_no_row(start: int) -> None:
    """`check_file` holds what must be true: kept + rejected = read, the rejected rows can be written, an error has its sentence in both languages."""
    outcomes = [check_file(make_file(np.random.default_rng([SEED, number]))) for number in range(start, start + BATCH)]
    assert all(outcomes)


def test_a_book_with_a_cell_anywhere_is_read_or_refused() -> None:
    """However far the cell lies: a full grid up to it would end the process."""
    for number in range(40):
        with pytest.raises(FileError) as caught:
            load_tables(UploadedBytes("far.xlsx", far_book(np.random.default_rng(number))), today=None)
        assert caught.value.code in {"book_unreadable", "sheet_too_wide", "empty_file", "one_column", "header_only"}


@pytest.mark.parametrize(("seed", "number"), [(20260630, 1024), (20260630, 6952), (20261122, 10657), (20261122, 18864)])
def test_a_broken_book_ends_neither_the_process_nor_in_a_traceback(seed: int, number: int) -> None:
    """Found by many files: the library asks for more memory than there is and aborts, or sees no sheets; a part whose name is no text."""
    broken = make_file(np.random.default_rng([seed, number]))
    assert check_file(broken) in {"book_unreadable", "zip_file"}
