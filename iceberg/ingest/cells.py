"""Owns the text of a spreadsheet's cell."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

_THREE_PLACES = re.compile(r"-?\d{1,3}\.\d{3}")


def cell_text(cell: Any) -> str | None:  # noqa: ANN401, PLR0911  # one line per type of cell
    """A cell as text: whole numbers without ".0", dates in ISO, blanks as None."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        text = str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        return text + "0" if _THREE_PLACES.fullmatch(text) else text  # 1.234 as a number is never 1,234, whatever the texts of the column say
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)
