"""Draw the rooms of the house from its imports: `docs/rooms.svg`, and the table of rooms in `docs/architecture.md`.

A room is a package of `graphsvc`, a module that lies loose at its top, or the lab in `seed`. Run `make rooms` after a
room came or went, or imports another one. A test compares both files with the imports.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "rooms.svg"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: written by python -m bench.rooms -->\n", "<!-- rooms: end -->\n"

Imports = Mapping[str, frozenset[str]]
"""The rooms that each room imports."""

BOX, TALL, GAP, ROW, MARGIN = 108, 30, 14, 78, 16
"""Width and height of a box, space between boxes, distance of rows, and margin; in pixels."""
WIDEST = 8
"""Boxes in a row of the picture; more go into a second line of the row."""


def find_room(module: str) -> str | None:
    """Return the room of a module such as `graphsvc.api.app`; None for modules of others."""
    parts = module.split(".")
    if parts[0] == "graphsvc_lab":
        return "seed"
    return parts[1] if parts[0] == "graphsvc" and len(parts) > 1 else None


def list_rooms(root: Path) -> dict[str, list[Path]]:
    """Return the files of each room below `root`, rooms sorted by name."""
    rooms: dict[str, list[Path]] = {}
    for place in sorted((root / "graphsvc").iterdir()):
        if (place / "__init__.py").exists():
            rooms[place.name] = sorted(place.rglob("*.py"))
        elif place.suffix == ".py" and not place.stem.startswith("__"):
            rooms[place.stem] = [place]
    if (root / "seed").exists():
        rooms["seed"] = sorted((root / "seed").rglob("*.py"))
    return dict(sorted(rooms.items()))


def read_imports(root: Path) -> Imports:
    """Read which rooms import which, imports within functions included, those for type checkers alone excluded."""
    rooms = list_rooms(root)
    return {
        room: frozenset(
            other
            for path in paths
            for module in _list_modules(ast.parse(path.read_text(encoding="utf-8")))
            if (other := find_room(module)) in rooms and other != room
        )
        for room, paths in rooms.items()
    }


def _list_modules(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a file imports; `from graphsvc import settings` is an import of graphsvc.settings."""
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        nodes += ast.iter_child_nodes(node)


def stack_rows(imports: Imports) -> list[list[str]]:
    """Return the rooms in rows, the top one first: each room is above all that it imports.

    Raises:
        ValueError: rooms import each other in a circle.
    """
    height: dict[str, int] = {}
    while len(height) < len(imports):
        ready = [room for room in imports if room not in height and imports[room] <= set(height)]
        if not ready:
            raise ValueError(f"Rooms import each other in a circle: {sorted(set(imports) - set(height))}.")
        height |= {room: 1 + max((height[other] for other in imports[room]), default=-1) for room in ready}
    return [
        [room for room in sorted(imports) if height[room] == row]
        for row in range(max(height.values(), default=-1), -1, -1)
    ]


def reduce_edges(imports: Imports) -> list[tuple[str, str]]:
    """Return the imports that no chain of other imports implies; the picture draws these alone."""
    reach: dict[str, frozenset[str]] = {}
    for row in reversed(stack_rows(imports)):
        for room in row:
            reach[room] = imports[room].union(*(reach[other] for other in imports[room]))
    return [
        (room, other)
        for room in sorted(imports)
        for other in sorted(imports[room])
        if not any(other in reach[between] for between in imports[room] - {other})
    ]


def list_edges(imports: Imports) -> list[str]:
    """Return each import as a line `importer imported`, sorted; the picture holds them as its metadata."""
    return [f"{room} {other}" for room in sorted(imports) for other in sorted(imports[room])]


def read_picture(text: str) -> list[str]:
    """Return the lines of `list_edges` that a picture was drawn from."""
    found = re.search(r"<metadata>(.*?)</metadata>", text, re.DOTALL)
    return found[1].split("\n")[1:-1] if found else []


def draw_picture(imports: Imports, packages: Iterable[str]) -> str:
    """Draw the rooms in rows, an arrow from each importer down to what it imports.

    Args:
        imports: of `read_imports`.
        packages: rooms to draw as packages; the others are drawn as modules.

    Returns:
        An SVG image, the same for the same imports.
    """
    lines = [
        row[start : start + WIDEST]
        for row in stack_rows(imports)
        for start in range(0, len(row), WIDEST)
    ]  # fmt: skip
    width = 2 * MARGIN + max(map(len, lines)) * (BOX + GAP) - GAP
    height = 2 * MARGIN + ROW * (len(lines) - 1) + TALL
    place = {
        room: ((width - len(line) * (BOX + GAP) + GAP) // 2 + at * (BOX + GAP), MARGIN + ROW * number)
        for number, line in enumerate(lines)
        for at, room in enumerate(line)
    }
    known = set(packages)
    said = (
        "Rooms of the house, importers above what they import. Imports that follow from others are left out."
    )
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f"<title>{said}</title>",
        "<metadata>",
        *list_edges(imports),
        "</metadata>",
        "<style>rect{fill:#fff;stroke:#5b7085}.package{fill:#e3eaf2}path{fill:none;stroke:#8a949c}"
        "text{font-size:13px;fill:#1d2226;text-anchor:middle}</style>",
        f'<rect width="{width}" height="{height}" style="stroke:none"/>',
    ]
    for room, other in reduce_edges(imports):
        (x, y), (to_x, to_y) = place[room], place[other]
        start, end = y + TALL, to_y
        bend = (start + end) // 2
        ends = x + BOX // 2, to_x + BOX // 2
        body.append(
            f'<path d="M{ends[0]} {start}C{ends[0]} {bend} {ends[1]} {bend} {ends[1]} {end}"/>'
            f'<circle cx="{ends[1]}" cy="{end}" r="2.5" fill="#8a949c"/>'
        )
    for room, (x, y) in place.items():
        kind = ' class="package"' if room in known else ""
        body.append(f'<rect{kind} x="{x}" y="{y}" width="{BOX}" height="{TALL}" rx="5"/>')
        body.append(f'<text x="{x + BOX // 2}" y="{y + 20}">{escape(room)}</text>')
    return "\n".join([*body, "</svg>", ""])


def list_packages(root: Path) -> set[str]:
    """Return the rooms that are packages."""
    return {room for room, paths in list_rooms(root).items() if paths[0].name == "__init__.py"}


def format_table(root: Path, imports: Imports) -> str:
    """Write the table of rooms: name, the first sentence of its docstring, and the rooms that import it."""
    users = {room: sorted(one for one in imports if room in imports[one]) for room in imports}
    packages = list_packages(root)
    heads = ["| room | what it holds | imported by |", "|---|---|---|"]
    rows = []
    for row in stack_rows(imports):
        for room in row:
            path = next(iter(list_rooms(root)[room]))
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            first = " ".join(said.partition("\n\n")[0].split()).replace("|", "\\|")
            name = f"`{room}/`" if room in packages else f"`{room}.py`"
            rows.append(f"| {name} | {first} | {', '.join(users[room]) or '–'} |")
    return "\n".join([*heads, *rows, ""])


def replace_table(page: str, table: str) -> str:
    """Return a page with its table of rooms replaced."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{table}{END}{rest.partition(END)[2]}"


def write_rooms(root: Path) -> None:
    """Write the picture and the table."""
    imports = read_imports(root)
    PICTURE.write_text(draw_picture(imports, list_packages(root)), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replace_table(page, format_table(root, imports)), encoding="utf-8")


if __name__ == "__main__":
    write_rooms(ROOT)
