"""A small file that would become very large is refused in words, within a gigabyte; full sizes and seconds: ``python -m benchmarks.hostile``."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iceberg.cohort.reduce import reduce_tables
from iceberg.errors import FileError
from iceberg.ingest.engine.connection import USUAL_BYTES, connect
from iceberg.ingest.engine.limits import limit_of
from iceberg.ingest.files import expansion
from iceberg.ingest.files.expansion import open_gzip
from iceberg.ingest.files.load import Load
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.files.table_sources import Sources
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from tests.ingest.hostile import FILES, HEAD, ROW, packed_gzip

ROOT = Path(__file__).resolve().parents[2]
MOST_MEMORY = 10**9
UNPACKED = {"rows.csv.gz", "rows.zip", "one_line.csv.gz", "gzip_in.zip", "members.csv.gz", "long_texts.parquet", "named_often.parquet"}
# One process reads them all, so that Python starts once; the bounds on processor time and address space end it where a file got through.
READ_ALL = """
import contextlib, io, json, resource, sys
from iceberg.cli.main import main

resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
read, peak = {}, {}
for path in sorted(sys.argv[1:], key=lambda path: not path.endswith((".xlsx", ".ods"))):
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = main(["check", path])
    name = path.rpartition("/")[2]
    read[name] = [status, said.getvalue()]
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if name.endswith((".xlsx", ".ods")) else 0  # only books have one
    own = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))  # ru_maxrss is at least that of the parent
    peak[name] = 1024 * (int(own.split()[1]) + child)
print(json.dumps({"read": read, "peak": peak}))
"""


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command line says of each file, and the peak of memory until then."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = []
    for name, (write, _, size) in FILES.items():
        write(folder / name, size)
        paths.append(str(folder / name))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", READ_ALL, *paths], capture_output=True, text=True, check=True, env=environment, cwd=folder)
    assert not list(folder.glob("iceberg-*")), "nothing of it stays on the disk"
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_becomes_too_large_is_refused_in_one_sentence(refusals: dict[str, Any], name: str) -> None:
    status, said = refusals["read"][name]
    assert status == 2
    assert said.startswith(name), said
    assert len(said.strip().splitlines()) == 1
    if name in UNPACKED:
        assert "when it is unpacked" in said


def test_none_of_them_takes_a_gigabyte(refusals: dict[str, Any]) -> None:
    """Of this process and its child together."""
    assert {name: peak for name, peak in refusals["peak"].items() if peak >= MOST_MEMORY} == {}


def test_an_upload_is_refused_as_a_path_is(tmp_path: Path) -> None:
    packed_gzip(tmp_path / "rows.csv.gz", 300_000_000)
    with pytest.raises(FileError) as caught:
        load_tables(UploadedBytes("rows.csv.gz", (tmp_path / "rows.csv.gz").read_bytes()))
    assert caught.value.code == "unpacks_too_large"


def test_what_is_called_an_encoding_and_unpacks_is_none(tmp_path: Path) -> None:
    """A mapping file comes from elsewhere too."""
    (tmp_path / "customers.csv").write_bytes(zlib.compress(HEAD + ROW * 1000))
    for encoding in ("zlib_codec", "bz2", "base64", "punycode", "idna", "unicode_escape", "undefined", "no such"):
        mapping = MappingSet.from_dict({"customers": {"encoding": encoding}})
        with pytest.raises(FileError) as caught:
            load_tables(tmp_path / "customers.csv", mapping=mapping)
        assert caught.value.code in {"encoding_unknown", "binary_file"}


@pytest.mark.parametrize("before", [b"", gzip.compress(HEAD)], ids=["first member", "a later one"])
def test_a_name_without_end_in_a_gzip_is_refused_at_once(tmp_path: Path, before: bytes) -> None:
    """Python reads it byte by byte: 200 MB of it took half a minute."""
    path = tmp_path / "customers.csv.gz"
    path.write_bytes(before + b"\x1f\x8b\x08\x08\0\0\0\0\0\xff" + b"a" * (4 << 20))
    with open_gzip(path) as stream, pytest.raises(gzip.BadGzipFile, match="without end"):
        stream.read()
    with pytest.raises(FileError) as caught:
        load_tables(path)
    assert caught.value.code == "gzip_truncated"


def test_half_of_the_free_disk_is_never_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed_gzip(tmp_path / "customers.csv.gz", 1_000_000)
    free = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(expansion.shutil, "disk_usage", lambda _: free)
    with pytest.raises(FileError) as caught:
        load_tables(tmp_path / "customers.csv.gz")
    assert caught.value.code == "unpacks_too_large"


def test_no_connection_is_without_a_bound_on_memory(tmp_path: Path) -> None:
    """Also where nobody asks for one; a larger file has a larger one, up to where it is worked on within the usual bound."""
    with connect() as connection:
        assert limit_of(connection) <= USUAL_BYTES * 1.05
    path = tmp_path / "customers.csv"
    for size, expected in ((1000, USUAL_BYTES), (100_000_000, USUAL_BYTES + 2e8), (2_000_000_000, USUAL_BYTES)):
        with path.open("wb") as file:
            file.truncate(size)
        with Load.open(Sources({"customers": path})) as load:
            assert limit_of(load.connection) == pytest.approx(expected, rel=0.05)
    with Load.open(memory_limit="2GB") as load:
        assert limit_of(load.connection) == pytest.approx(2e9, rel=0.05)


def test_an_honest_file_that_shrinks_well_is_read(tmp_path: Path) -> None:
    """Few different days and segments, constant columns, one row group or many, a dictionary of all ids."""
    rows = 60_000
    ids = [f"C{number:09d}" for number in range(rows)]
    days = ["2024-01-05"] * rows
    table = pa.table({"customer_id": ids, "start_date": days, "segment": pa.array(["north"] * rows).dictionary_encode(), "notes": ["x" * 300] * rows})
    digests = set()
    for name, options in (("one", {}), ("many", {"row_group_size": 500}), ("dictionary", {"dictionary_pagesize_limit": 1 << 30})):
        pq.write_table(table, tmp_path / f"{name}.parquet", compression="zstd", **options)
        tables, _ = load_tables(tmp_path / f"{name}.parquet")
        with tables:
            digests.add(reduce_tables(tables).digest)
    assert len(digests) == 1


def test_the_head_of_a_dictionary_says_what_it_unpacks_to(tmp_path: Path) -> None:
    texts = [f"{number:05d}" for number in range(1000)]
    pq.write_table(pa.table({"name": texts, "plain": texts}), tmp_path / "a.parquet", use_dictionary=["name"])
    group = pq.read_metadata(tmp_path / "a.parquet").row_group(0)
    with (tmp_path / "a.parquet").open("rb") as file:
        sizes = [expansion._dictionary_bytes(file, group.column(place)) for place in range(2)]
    assert sizes == [1000 * (4 + 5), 0]
