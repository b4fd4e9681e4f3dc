"""Where the numbers of a report come from: the study, its files and their fingerprints, its author and its date."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from iceberg.locale import Translator
from iceberg.provenance import SourceFile
from iceberg.version import __version__

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts

PLACEHOLDER_DAY = datetime(2000, 1, 1, tzinfo=UTC)  # the date written into a file where neither a clock nor a window is known
_NAME_LENGTH = 60


@dataclass(frozen=True)
class Provenance:
    """Where a report comes from. Everything is optional; unknown facts are left out.

    Attributes:
        title: Of the study; "" takes the product's words.
        author: Who made it; may be "".
        created: When, with its time zone. None writes the day after the window: the same inputs then give the same bytes.
        files: What was read.
        study_version: The store's version of the study.
        product_version: "" takes this product's.
        rows: ``{"customers": {"read": .., "kept": .., "rejected": ..}, ...}``.
        sample: Whether this is the sample company; every report then says so.
        link: The address that opens what is on the paper; "" where there is none.
    """

    title: str = ""
    author: str = ""
    created: datetime | None = None
    files: tuple[SourceFile, ...] = ()
    study_version: str = ""
    product_version: str = ""
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    sample: bool = False
    link: str = ""

    def completed(self, counts: CohortCounts, words: Translator) -> Provenance:
        """The same with what can be filled in: title, version, and base names of the files."""
        return replace(
            self,
            title=_one_line(self.title) or words.text("export.title"),
            author=_one_line(self.author),
            product_version=self.product_version or __version__,
            files=tuple(replace(file, name=_one_line(re.split(r"[\\/]", file.name)[-1] or file.name)) for file in self.files),
        )

    def stamp(self, counts: CohortCounts) -> datetime:
        """The time that goes into a file's metadata: when the report was made, else midnight after the window's last day."""
        if self.created is not None:
            return self.created.astimezone(UTC).replace(microsecond=0)
        if counts.has_calendar:
            return datetime.combine(counts.window.as_of + timedelta(days=1), time(), tzinfo=UTC)
        return PLACEHOLDER_DAY


def _one_line(text: str) -> str:
    """Text without line breaks and control characters, which have no place in a title or a name."""
    return " ".join("".join(letter if unicodedata.category(letter)[0] != "C" else " " for letter in text).split())


def report_name(provenance: Provenance, counts: CohortCounts, extension: str, words: Translator) -> str:
    """A file name that every system takes: letters, digits and hyphens, the last day of the window, the extension."""
    plain = unicodedata.normalize("NFKD", provenance.title or words.text("export.file_stem")).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower()[:_NAME_LENGTH].strip("-") or words.text("export.file_stem")
    day = f"-{counts.window.as_of.isoformat()}" if counts.has_calendar else ""
    return f"{stem}{day}.{extension}"
