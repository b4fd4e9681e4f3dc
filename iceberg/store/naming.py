"""Names studies and versions: the title, the address made of it, and the identity of a version."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from iceberg.errors import StoreError
from iceberg.store import codec

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.model.assumptions import Assumptions
    from iceberg.provenance import SourceFile

LONGEST_TITLE = 120


def tidy_title(title: str) -> str:
    """Trim a title and collapse its spaces.

    Raises:
        StoreError: ``title_missing``.
    """
    tidy = " ".join(title.split())[:LONGEST_TITLE]
    if not tidy:
        raise StoreError("title_missing")
    return tidy


def name_study(title: str) -> str:
    """The address of a study: its title in letters, digits and hyphens, and six digits, different for titles that read alike."""
    key = unicodedata.normalize("NFKC", title).casefold()
    plain = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode()
    letters = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-")
    return f"{letters or 'study'}-{hashlib.sha256(key.encode()).hexdigest()[:6]}"


def is_address(text: str) -> bool:
    """Whether `name_study` could have made this address; a renamed study keeps the one of its first title."""
    return re.fullmatch(r"[a-z0-9-]{1,48}-[0-9a-f]{6}", text) is not None


def identify(counts: CohortCounts, assumptions: Assumptions, seed: int, sources: Sequence[SourceFile], mapping: str) -> str:
    """SHA-256 of what a version is made from: counts, files, mapping, assumptions, seed and method; not its time, nor its author."""
    made_from = {
        "counts": counts.digest,
        "sources": sorted([file.table, file.sha256 or file.name] for file in sources),
        "mapping": mapping,
        "assumptions": codec.encode(assumptions, {}),
        "seed": seed,
        "method": codec.method_digest(),
    }
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
