"""The mutation type. No mutation acts on accounts outside of this service."""

import strawberry

from graphsvc.api.mutations.decisions import DecisionMutations
from graphsvc.api.mutations.keys import KeyMutations
from graphsvc.api.mutations.outcomes import OutcomeMutations
from graphsvc.api.mutations.reveals import RevealMutations
from graphsvc.api.mutations.runs import RunMutations
from graphsvc.api.mutations.schedule import ScheduleMutations
from graphsvc.api.mutations.webhooks import WebhookMutations


@strawberry.type(
    description="Everything that can be changed. Nothing acts on accounts outside of this service."
)
class Mutation(
    DecisionMutations,
    KeyMutations,
    OutcomeMutations,
    RevealMutations,
    RunMutations,
    ScheduleMutations,
    WebhookMutations,
):
    pass
