"""What the extension of the documentation does while Sphinx builds: docstrings made ready for napoleon, resources from a network found."""

import pytest
from iceberg_docs import docstrings, offline


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example.org/x.js"></script>',
        '<script src="//cdn.example.org/x.js"></script>',
        '<link rel="stylesheet" href="http://example.org/x.css">',
        '<link rel="preload" as="font" href="https://fonts.example.org/x.woff2">',
        '<img src="https://example.org/x.png">',
        "<style>@import 'https://example.org/x.css';</style>",
        '<p style="background: url(https://example.org/x.png)">',
    ],
)
def test_what_a_page_would_fetch_from_a_network_is_found(page: str) -> None:
    assert len(offline.network_resources(page)) == 1


def test_links_and_files_of_the_site_are_no_fetch() -> None:
    page = '<a href="https://example.org">x</a><script src="../_static/x.js?v=1"></script><link rel="canonical" href="https://example.org/">'
    assert offline.network_resources(page + '<svg xmlns="http://www.w3.org/2000/svg"></svg><img src="data:image/png;base64,//8=">') == []


def test_a_style_sheet_may_use_its_own_files_only() -> None:
    style = "@font-face{src: url(own.woff2)} a{background: url( 'https://example.org/x.png' )}"
    assert offline.network_resources(style, is_style=True) == ["https://example.org/x.png"]


def test_names_that_share_an_entry_get_one_each() -> None:
    lines = ["Says.", "", "Attributes:", "    a, b: Both", "        of them.", "    c: Alone, d: too.", "", "Says a, b: nothing."]
    made = ["    a: Both", "        of them.", "    b: Both", "        of them.", "    c: Alone, d: too."]
    assert docstrings.prepare(lines) == [*lines[:3], *made, *lines[6:]]


def test_a_colon_in_what_is_returned_ends_no_type() -> None:
    lines = ["Says: this.", "", "Returns:", "    Two: one and one.", "", "Raises:", "    ValueError: Never."]
    prepared = docstrings.prepare(lines)
    assert [line for line in prepared if ":" in line] == ["Says: this.", "Returns:", "Raises:", "    ValueError: Never."]
    assert docstrings.restore(prepared) == lines


def test_the_first_line_of_a_property_has_no_type() -> None:
    prepared = docstrings.prepare(["Whether a: b.", "More: c."], is_property=True)
    assert ":" not in prepared[0]
    assert ":" in prepared[1]
    assert docstrings.restore(prepared) == ["Whether a: b.", "More: c."]
