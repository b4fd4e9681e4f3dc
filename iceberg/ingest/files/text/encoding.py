"""Detects the encoding of a text file and transcodes it to UTF-8 as a stream."""

from __future__ import annotations

import codecs
import errno
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO

from iceberg.errors import FileError
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.expansion import BoundedStream, allowed_bytes, open_gzip
from iceberg.ingest.files.sources import OpenedSource, Readable, read_chunks
from iceberg.ingest.files.text.codepages import CodepageVerdict, tell_codepages_apart

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Where ISO 8859-1 has control codes, cp1252 has 27 printable characters.
_CP1252_ONLY = re.compile(b"[\x80-\x9f]")


def open_bytes(source: OpenedSource, *, compressed: bool) -> IO[bytes] | BoundedStream:
    """The file's bytes, decompressed where it is gzip: then a read beyond the bound raises ``unpacks_too_large``."""
    if not compressed:
        return source.path.open("rb")
    allowed = allowed_bytes(source.given_bytes, source.path.parent)
    return BoundedStream(open_gzip(source.path), name=source.name, given_bytes=source.given_bytes, allowed=allowed)


def bom_encoding(head: bytes) -> str | None:
    """The encoding that a byte order mark declares."""
    return next((name for mark, name in _BOMS if head.startswith(mark)), None)


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 without a byte order mark: every second byte of Western text is zero."""
    even, odd = head[0:4096:2], head[1:4096:2]
    if len(odd) < 4:
        return None
    zeros = (even.count(0) / len(even), odd.count(0) / len(odd))
    if max(zeros) < 0.6 or min(zeros) > 0.05:
        return None
    return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"


def detect_encoding(source: OpenedSource, *, compressed: bool) -> CodepageVerdict:
    """The encoding by byte order mark, else UTF-8 where every byte of the file is, else a code page by the words.

    The whole file is read, because a single late byte can decide.
    """
    with open_bytes(source, compressed=compressed) as stream:
        head = stream.read(1 << 12)
        declared = bom_encoding(head) or wide_encoding(head)
        if declared:
            return CodepageVerdict(declared, certain=True)
        try:
            for _ in _checked_utf8(chain((head,), read_chunks(stream))):
                pass
        except UnicodeDecodeError:
            with open_bytes(source, compressed=compressed) as again:
                return tell_codepages_apart(read_chunks(again))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileError("gzip_truncated", {"file": source.name}) from error
    return CodepageVerdict("utf-8", certain=True)


def _checked_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks; raises UnicodeDecodeError where they are no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    pending = False  # a multi-byte character can straddle two chunks
    for chunk in chunks:
        if pending or not chunk.isascii():
            decoder.decode(chunk)
            pending = bool(decoder.getstate()[0])
        yield chunk
    decoder.decode(b"", final=True)


def spool_utf8(source: OpenedSource, workspace: Workspace, *, encoding: str, compressed: bool, check: bool = False) -> Path:
    """The file as UTF-8 without BOM on local disk: the file itself where it already is (unless `check` asks to decode it all the same)."""
    if encoding == "utf-8" and not compressed and not check:
        return source.path
    target = workspace.new_file(".csv")
    try:
        require_text_encoding(encoding)
        with open_bytes(source, compressed=compressed) as stream, target.open("wb") as out:
            _transcode(stream, out, encoding)
    except LookupError as error:
        raise FileError("encoding_unknown", {"encoding": encoding}) from error
    except UnicodeError as error:
        raise FileError("encoding_wrong", {"file": source.name, "encoding": encoding}) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileError("gzip_truncated", {"file": source.name}) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise FileError("disk_full", {"file": source.name, "size_mb": source.size_bytes >> 20}) from error
    return target


def require_text_encoding(encoding: str) -> None:
    """Refuse what Python calls an encoding and is none of text: some unpack, and some take the square of the time.

    Raises:
        LookupError: There is no such encoding.
    """
    if codecs.lookup(encoding).name in _NOT_OF_FILES:
        raise LookupError(encoding)
    b"".decode(encoding)  # raises for those that do not give text


_NOT_OF_FILES = frozenset({"idna", "punycode", "unicode-escape", "unicode_escape", "raw-unicode-escape", "raw_unicode_escape", "undefined"})


def _transcode(stream: Readable, out: IO[bytes], encoding: str) -> None:
    if encoding in {"utf-8", "utf-8-sig"}:
        mark = codecs.BOM_UTF8
        for chunk in _checked_utf8(read_chunks(stream)):
            out.write(chunk.removeprefix(mark))
            mark = b""  # only the first chunk can start with it
        return
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    fast = encoding == "cp1252"
    for chunk in read_chunks(stream):
        if fast and chunk.isascii():
            out.write(chunk)
        elif fast and not _CP1252_ONLY.search(chunk):
            out.write(chunk.decode("latin-1").encode())  # the same characters, from a faster codec
        elif fast:
            out.write(_decode_cp1252(chunk).encode())
        else:
            out.write(decoder.decode(chunk).encode())
    out.write(decoder.decode(b"", final=True).encode())


def _decode_cp1252(chunk: bytes) -> str:
    """Decode cp1252; its five undefined bytes become control characters, so they do not fail the whole file."""
    try:
        return chunk.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte in _UNDEFINED else bytes([byte]).decode("cp1252") for byte in chunk)


_UNDEFINED = frozenset({0x81, 0x8D, 0x8F, 0x90, 0x9D})
