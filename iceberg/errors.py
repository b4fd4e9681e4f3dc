"""The errors that the package raises when a file, an option or a request cannot be honoured.

An error is data: a code, the place, and values. `iceberg.locale` turns it into a sentence in either language; only the command line
and the pages catch it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class IcebergError(Exception):
    """A problem that the person at the keyboard can mend.

    Attributes:
        code: Key of the sentence, looked up as ``errors.<code>`` in `iceberg.locale`.
        values: What the sentence names (file, line, column, value, ...). Never a personal field other than what the reader must mend.
    """

    code: str
    values: dict[str, Any] = field(default_factory=dict)

    def message(self, language: str = "en") -> str:
        """The sentence: what is wrong, where, and what to do next."""
        from iceberg.locale import Translator

        words = Translator(language)
        named = {name: words.text(f"ingest.rules.{self.values['rule']}.{name}") for name in ("says", "remedy") if "rule" in self.values}
        return words.text(f"errors.{self.code}", **self.values, **named)

    def message_on_page(self, language: str) -> str:
        """The same by the controls of the page, which has neither options nor lines of a mapping."""
        from iceberg.locale import Translator

        words, key = Translator(language), f"errors.page.{self.code}"
        return words.text(key, **self.values) if words.has(key) else self.message(language)

    def __str__(self) -> str:
        """The English sentence, for logs and tracebacks of library users."""
        return self.message("en")


class FileError(IcebergError):
    """A file that cannot be read as a table."""


@dataclass(eq=False)
class MappingError(IcebergError):
    """Columns that cannot be matched to the fields the estimate needs.

    Attributes:
        proposal: The `iceberg.ingest.mapping.MappingSet` found so far, to be edited and given back; None where there is none.
    """

    proposal: Any = None


class OptionError(IcebergError):
    """An option or assumption outside what makes sense."""


class EvidenceError(IcebergError):
    """Files that are readable but hold nothing to estimate from."""


class NotifyError(IcebergError):
    """A message about a published version that is set up wrongly or cannot be sent. It never holds a password or the path of a webhook."""

    def message(self, language: str = "en") -> str:
        """The sentence, from ``notify.errors``."""
        from iceberg.locale import Translator

        return Translator(language).text(f"notify.errors.{self.code}", **self.values)


class StoreError(IcebergError):
    """A store of published studies that cannot be opened, read or written, or has not what was asked for."""

    def message(self, language: str = "en") -> str:
        """The sentence, from ``store.errors``."""
        from iceberg.locale import Translator

        return Translator(language).text(f"store.errors.{self.code}", **self.values)
