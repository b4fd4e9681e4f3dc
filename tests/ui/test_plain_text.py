"""Text is never markup: what `plain` escapes, and that no page shows a text that did not pass through it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.material_icon_names import ALL_MATERIAL_ICONS

from iceberg.locale import LANGUAGES, load_messages
from iceberg.ui.plain_text import plain

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "app.py", *sorted((ROOT / "iceberg" / "ui").rglob("*.py"))]
# Calls that show Markdown: which of their arguments, by place and by name.
LABEL: tuple[tuple[int, ...], frozenset[str]] = ((0,), frozenset({"label", "body", "help", "title", "text", "captions", "format_func"}))
SHOWN = {
    **dict.fromkeys(("markdown", "title", "header", "subheader", "caption", "error", "warning", "info", "success", "toast", "badge"), LABEL),
    **dict.fromkeys(("button", "download_button", "link_button", "checkbox", "toggle", "file_uploader", "form_submit_button"), LABEL),
    **dict.fromkeys(("radio", "segmented_control", "pills", "select_slider", "slider", "date_input", "number_input", "text_input"), LABEL),
    **dict.fromkeys(("tabs", "expander", "popover", "status", "spinner", "dialog", "exception"), LABEL),
    **dict.fromkeys(("selectbox", "multiselect"), ((0,), frozenset({"label", "help"}))),  # their options are no Markdown
    "page_link": ((), frozenset({"label", "help"})),
    "Page": ((), frozenset({"title", "help"})),
    "update": ((), frozenset({"label"})),
    "metric": ((0, 1, 2), frozenset({"label", "value", "delta", "help"})),
    "progress": ((1,), frozenset({"text"})),
}
OPTIONS = {"radio", "segmented_control", "pills", "select_slider"}  # their options are Markdown, so they need a `format_func`
FORBIDDEN = {"write", "write_stream", "html", "iframe", "json"}
MAY_WRITE_HTML = {"frame.py", "glossary.py", "still_picture.py", "file_field.py", "paper.py"}  # styles, a picture, a table of escaped cells
NUMBERS = {"month", "integer", "percent", "decimal"}  # of the translator: numbers and dates


class Scope:
    """A module, and what each name of a function is set to."""

    def __init__(self, tree: ast.Module) -> None:
        self.parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def bound(self, name: ast.Name) -> list[ast.expr | None]:
        """What `name` is set to in the function around it, or in one around that; None where that cannot be told."""
        node: ast.AST | None = name
        while node is not None:
            node = self.parents.get(node)
            if isinstance(node, ast.FunctionDef | ast.Lambda | ast.Module):
                found = list(self._values(node, name.id))
                if found:
                    return found
        return [None]

    def _values(self, around: ast.AST, name: str) -> Iterator[ast.expr | None]:
        if isinstance(around, ast.FunctionDef | ast.Lambda) and name in {one.arg for one in (*around.args.args, *around.args.kwonlyargs)}:
            yield None
        for node in ast.walk(around):
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Name) and target.id == name:
                        yield node.value
                    elif any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(target)):
                        yield None
            elif isinstance(node, ast.For | ast.comprehension | ast.withitem):
                target = node.optional_vars if isinstance(node, ast.withitem) else node.target
                if isinstance(target, ast.Name) and target.id == name and not isinstance(node, ast.withitem):
                    yield node.iter
                elif target is not None and any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(target)):
                    yield None

    def is_text(self, value: ast.expr | None) -> bool:
        """Whether an expression is text of ours, or text that was escaped."""
        match value:
            case ast.Constant():
                return True
            case ast.JoinedStr():
                return all(self.is_text(part.value) for part in value.values if isinstance(part, ast.FormattedValue))
            case ast.IfExp():
                return self.is_text(value.body) and self.is_text(value.orelse)
            case ast.BoolOp():
                return all(map(self.is_text, value.values))
            case ast.BinOp():
                return self.is_text(value.left) and self.is_text(value.right)
            case ast.List() | ast.Tuple():
                return all(map(self.is_text, value.elts))
            case ast.ListComp() | ast.GeneratorExp():
                return self.is_text(value.elt)
            case ast.Dict():
                return all(map(self.is_text, value.values))
            case ast.Subscript() | ast.Starred():
                return self.is_text(value.value)
            case ast.Lambda():
                return self.is_text(value.body)
            case ast.Call(func=ast.Name(id="plain")):
                return True
            case ast.Call(func=ast.Attribute(attr="text")):
                return not value.keywords
            case ast.Call(func=ast.Attribute(attr="join", value=ast.Constant())):
                return self.is_text(value.args[0])
            case ast.Attribute(attr=attr) | ast.Call(func=ast.Attribute(attr=attr)) if attr in NUMBERS:
                return True
            case ast.Name():
                return all(map(self.is_text, self.bound(value)))
            case _:
                return False


def unescaped(source: str, *, html: bool = False) -> list[str]:
    """Every call that shows a text which is neither ours nor escaped, as ``line: call``."""
    tree = ast.parse(source)
    scope, found = Scope(tree), []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = _name_of(call)
        if name in FORBIDDEN and not (html and name == "html"):
            found.append(f"{call.lineno}: {name}")
        if any(keyword.arg == "unsafe_allow_html" for keyword in call.keywords):
            found.append(f"{call.lineno}: unsafe_allow_html")
        if name not in SHOWN:
            continue
        places, names = SHOWN[name]
        texts = [call.args[place] for place in places if place < len(call.args)]
        texts += [keyword.value for keyword in call.keywords if keyword.arg in names]
        if not all(map(scope.is_text, texts)) or (name in OPTIONS and not any(keyword.arg == "format_func" for keyword in call.keywords)):
            found.append(f"{call.lineno}: {name}")
    return found


def _name_of(call: ast.Call) -> str:
    """The element that a call shows; ``getattr(st, box)(...)`` shows one of the boxes."""
    match call.func:
        case ast.Attribute(value=ast.Name(id="store" | "words" | "saved") | ast.Attribute(attr="stderr")):
            return ""  # another kind of object, with a method of the same name
        case ast.Attribute(value=ast.Attribute(attr="components")) | ast.Attribute(value=ast.Attribute(attr="column_config")):
            return ""
        case ast.Attribute(attr=attr):
            return attr
        case ast.Call(func=ast.Name(id="getattr")) | ast.IfExp():
            return "error"
        case _:
            return ""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_of_a_page_is_ours_or_escaped(path: Path) -> None:
    assert unescaped(path.read_text(encoding="utf-8"), html=path.name in MAY_WRITE_HTML) == []


@pytest.mark.parametrize(
    "call",
    [
        "st.markdown(title)",
        "st.write('x')",
        "st.error(words.text('ui.x', name=name))",
        "st.caption(f'{name} · {words.text(1)}')",
        "st.button(words.text('ui.x'), help=why)",
        "st.radio(words.text('ui.x'), options)",
        "st.metric('x', value)",
        "getattr(st, box)(sentence)",
        "(st.warning if warns else st.info)(sentence)",
        "column.progress(0.5, text=name)",
        "st.markdown('x', unsafe_allow_html=True)",
        "st.html(page)",
        "[st.markdown(name) for name in names]",
        "def show(name):\n    st.title(name)",
        "def show():\n    name = plain('x')\n    name = read()\n    st.title(name)",
    ],
)
def test_a_text_that_is_not_escaped_is_found(call: str) -> None:
    assert len(unescaped(call)) == 1


@pytest.mark.parametrize(
    "call",
    [
        "st.markdown(plain(title))",
        "st.error(f'**{plain(title)}** and {words.text(1)}')",
        "def show():\n    name = plain(read())\n    st.title(name)",
        "st.markdown('\\n'.join(f'- {plain(name)}' for name in names))",
        "st.radio(words.text('ui.x'), options, format_func=lambda one: plain(one))",
        "words.text('ui.x', name=name)",
    ],
)
def test_a_text_that_is_escaped_is_not_found(call: str) -> None:
    assert unescaped(call) == []


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("Refund $20 vs $50", r"Refund \$20 vs \$50"),
        ("C_D_E", r"C\_D\_E"),
        ("*VIP*", r"\*VIP\*"),
        ("Behind 1,380 complainants: 700 to 1,600 (28%).", "Behind 1,380 complainants: 700 to 1,600 (28%)."),
        ("# h", r"\# h"),
        ("1. x", r"1\. x"),
        ("- a", r"\- a"),
        ("> q", r"\> q"),
        ("a\n\n# b", "a # b"),
        ("[c](javascript:x)", r"\[c\](javascript\:x)"),
        ("http://evil.example", "http:small[]://evil.example"),
        ("vera@example.org", "vera:small[]@example.org"),
        ("a -> b", "a -:small[]> b"),
        (":red[r]", r"\:red\[r\]"),
        (":material/lock:", r"\:m:small[]aterial/lock:"),
        (":smile:", r"\:s:small[]mile:"),
        ("a\u202eb", r"a\[U+202E\]b"),
        ("12\N{NARROW NO-BREAK SPACE}345 &amp; <b>", "12\N{NARROW NO-BREAK SPACE}345 \\&amp; \\<b>"),
    ],
)
def test_what_is_escaped(text: str, markdown: str) -> None:
    """Tried in a browser: `tests/browser/test_hostile_names.py` reads each of these as it was written."""
    assert plain(text) == markdown


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_ours_is_markup(language: str) -> None:
    """A sentence without values is shown without being escaped, so it must not need it."""
    sentences = {key: text for key, text in load_messages(language).items() if key.startswith("ui.") and "{" not in text}
    assert {key: text for key, text in sentences.items() if plain(text) != text} == {}


def test_every_icon_exists() -> None:
    """Streamlit refuses the whole page for one that does not, and only where it is drawn."""
    named = {(path.name, icon) for path in PAGES for icon in re.findall(r":material/(\w+):", path.read_text(encoding="utf-8"))}
    for path in PAGES:  # names that an f-string puts into one
        for part in re.findall(r"^(?:PAGES|ICONS) = \{.*?\}", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            named |= {(path.name, icon) for icon in re.findall(r'": "(\w+)"', part)}
    assert len(named) > 40
    assert {one for one in named if one[1] not in ALL_MATERIAL_ICONS} == set()
