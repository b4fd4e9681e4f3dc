"""Recognises file formats from their first bytes, because file names can be wrong."""

from __future__ import annotations

import zipfile
from pathlib import Path

from iceberg.errors import FileError
from iceberg.ingest.files.books.bounded_reader import BROKEN_ZIP
from iceberg.ingest.files.expansion import open_gzip
from iceberg.ingest.files.text.encoding import bom_encoding, wide_encoding


def recognise_format(head: bytes, path: Path, name: str) -> str:
    """``"parquet"``, ``"excel"``, ``"gzip"``, ``"zip"``, ``"web"`` or ``"text"``, from the first bytes.

    Raises:
        FileError: ``empty_file``, ``html_file``, ``json_file``, ``document_file``, ``binary_file``, ``numbers_file``, ``google_sheet_file``.
    """
    if not head.strip():
        raise FileError("empty_file", {"file": name})
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return "excel" if _is_book(path) else _archive(path, name)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "excel"
    if head.startswith(b"\x1f\x8b"):
        try:
            with open_gzip(path) as stream:
                inner = stream.read(1 << 14)
        except (EOFError, OSError) as error:
            raise FileError("gzip_truncated", {"file": name}) from error
        refuse_non_text(inner, name)
        return "gzip"
    if _is_page(head):
        return "web"
    refuse_non_text(head, name)
    return "text"


def _is_book(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as book:
            parts = set(book.namelist())
    except (*BROKEN_ZIP, OSError):
        return path.suffix.lower() in {".xlsx", ".xlsm", ".xlsb", ".ods"}
    return bool(parts & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"})


def _archive(path: Path, name: str) -> str:
    """``"zip"``; raises where the archive is a document that a program other than a spreadsheet keeps in this form, or Apple Numbers."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.namelist()
    except (*BROKEN_ZIP, OSError):
        parts = []
    if any(part.endswith(".iwa") or part == "Index.zip" or part.endswith(".numbers/Index.zip") for part in parts):
        raise FileError("numbers_file", {"file": name})
    if {"word/document.xml", "ppt/presentation.xml"} & set(parts):
        raise FileError("document_file", {"file": name})
    return "zip"


_DOCUMENT = (b"%pdf", b"{\\rtf", b"\x89png", b"\xff\xd8\xff", b"gif8")
_PAGE = (b"<!doctype html", b"<html", b"<table", b"<head", b"<?xml", b"<body", b"<meta", b"<div")


def _is_page(head: bytes) -> bool:
    """Whether a web page or XML begins with these bytes."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower().startswith(_PAGE)


def refuse_non_text(head: bytes, name: str) -> None:
    """Raise where delimited text does not begin with these bytes."""
    if not head.strip():
        raise FileError("empty_file", {"file": name})
    if bom_encoding(head) is not None or wide_encoding(head) is not None:
        return
    start = head.lstrip()[:200].lower()
    if start.startswith(b"{") and name.lower().endswith(".gsheet"):
        raise FileError("google_sheet_file", {"file": name})
    for code, beginnings in (("document_file", _DOCUMENT), ("html_file", _PAGE), ("json_file", (b"{", b"["))):
        if start.startswith(beginnings):
            raise FileError(code, {"file": name})
    control = sum(byte < 9 or 13 < byte < 32 for byte in head)
    if b"\x00" in head or control > len(head) // 100:
        raise FileError("binary_file", {"file": name})
