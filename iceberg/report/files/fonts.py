"""Owns where the letters come from: DejaVu Sans, free to embed, as matplotlib carries it; nothing is downloaded.

It has accents, the euro sign, typographic apostrophes and the narrow no-break space of French numbers, and Greek and Cyrillic for names of
categories. The charts are laid out by its widths (`iceberg.report.text_width`).
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

FAMILY = "DejaVu Sans"
MONO = "DejaVu Sans Mono"  # for fingerprints, which are read letter by letter


@cache
def font_folder() -> Path:
    """The folder that holds the font files. Matplotlib itself is not imported: that would take half a second.

    Raises:
        FileNotFoundError: When matplotlib is installed without its fonts: a broken installation.
    """
    found = find_spec("matplotlib")
    folder = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" if found is not None and found.origin else Path()
    if not (folder / "DejaVuSans.ttf").is_file():
        raise FileNotFoundError("DejaVuSans.ttf is not beside matplotlib; reinstall requirements.txt")
    return folder
