"""Finds what a built page would fetch from a network: scripts, styles, fonts, pictures, frames. Links that a reader follows are no fetch."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

_FETCHED = dict.fromkeys(("script", "img", "iframe", "source", "video", "audio", "embed"), "src") | {"object": "data", "link": "href"}
_ELSEWHERE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_IN_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)


class _Resources(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        address = named.get(_FETCHED.get(tag, "")) or ""
        if _ELSEWHERE.match(address) and named.get("rel") not in {"canonical", "license"}:
            self.found.append(address)


def network_resources(text: str, *, is_style: bool = False) -> list[str]:
    """Addresses outside of the site from which a browser would fetch something for this HTML page or style sheet."""
    if is_style:
        return _IN_STYLE.findall(text)
    reader = _Resources()
    reader.feed(text)
    return reader.found + _IN_STYLE.findall(text)


def warn_about_network(folder: Path) -> None:
    """A warning of Sphinx (an error, in our builds) for each resource that a built page would fetch from elsewhere."""
    from sphinx.util import logging

    logger = logging.getLogger(__name__)
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".html", ".css"}:
            for address in network_resources(path.read_text(encoding="utf-8"), is_style=path.suffix == ".css"):
                logger.warning("%s fetches %s: the documentation must work without a network", path.relative_to(folder), address)
