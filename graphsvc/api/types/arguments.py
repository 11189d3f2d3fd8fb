"""Arguments that many fields take, and the charge for walks through rows that are not shown."""

from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.operations.limits import MAX_FIRST

A_UNIT = 100
"""Members or uses that are walked in about the time that reading one row takes."""

First = Annotated[int, strawberry.argument(description=f"How many at most: 1 to {MAX_FIRST}.")]
After = Annotated[str | None, strawberry.argument(description="Cursor of the last item before the page.")]
Id = Annotated[str, strawberry.argument(description="The id.")]


def charge_walk(info: Info, things: int) -> None:
    """Charge a walk through `things` members or uses that are no rows of the answer."""
    info.context.budget.charge(1 + things // A_UNIT)
