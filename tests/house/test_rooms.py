"""Promise: the picture and the table of rooms are those of the imports, and imports point one way."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench import rooms

AGAIN = "run `make rooms` and commit what it writes"


@pytest.fixture(scope="module")
def imports() -> rooms.Imports:
    return rooms.read_imports(rooms.ROOT)


def test_the_picture_is_drawn_from_the_imports(imports: rooms.Imports) -> None:
    drawn = rooms.PICTURE.read_text(encoding="utf-8")
    assert rooms.read_picture(drawn) == rooms.list_edges(imports), AGAIN
    names = {text.text for text in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")}  # noqa: S314
    assert names == set(imports), AGAIN


def test_the_table_names_every_room_and_its_users(imports: rooms.Imports) -> None:
    page = rooms.PAGE.read_text(encoding="utf-8")
    assert rooms.replace_table(page, rooms.format_table(rooms.ROOT, imports)) == page, AGAIN


def test_every_room_says_what_it_holds(imports: rooms.Imports) -> None:
    lines = rooms.format_table(rooms.ROOT, imports).splitlines()[2:]
    assert not [line for line in lines if len(line.split("|")[2].split()) < 3]


def write_house(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_imports_are_read_wherever_they_stand(tmp_path: Path) -> None:
    write_house(
        tmp_path,
        {
            "graphsvc/__init__.py": "",
            "graphsvc/api/__init__.py": "",
            "graphsvc/api/app.py": "from graphsvc import settings\ndef load():\n    import graphsvc.store.reader\n",
            "graphsvc/store/__init__.py": (
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from graphsvc.api import app\n"
            ),
            "graphsvc/store/reader.py": "from graphsvc.store import x\nimport polars\n",
            "graphsvc/settings.py": "import graphsvc_lab.world\n",
            "seed/graphsvc_lab/world.py": "",
        },
    )
    found = rooms.read_imports(tmp_path)
    assert found == {
        "api": {"settings", "store"},
        "store": set(),
        "settings": {"seed"},
        "seed": set(),
    }
    assert rooms.list_packages(tmp_path) == {"api", "store"}


def test_importers_stand_above_and_implied_imports_are_not_drawn() -> None:
    house = {"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset(), "d": frozenset("c")}
    assert rooms.stack_rows(house) == [["a"], ["b", "d"], ["c"]]
    assert rooms.reduce_edges(house) == [("a", "b"), ("b", "c"), ("d", "c")]
    assert rooms.read_picture(rooms.draw_picture(house, "a")) == ["a b", "a c", "b c", "d c"]


def test_a_circle_is_named() -> None:
    with pytest.raises(ValueError, match=r"\['a', 'b'\]"):
        rooms.stack_rows({"a": frozenset("b"), "b": frozenset("a"), "c": frozenset()})
