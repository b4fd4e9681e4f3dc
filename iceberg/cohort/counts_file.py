"""Writes and reads `CohortCounts` as bytes: an .npz archive that numpy, and any unzip, can read without this package."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.cohort.counts import ARRAY_FIELDS, FORMAT, PLAIN_FIELDS, CohortCounts, header_bytes, named_arrays
from iceberg.cohort.day_counts import ComplaintClockCounts, TenureDayCounts
from iceberg.cohort.findings.header import findings_from_header
from iceberg.cohort.silent_observations import ObservedSilence
from iceberg.cohort.window import ObservationWindow
from iceberg.errors import FileError

_HEADER = "header.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip entry can carry: no clock in the bytes


def write_counts(counts: CohortCounts) -> bytes:
    """Write counts as an archive; equal counts give equal bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        header = json.loads(header_bytes(counts)) | {"digest": counts.digest}
        _add(archive, _HEADER, json.dumps(header, ensure_ascii=False, indent=1, sort_keys=True).encode())
        for name, array in named_arrays(counts).items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            _add(archive, f"{name}.npy", content.getvalue())
    return target.getvalue()


def read_counts(data: bytes) -> CohortCounts:
    """Read the counts of an archive.

    Raises:
        FileError: Not such an archive, another format, or contents that do not match their digest.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            header = json.loads(archive[_HEADER])
            counts = _build(header, {name: archive[name] for name in archive.files if name != _HEADER})
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as fault:
        raise FileError("counts_unreadable", {"reason": str(fault)}) from fault
    if counts.digest != header["digest"]:
        raise FileError("counts_unreadable", {"reason": "digest"})
    return counts


def _build(header: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> CohortCounts:
    if header["format"] != FORMAT:
        raise ValueError(f"format {header['format']}")
    window = ObservationWindow(
        date.fromisoformat(header["since"]),
        date.fromisoformat(header["as_of"]),
        look_back_days=header["look_back_days"],
    )
    fields: dict[str, Any] = {name: header[name] for name in PLAIN_FIELDS} | {name: arrays[name] for name in ARRAY_FIELDS}
    return CohortCounts(
        window=window,
        tenure_days=TenureDayCounts(**_columns(arrays, "tenure_days")),
        clock=ComplaintClockCounts(**_columns(arrays, "clock")),
        observed=_observed(header, arrays),
        has_calendar=header.get("has_calendar", True),
        segment_columns=tuple(header.get("segment_columns", ())),
        segment_levels=tuple(header.get("segment_levels", ())),
        **findings_from_header(header),
        **fields,
    )


def _observed(header: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> ObservedSilence | None:
    if "observed" not in header:
        return None
    return ObservedSilence(
        struck=arrays["observed.struck"],
        voiced=arrays["observed.voiced"],
        survey=arrays["observed.survey"],
        clock=ComplaintClockCounts(**_columns(arrays, "observed_clock")),
        **header["observed"],
    )


def _columns(arrays: dict[str, npt.NDArray[Any]], group: str) -> dict[str, npt.NDArray[Any]]:
    return {name.removeprefix(f"{group}."): values for name, values in arrays.items() if name.startswith(f"{group}.")}


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
