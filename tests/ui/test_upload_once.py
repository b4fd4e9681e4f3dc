"""An uploaded file is read once, from its preview to the estimate, and nothing of it stays behind."""

import gc
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from iceberg.ingest.files import load as load_module
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ui.upload import upload as upload_module
from iceberg.ui.upload.files import UploadedFile
from iceberg.ui.upload.upload import ReadOptions, Upload
from tests.ui.conftest import COMPLAINTS, CUSTOMERS, assert_healthy, spoken, upload

OpenPage = Callable[..., AppTest]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each upload was read; the sample company's files are not uploads."""
    counter: Counter[str] = Counter()
    read_source = load_module.read_source

    def read(connection: object, source: UploadedBytes, *rest: object, **options: object) -> object:
        if isinstance(source, UploadedBytes):
            counter[source.name] += 1
        return read_source(connection, source, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(load_module, "read_source", read)
    return counter


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder of this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def give(app: AppTest, *, customers: str = CUSTOMERS, complaints: str = COMPLAINTS) -> AppTest:
    return upload(app, customers=("customers.csv", customers.encode()), complaints=("complaints.csv", complaints.encode()))


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert_healthy(app)
    return app


def test_a_file_is_read_once_from_the_preview_to_the_estimate(open_page: OpenPage, reads: Counter[str]) -> None:
    app = press(press(give(open_page("upload")), "columns.confirm"), "estimate.run")
    assert "customers.csv + complaints.csv" in spoken(app)
    assert reads == {"customers.csv": 1, "complaints.csv": 1}


def test_a_choice_that_changes_no_reading_reads_nothing_again(open_page: OpenPage, reads: Counter[str]) -> None:
    """Another column and another day taken for today judge the rows again, from what was read."""
    app = give(open_page("upload"), customers=CUSTOMERS.replace("2025-03-14", ""), complaints=COMPLAINTS.replace("2025-01-", "2091-01-"))
    press(app, "columns.confirm")
    assert "16 rows read = 10 kept + 6 rejected" in spoken(app)
    next(one for one in app.multiselect if one.label.startswith("Segment")).set_value([]).run()
    assert_healthy(app)
    press(app, "columns.confirm")
    assert "80 rows read = 80 kept" in spoken(app)
    assert reads == {"customers.csv": 1, "complaints.csv": 1}


def test_another_encoding_reads_that_file_once_more(open_page: OpenPage, reads: Counter[str]) -> None:
    app = give(open_page("upload"))
    encoding = next(one for one in app.selectbox if str(one.key).startswith("read.customers.") and str(one.key).endswith(".encoding"))
    encoding.set_value("cp1252").run()
    assert_healthy(app)
    press(press(app, "columns.confirm"), "estimate.run")
    assert reads == {"customers.csv": 2, "complaints.csv": 1}


def test_the_folder_is_private_and_goes_when_the_study_is_on_screen(open_page: OpenPage, folder: Path) -> None:
    app = press(give(open_page("upload")), "columns.confirm")
    [private] = folder.glob("iceberg-*")
    assert private.stat().st_mode & 0o077 == 0
    assert b"c17," in b"".join(path.read_bytes() for path in private.rglob("*") if path.is_file())
    press(app, "estimate.run")
    gc.collect()
    assert not list(folder.glob("iceberg-*"))


def test_the_folder_goes_when_other_files_take_the_place_of_these(open_page: OpenPage, folder: Path) -> None:
    app = give(open_page("upload"))
    [before] = folder.glob("iceberg-*")
    give(app, customers=CUSTOMERS + "c99,2024-01-03,,North,5\n")
    gc.collect()
    [after] = folder.glob("iceberg-*")
    assert after != before


def test_the_folder_goes_with_the_session(folder: Path) -> None:
    of_session = Upload((UploadedFile.of("customers", "customers.csv", CUSTOMERS.encode()),))
    of_session.preview(of_session.files[0], ReadOptions())
    assert list(folder.glob("iceberg-*"))
    del of_session
    gc.collect()
    assert not list(folder.glob("iceberg-*"))


def test_readings_with_other_options_do_not_fill_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_module, "MOST_READINGS", 3)
    of_session = Upload((UploadedFile.of("customers", "customers.csv", CUSTOMERS.encode()),))
    for encoding in ("utf-8", "cp1252", "cp1250", "latin-1", "cp850"):
        of_session.preview(of_session.files[0], ReadOptions(encoding=encoding))
        assert len([path for path in folder.rglob("[!.]*") if path.is_file()]) <= 2 * 3, "the bytes and their text, once for each reading"
