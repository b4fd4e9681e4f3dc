"""The picture of the house: every part is in it, and its arrows are the imports."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from iceberg_docs import PACKAGE, house

from tests import test_architecture

SVG = "{http://www.w3.org/2000/svg}"


def drawn(picture: str) -> tuple[set[str], set[tuple[str, str]]]:
    """Boxes and arrows of a picture."""
    root = ET.fromstring(picture)
    boxes = {str(group.get("data-part")) for group in root.iter(f"{SVG}g")}
    return boxes, {(str(path.get("data-from")), str(path.get("data-to"))) for path in root.iter(f"{SVG}path") if path.get("data-from")}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package with folders in folders, modules of one part at the top, and a circle."""
    files = {
        "__init__.py": "from small.cellar.wine import bottle",
        "roof.py": "import small.rooms.bed\nfrom small import attic, version",
        "roof_tiles.py": "from small import roof",
        "attic.py": "import small.roof",
        "version.py": '"""The version."""',
        "rooms/__init__.py": '"""Where people live."""',
        "rooms/bed/__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from small.cellar import wine",
        "cellar/__init__.py": "",
        "cellar/wine.py": "def bottle():\n    from small import version\n    import json",
    }
    for name, text in files.items():
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "small"


def test_arrows_are_the_imports_of_the_parts(package: Path) -> None:
    """At any depth of a folder and of a function, and those for typing too."""
    assert house.read_house(package) == {
        "small": {"cellar"},
        "roof": {"rooms", "attic", "version"},
        "attic": {"roof"},
        "version": set(),
        "rooms": {"cellar"},
        "cellar": {"version"},
    }


def test_layers_go_up_from_what_imports_nothing(package: Path) -> None:
    """A circle shares a layer."""
    assert house.layers_of(house.read_house(package)) == [["version"], ["cellar"], ["rooms", "small"], ["attic", "roof"]]


def test_an_arrow_that_others_imply_is_thin(package: Path) -> None:
    read = house.read_house(package)
    assert house.implied(read, "roof", "version")
    assert not house.implied(read, "roof", "rooms")
    assert not house.implied(read, "roof", "attic")


def test_the_picture_shows_each_part_and_each_arrow_once(package: Path) -> None:
    picture = house.picture_of(package)
    boxes, arrows = drawn(picture)
    read = house.read_house(package)
    assert boxes == set(read)
    assert arrows == {(part, other) for part, others in read.items() for other in others}
    assert picture.count("data-from") == len(arrows)
    assert picture.count("data-part") == len(boxes)
    assert "NaN" not in picture


@pytest.fixture(scope="module")
def picture() -> str:
    return house.picture_of(PACKAGE)


def test_boxes_do_not_overlap(picture: str) -> None:
    places = []
    for group in ET.fromstring(picture).iter(f"{SVG}g"):
        box = group[0]
        places.append((float(box.attrib["x"]), float(box.attrib["y"])))
    over = [(a, b) for a in places for b in places if a < b and abs(a[0] - b[0]) < house.WIDTH and abs(a[1] - b[1]) < house.HEIGHT]
    assert over == []


def test_every_folder_and_module_at_the_top_of_the_package_is_drawn(picture: str) -> None:
    boxes, _ = drawn(picture)
    at_the_top = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert at_the_top <= boxes
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert {house.part_of(module, boxes) for module in modules} <= boxes - {"", PACKAGE.name}


def test_the_arrows_of_the_package_are_its_imports(picture: str) -> None:
    """Found a second time, by what the test of the layers reads."""
    boxes, arrows = drawn(picture)
    imports = set()
    for path in PACKAGE.rglob("*.py"):
        own = house.part_of(path.relative_to(PACKAGE).parts[0].removesuffix(".py"), boxes) or PACKAGE.name
        for name in test_architecture.imports_of(path):
            top, _, inside = name.partition(".")
            if top == PACKAGE.name:
                imports.add((own, house.part_of(inside, boxes) or PACKAGE.name))
    assert arrows == {(own, other) for own, other in imports if own != other}


def test_the_list_below_the_picture_says_the_same(package: Path) -> None:
    text = house.as_markdown(package)
    assert text.startswith("```{raw} html\n<svg")
    assert "`rooms`\n: Where people live. Imports `cellar`.\n" in text
    assert "`version`\n: The version. Imports nothing.\n" in text
    assert "## Inside" not in text


def test_a_part_with_several_folders_is_drawn_from_inside(package: Path) -> None:
    bath = package / "rooms" / "bath" / "__init__.py"
    bath.parent.mkdir()
    bath.write_text("from small.rooms import bed\nfrom small import attic", encoding="utf-8")
    assert house.read_house(package / "rooms", "small.rooms") == {"rooms": set(), "bath": {"bed"}, "bed": set()}
    assert house.as_markdown(package).count("## Inside `rooms`") == 1
