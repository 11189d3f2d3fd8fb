"""What may be changed through the API. Nothing here acts on accounts outside of this service."""

import strawberry

from graphsvc.api.changes.runs import RunChanges


@strawberry.type(description="The changes.")
class Mutation(RunChanges):
    pass
