"""Draws the parts of a package and what they import from one another, as an SVG that is written here and needs nothing else.

Everything is read from the source: a part is a folder of the package or a module at its top, an arrow is an import. ``python house.py FILE.svg``
writes the picture of `iceberg`.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

House = dict[str, set[str]]  # what each part imports from the others
WIDTH, HEIGHT, GAP, ROW, LANE = 124, 46, 22, 118, 12  # of a box, between boxes, from row to row, of an arrow that passes a row: pixels
# Read on white and on black alike: boxes bring their own ground, arrows are of a middle grey.
STYLE = (
    ".house rect{fill:#dcebf5;stroke:#0f5c8c} .house text{fill:#0b2440;font:600 14px sans-serif;text-anchor:middle} "
    ".house .size{font-weight:400;font-size:11px} .house path{fill:none;stroke:#71889a;stroke-width:1.8} "
    ".house .implied{stroke-width:.7;visibility:hidden} .house:hover .implied{visibility:visible} .house marker path{fill:#71889a;stroke:none}"
)


def part_of(module: str, parts: set[str]) -> str:
    """The part that a dotted name inside the package belongs to, "" for the package itself.

    A module ``cli_options`` would belong to the part ``cli``.
    """
    first = module.partition(".")[0]
    stem = first.partition("_")[0]
    return stem if stem and stem in parts else first if first in parts else ""


def imports_of(path: Path, package: str) -> Iterator[str]:
    """Dotted names inside the package that a file imports at any depth, those for typing included; "" for the package itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name[len(package) :].lstrip(".") for name in names if name == package or name.startswith(f"{package}."))


def parts_of(package: Path) -> dict[str, list[Path]]:
    """The files of each part; those of the package itself (its ``__init__``) under its own name."""
    files = sorted(package.rglob("*.py"))
    names = {path.relative_to(package).parts[0].removesuffix(".py") for path in files} - {"__init__"}
    parts: dict[str, list[Path]] = {}
    for path in files:
        name = path.relative_to(package).parts[0].removesuffix(".py")
        parts.setdefault(part_of(name, names) or package.name, []).append(path)
    return parts


def read_house(package: Path, name: str = "") -> House:
    """What each part of the package in this folder, with this dotted name (that of the folder), imports from its other parts."""
    parts = parts_of(package)
    house: House = {}
    for part, files in parts.items():
        named = {part_of(module, set(parts)) or package.name for path in files for module in imports_of(path, name or package.name)}
        house[part] = named - {part}
    return house


def reached(house: House, part: str) -> set[str]:
    """Everything that a part imports, through others too; the part itself only where it comes back to it."""
    found: set[str] = set()
    waiting = list(house[part])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += house[one]
    return found


def layers_of(house: House) -> list[list[str]]:
    """The parts from the bottom layer up: each imports only parts of lower layers, or of its own circle, which shares a layer."""
    reach = {part: reached(house, part) for part in house}
    circle = {part: {other for other in reach[part] if part in reach[other]} | {part} for part in house}

    def height(part: str) -> int:
        below = {imported for one in circle[part] for imported in house[one]} - circle[part]
        return 1 + max((height(one) for one in below), default=-1)

    heights = {part: height(part) for part in house}
    return [[part for part in sorted(house) if heights[part] == level] for level in range(max(heights.values()) + 1)]


def implied(house: House, source: str, target: str) -> bool:
    """Whether a part also reaches what it imports through another part that it imports."""
    return any(target in reached(house, other) and source not in reached(house, other) for other in house[source] - {target})


@dataclass
class _Item:
    """A box, or the place where a longer arrow passes a row.

    Attributes:
        x: Of its middle, in pixels.
    """

    part: str = ""
    x: float = 0.0

    @property
    def width(self) -> int:
        return WIDTH + GAP if self.part else LANE


Way = list[tuple[int, _Item]]  # row and item at each step of an arrow


def _rows_and_ways(house: House) -> tuple[list[list[_Item]], dict[tuple[str, str], Way]]:
    """The items of each row, bottom row first, and the way of each arrow through them. An implied arrow takes no place in the rows between."""
    layers = layers_of(house)
    row_of = {part: row for row, parts in enumerate(layers) for part in parts}
    box = {part: _Item(part) for part in house}
    rows = [[box[part] for part in parts] for parts in layers]
    ways: dict[tuple[str, str], Way] = {}
    for source, targets in house.items():
        for target in sorted(targets):
            way: Way = [(row_of[source], box[source])]
            for row in range(row_of[source] - 1, row_of[target], -1) if not implied(house, source, target) else ():
                way.append((row, _Item()))
                rows[row].append(way[-1][1])
            ways[source, target] = [*way, (row_of[target], box[target])]
    return rows, ways


def _place(rows: list[list[_Item]], ways: list[Way]) -> float:
    """Gives every item its x, those that belong together close to each other, and returns the width of the picture."""
    near: dict[int, list[_Item]] = {}
    for way in ways:
        for (_, upper), (_, lower) in pairwise(way):
            near.setdefault(id(upper), []).append(lower)
            near.setdefault(id(lower), []).append(upper)
    total = max(sum(item.width for item in row) for row in rows)
    for turn in range(24):  # enough for the order to settle (judgement)
        for row in rows if turn % 2 else reversed(rows):
            if turn:
                row.sort(key=lambda item: sum(other.x for other in near.get(id(item), [item])) / len(near.get(id(item), [item])))
            x = (total - sum(item.width for item in row)) / 2
            for item in row:
                item.x = x + item.width / 2
                x += item.width
    return total


def _curve(points: list[tuple[float, float]]) -> str:
    """A smooth line from above to below through the points; at one height, an arc below."""
    (x, y), text = points[0], f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for next_x, next_y in points[1:]:
        middle = (y + next_y) / 2 if next_y > y else y + HEIGHT / 2
        text += f" C{x:.0f} {middle:.0f} {next_x:.0f} {middle:.0f} {next_x:.0f} {next_y:.0f}"
        x, y = next_x, next_y
    return text


def draw(house: House, sizes: dict[str, int], name: str) -> str:
    """The picture of the house as an SVG element: importers above, what they import below.

    Args:
        house: What each part imports.
        sizes: Number of modules of each part.
        name: Of the package.
    """
    rows, ways = _rows_and_ways(house)
    thick = {arrow: way for arrow, way in ways.items() if not implied(house, *arrow)}
    width, height = _place(rows, list(thick.values())), len(rows) * ROW - (ROW - HEIGHT) + 40
    top = {row: (len(rows) - 1 - row) * ROW + 10 for row in range(len(rows))}
    leaving, arriving = Counter(source for source, _ in thick), Counter(target for _, target in thick)
    left, arrived = Counter[str](), Counter[str]()
    lines = []
    for (source, target), way in sorted(ways.items(), key=lambda entry: (entry[1][1][1].x, entry[1][-2][1].x)):
        start, end = way[0][1], way[-1][1]
        flat = way[0][0] == way[-1][0]
        if (source, target) not in thick:
            points = [(start.x, top[way[0][0]] + HEIGHT), (end.x, top[way[-1][0]] - 4)]
            lines.append(_arrow(source, target, points, ' class="implied"'))
            continue
        points = [(start.x + _port(left[source], leaving[source]), top[way[0][0]] + HEIGHT)]
        for row, item in way[1:-1]:
            points += [(item.x, top[row]), (item.x, top[row] + HEIGHT)]
        points.append((end.x + _port(arrived[target], arriving[target]), top[way[-1][0]] + (HEIGHT if flat else 0) + (4 if flat else -4)))
        left[source] += 1
        arrived[target] += 1
        lines.append(_arrow(source, target, points))
    for row, items in enumerate(rows):
        lines += [_box(item, top[row], sizes[item.part]) for item in items if item.part]
    return (
        f'<svg class="house" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img" '
        f'aria-label="The parts of {escape(name)} and what each imports">\n<style>{STYLE}</style>\n'
        '<defs><marker id="house-tip" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" '
        'orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>\n' + "\n".join(lines) + "\n</svg>"
    )


def _arrow(source: str, target: str, points: list[tuple[float, float]], kind: str = "") -> str:
    return (
        f'<path data-from="{escape(source)}" data-to="{escape(target)}"{kind} d="{_curve(points)}" marker-end="url(#house-tip)">'
        f"<title>{escape(source)} imports {escape(target)}</title></path>"
    )


def _port(number: int, ports: int) -> float:
    """How far from the middle of its box the arrow with this number begins or ends."""
    return (number + 0.5) / ports * (WIDTH - 24) - (WIDTH - 24) / 2


def _box(item: _Item, top: float, size: int) -> str:
    return (
        f'<g data-part="{escape(item.part)}"><rect x="{item.x - WIDTH / 2:.0f}" y="{top:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{item.x:.0f}" y="{top + 20:.0f}">{escape(item.part)}</text>'
        f'<text class="size" x="{item.x:.0f}" y="{top + 36:.0f}">{size} module{"s" if size > 1 else ""}</text></g>'
    )


def picture_of(package: Path, name: str = "") -> str:
    """The picture of the package in this folder, with this dotted name (that of the folder)."""
    sizes = {part: len([file for file in files if file.stem != "__init__"]) or 1 for part, files in parts_of(package).items()}
    return draw(read_house(package, name), sizes, name or package.name)


def _first_sentence(files: list[Path], part: str) -> str:
    first = next((path for path in files if path.stem in {"__init__", part}), files[0])
    return (ast.get_docstring(ast.parse(first.read_text(encoding="utf-8"))) or "").partition("\n")[0].replace("`", "")


def as_markdown(package: Path) -> str:
    """The picture, then the same as a list for those who do not see it, then the picture of each part that has several folders."""
    house, parts = read_house(package), parts_of(package)
    text = [f"```{{raw}} html\n{picture_of(package)}\n```\n"]
    for part in (part for layer in reversed(layers_of(house)) for part in layer):
        imported = ", ".join(f"`{one}`" for one in sorted(house[part])) or "nothing"
        text.append(f"`{part}`\n: {_first_sentence(parts[part], part)} Imports {imported}.\n")
    for folder in sorted(path for path in package.iterdir() if len(list(path.glob("*/__init__.py"))) > 1):
        text.append(f"## Inside `{folder.name}`\n\n```{{raw}} html\n{picture_of(folder, f'{package.name}.{folder.name}')}\n```\n")
    return "\n".join(text)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture_of(Path(__file__).resolve().parents[3] / "iceberg") + "\n", encoding="utf-8")
