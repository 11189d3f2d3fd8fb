"""Tables and figures as Markdown."""

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]


def grid(heads: list[str], body: Iterable[list[str]]) -> list[str]:
    """Return the lines of a table, and an empty one."""
    lines = [heads, ["---"] * len(heads), *body]
    return [*(f"| {' | '.join(cells)} |" for cells in lines), ""]


def rate_text(rate: dict[str, Any] | None, form: str = ".4f") -> str:
    """Return a rate's value; – where there is nothing to hit."""
    return "–" if rate is None or rate["rate"] is None else f"{rate['rate']:{form}}"


def count_text(rate: dict[str, Any] | None) -> str:
    """Return a rate's counts; – where there is nothing to hit."""
    return "–" if rate is None or not rate["of"] else f"{rate['hits']:,} of {rate['of']:,}"
