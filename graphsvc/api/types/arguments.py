"""Arguments that many fields take."""

from typing import Annotated

import strawberry

from graphsvc.api.limits import MAX_FIRST

First = Annotated[int, strawberry.argument(description=f"How many at most: 1 to {MAX_FIRST}.")]
After = Annotated[str | None, strawberry.argument(description="Cursor after which to go on.")]
Id = Annotated[str, strawberry.argument(description="The id.")]
