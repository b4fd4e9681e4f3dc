"""Shows text as it is written: a title, a category, a file name or a value of a link is never markup.

Streamlit reads nearly every text as Markdown, with formulas, icons, colours, links and images in it. `plain` is the one place that escapes it, and
`tests/ui/test_plain_text.py` finds every text of a page that did not pass through it.
"""

from __future__ import annotations

import re

from iceberg.locale import visible

_LINES = re.compile(r"[ \t]*[\r\n\v\f\u2028\u2029][\s]*")
# Characters that mean something wherever they stand; then those that begin a colour, an icon or an emoji, and a character reference.
_ANYWHERE = re.compile(r"[\\`*_\[\]<$~]|:(?=[^\W\d]|:)|&(?=[#\w])")
# Signs that mean something at the beginning: a heading, a quotation, a list, a rule.
_AT_THE_START = re.compile(r"^(\d*)([#>+=.)-])")
# What Streamlit looks for once the escapes are gone: addresses, names of icons, signs that become an arrow or a dash.
_AFTERWARDS = re.compile(
    r"https?(?=://)|www(?=\.)|(?<=[\w.+-])(?=@)"  # an address
    r"|:[\w+-](?=[\w+-]*:|aterial/)"  # an emoji, an icon
    r"|(?<!\S)(?:<(?=->|-|=)|-(?=>|-)|>(?==)|~(?==))|(?<=<)-(?=>)",  # an arrow, a dash
    re.IGNORECASE,
)
_SEAM = ":small[]"  # an element without content: what stands on both sides of it is not read as one
_PLACE = "\ufdd0"  # a character that no text may hold, in place of the seam until everything else is escaped


def plain(text: object) -> str:
    """Markdown that is shown as `text` is written, on one line."""
    written = visible(_LINES.sub(" ", str(text).replace(_PLACE, "")))
    parted = _AFTERWARDS.sub(rf"\g<0>{_PLACE}", written)
    escaped = _AT_THE_START.sub(r"\1\\\2", _ANYWHERE.sub(r"\\\g<0>", parted))
    return escaped.replace(_PLACE, _SEAM)
