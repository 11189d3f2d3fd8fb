"""The mutation type. No mutation acts on accounts outside of this service."""

import strawberry

from graphsvc.api.changes.decisions import DecisionChanges
from graphsvc.api.changes.keys import KeyChanges
from graphsvc.api.changes.reveals import RevealChanges
from graphsvc.api.changes.runs import RunChanges


@strawberry.type(description="The changes.")
class Mutation(DecisionChanges, KeyChanges, RevealChanges, RunChanges):
    pass
