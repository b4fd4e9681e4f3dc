"""The Sphinx extension of this documentation: pages generated from the code, formulas without scripts, and no resource from a network.

A line ``% generated: commands en`` in a page is replaced by what `GENERATORS` makes of it while the documentation is built; nothing
generated is committed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iceberg_docs import docstrings, house, offline, pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from docutils import nodes
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "iceberg"
GENERATORS: dict[str, Callable[..., str]] = {
    "commands": pages.describe_commands,
    "rules": pages.describe_rules,
    "errors": pages.describe_errors,
    "api": pages.describe_api,
    "variables": pages.describe_variables,
    "settings": pages.describe_settings,
    "house": lambda: house.as_markdown(PACKAGE),
}
OUTSIDE = re.compile(r"(?<=\]\()(?:\.\./)+[^)#\s:]+\.md(?=\))")
MARK = re.compile(r"^% generated: (\w+) ?(\w*)$", re.MULTILINE)


def fill(text: str) -> str:
    """The page with its generated parts.

    Raises:
        KeyError: When a mark names no generator.
    """
    return MARK.sub(lambda found: GENERATORS[found[1]](*filter(None, [found[2]])), text)


def link_outside(text: str, folder: Path, docs: Path) -> str:
    """The page with its links to Markdown files of the repository outside of `docs` as downloads: they are no pages here."""

    def link(found: re.Match[str]) -> str:
        target = (folder / found[0]).resolve()
        return found[0] if target.is_relative_to(docs) or not target.is_file() else f"path:{found[0]}"

    return OUTSIDE.sub(link, text)


def _fill_page(app: Sphinx, name: str, source: list[str]) -> None:
    docs = Path(app.srcdir).resolve()
    source[0] = link_outside(fill(source[0]), (docs / name).parent, docs)


def _prepare_docstring(_app: Sphinx, what: str, _name: str, _value: object, _options: object, lines: list[str]) -> None:
    lines[:] = docstrings.prepare(lines, is_property=what == "property")


def _restore_docstring(_app: Sphinx, _what: str, _name: str, _value: object, _options: object, lines: list[str]) -> None:
    lines[:] = docstrings.restore(lines)


def _shorten_signature(
    _app: Sphinx, _what: str, _name: str, _value: object, _options: object, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """The signature as Python: Sphinx writes neither a default that a dataclass makes nor a name of `autodoc_type_aliases` as such."""
    if signature:
        signature = re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", signature.replace("<factory>", "..."))
    return signature, returned


def _set_language(_app: Sphinx, name: str, _template: str, context: dict[str, Any], _tree: nodes.document | None) -> None:
    """A page called ``rules.fr`` says that it is French, so that a screen reader reads it as French."""
    _, dot, language = name.rpartition(".")
    if dot:
        context["language"] = language


def _check_offline(app: Sphinx, failure: Exception | None) -> None:
    if failure is None and app.builder.format == "html":
        offline.warn_about_network(Path(app.outdir))


def _formula(node: nodes.Element, *, as_block: bool = False) -> str:
    """MathML, which every browser draws by itself; MathJax would be fetched from a network."""
    from docutils.utils.math import MathError
    from docutils.utils.math.latex2mathml import tex2mathml
    from sphinx.util import logging

    try:
        return tex2mathml(node.astext(), as_block=as_block)
    except MathError as problem:
        logging.getLogger(__name__).warning("A formula cannot be drawn: %s", problem, location=node)
        return ""


def _show_inline_formula(translator: Any, node: nodes.math) -> None:  # noqa: ANN401  # Sphinx's HTML translator
    from docutils.nodes import SkipNode

    translator.body.append(_formula(node))
    raise SkipNode


def _show_formula(translator: Any, node: nodes.math_block) -> None:  # noqa: ANN401
    from docutils.nodes import SkipNode

    translator.body.append(f'<div class="formula">{_formula(node, as_block=True)}</div>\n')
    raise SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", _fill_page)
    app.connect("autodoc-process-docstring", _prepare_docstring, priority=400)  # napoleon reads them at 500
    app.connect("autodoc-process-docstring", _restore_docstring, priority=600)
    app.connect("autodoc-process-signature", _shorten_signature)
    app.connect("html-page-context", _set_language)
    app.connect("build-finished", _check_offline)
    app.add_html_math_renderer("mathml", inline_renderers=(_show_inline_formula, None), block_renderers=(_show_formula, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
