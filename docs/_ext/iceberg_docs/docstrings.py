"""Prepares docstrings for napoleon, which reads some lines of this package's docstrings as something else than they say."""

from __future__ import annotations

import re

HIDDEN = "\x1f"  # stands for a colon that ends no type while napoleon reads; `restore` brings it back
_SECTION = re.compile(r"^(\s*)(Args|Attributes|Raises|Returns|Yields|References|Note):\s*$")
_SEVERAL = re.compile(r"^(\s+)(\w+(?:, \w+)+): ")


def _is_inside(line: str, indent: int) -> bool:
    return not line.strip() or len(line) - len(line.lstrip()) > indent


def prepare(lines: list[str], *, is_property: bool = False) -> list[str]:
    """The lines with an entry for each of several names that share one, and without colons that would be taken for the end of a type.

    Types stand in annotations here: what a property or a section "Returns" says before a colon is none.
    """
    made: list[str] = []
    section, start = "", 0
    for position, line in enumerate(lines):
        found = _SECTION.match(line)
        if found:
            section, start = found[2], len(found[1])
        elif section and not _is_inside(line, start):
            section = ""
        shared = _SEVERAL.match(line) if section in {"Args", "Attributes"} else None
        if shared:
            rest = [line[shared.end() :]]
            for following in lines[position + 1 :]:
                if not following.strip() or not _is_inside(following, len(shared[1])):
                    break
                rest.append(following)
            for name in shared[2].split(", ")[:-1]:
                made += [f"{shared[1]}{name}: {rest[0]}", *rest[1:]]
            made.append(f"{shared[1]}{shared[2].split(', ')[-1]}: {rest[0]}")
        elif (section in {"Returns", "Yields"} and not found) or (is_property and position == 0):
            made.append(line.replace(":", HIDDEN))
        else:
            made.append(line)
    return made


def restore(lines: list[str]) -> list[str]:
    """The lines with their colons again."""
    return [line.replace(HIDDEN, ":") for line in lines]
