"""Addresses of tables: their parts, and what of them may be shown."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from iceberg.errors import FileError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+")
_OWN = ("table", "query", "columns", "password_env")  # options that are read here; the others are for the driver
# Options that hold no secret, whatever the driver. The others are not shown: a new driver may call its secret anything.
_HARMLESS = {"table", "columns", "version", "snapshot", "host", "port", "dbname", "region", "endpoint", "anonymous", "account", "scheme", "sslmode"}
_HARMLESS |= {"charset", "warehouse", "role", "catalog", "schema", "http_path", "service_name", "driver", "project", "dataset", "location"}
_LONGEST_REASON = 200
OBJECT_STORES = frozenset({"s3", "gs", "gcs", "abfs", "abfss"})
PASSWORD = "ICEBERG_DATABASE_PASSWORD"  # noqa: S105  # the name of a variable


@dataclass(frozen=True)
class Address:
    """Where a table lives, such as ``mysql://analyst@db.example.org/crm?table=customers``.

    Attributes:
        scheme: What stands before ``://``, in small letters.
        netloc: What stands between ``://`` and the path, as written.
        path: The path with its first slash, as written.
        options: What stands behind the question mark, decoded.
        sheet: Sheet of a book in an object store, ``s3://bucket/book.xlsx#Sheet``.
    """

    scheme: str
    netloc: str = field(repr=False)
    path: str
    options: tuple[tuple[str, str], ...] = field(repr=False)
    sheet: str = ""

    @cached_property
    def _parts(self) -> SplitResult:
        return SplitResult("", self.netloc, self.path, "", "")

    @property
    def host(self) -> str:
        """The host, the bucket or the account, as written."""
        return re.sub(r":\d*$", "", self.netloc.rpartition("@")[2])

    @property
    def port(self) -> int | None:
        """The port, where there is one."""
        return self._parts.port

    @property
    def user(self) -> str:
        """The user, decoded."""
        return unquote(self._parts.username or "")

    @property
    def password(self) -> str:
        """The password of the address; else of the variable that ``password_env`` names; else of ``ICEBERG_DATABASE_PASSWORD``."""
        if self._parts.password is not None:
            return unquote(self._parts.password)
        named = self.option("password_env")
        if named and named not in os.environ:
            raise FileError("address_variable_missing", {"address": self.shown, "name": named})
        return os.environ.get(named or PASSWORD, "")

    @property
    def driver_options(self) -> dict[str, str]:
        """The options that are not read here."""
        return {name: value for name, value in self.options if name not in _OWN}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to read; all where none is named."""
        return tuple(name.strip() for name in self.option("columns").split(",") if name.strip())

    @property
    def name(self) -> str:
        """What to call the table: its name, the last part of a path, or ``query-`` with a digest that tells one query from another."""
        if table := self.option("table"):
            return table
        if query := self.option("query"):
            return f"query-{hashlib.sha256(query.encode()).hexdigest()[:8]}"
        return PurePosixPath(unquote(self.path)).name or self.host or self.scheme

    @property
    def shown(self) -> str:
        """The address without any secret: safe to print and to store. Of a key of an object store not even the first half is shown."""
        account, at, _ = self.netloc.rpartition("@")
        user, colon, _ = account.partition(":")
        if colon:
            user = "***" if self.scheme.rpartition("+")[2] in {"s3", "gs", "gcs"} else f"{user}:***"
        shown = [(name, value) for name, value in self.options if name in _HARMLESS]
        place = f"{user}{at}{self.netloc.rpartition('@')[2]}"
        return f"{self.scheme}://{place}{self.path}" + (f"?{urlencode(shown, safe='/:,', quote_via=quote)}" if shown else "")

    @property
    def published(self) -> str:
        """The address for reports and the store: without user and port, a query by its digest."""
        account, at, host = self.netloc.rpartition("@")
        container = f"{account}{at}" if self.scheme.rpartition("+")[2] in {"abfs", "abfss"} and ":" not in account else ""
        shown = [(name, value) for name, value in self.options if name in _HARMLESS]
        shown += [("query", self.name)] if self.option("query") and not self.option("table") else []
        written = f"?{urlencode(shown, safe='/:,', quote_via=quote)}" if shown else ""
        return f"{self.scheme}://{container}{re.sub(r':[0-9]*$', '', host)}{self.path}{written}"

    def option(self, name: str, usual: str = "") -> str:
        """The value of an option."""
        return next((value for key, value in self.options if key == name), usual)

    def with_path(self, path: str) -> str:
        """The text of the same address with another path."""
        options = urlencode(self.options, quote_via=quote)
        return f"{self.scheme}://{self.netloc}/{quote(path, safe='/')}" + (f"?{options}" if options else "")

    def reason(self, error: BaseException) -> str:
        """The first line of an error, without anything of this address that is secret."""
        text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        secrets = [self._parts.password or "", os.environ.get(self.option("password_env") or PASSWORD, "")]
        secrets += [value for name, value in self.options if name not in _HARMLESS and name not in _OWN]
        secrets += [self.user] if self.scheme.rpartition("+")[2] == "s3" else []
        for secret in {form for one in secrets for form in (one, unquote(one), quote(unquote(one), safe="")) if len(form) > 2}:
            text = text.replace(secret, "***")
        return text[:_LONGEST_REASON]

    def values(self, error: BaseException | None = None) -> dict[str, object]:
        """What the sentence of an error names."""
        found: dict[str, object] = {"address": self.shown, "table": self.name}
        return found if error is None else found | {"reason": self.reason(error)}


def is_address(text: str) -> bool:
    """Whether a source names a place rather than a file."""
    return bool(_SCHEME.fullmatch(text.partition("://")[0])) and "://" in text


def parse_address(text: str) -> Address:
    """Split an address.

    Raises:
        FileError: ``address_unreadable``, where a password is not written as an address needs it: then nothing of it is shown.
    """
    scheme, _, rest = re.sub(r"[\r\n\t]", " ", text.strip()).partition("://")
    scheme, parts = scheme.lower(), urlsplit("//" + rest)
    is_store = scheme in OBJECT_STORES
    written = parts.query + (f"#{parts.fragment}" if parts.fragment and not is_store else "")  # the sign stands inside a query
    address = Address(
        scheme, parts.netloc, parts.path, tuple(parse_qsl(written, keep_blank_values=True)), unquote(parts.fragment) if is_store else ""
    )
    # A sign of a password that ends the host, such as "/": what follows would be taken for a path, and shown.
    halved = ":" in parts.netloc and "@" not in parts.netloc and "@" in rest[len(parts.netloc) :]
    with suppress(ValueError):
        if "," not in address.netloc:  # PostgreSQL takes several hosts
            _ = address.port
        if not halved:
            return address
    raise FileError("address_unreadable", {"scheme": scheme})
