"""Mutations of decisions: on clusters, on accounts, and on whether one operator runs two accounts.

Each can be undone.
"""
# mypy: disable-error-code=untyped-decorator

import unicodedata
from datetime import UTC, datetime
from typing import Annotated

import strawberry

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.roles import require_role
from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.types.account import Account
from graphsvc.api.types.cluster import Cluster
from graphsvc.api.types.decision import Decision
from graphsvc.model import decisions as model
from graphsvc.model.decisions import Disposition, On, Pin, Topic
from graphsvc.store.decisions import DecisionRequest, record_decision, undo_decision
from graphsvc.store.queries import nodes

LONGEST_NOTE = 4_000
LONGEST_NAME = 200
_ANALYST = [require_role(Role.ANALYST)]

ClusterId = Annotated[strawberry.ID, strawberry.argument(description="Id of a cluster.")]
AccountId = Annotated[strawberry.ID, strawberry.argument(description="Id of an account.")]
Expected = Annotated[
    int,
    strawberry.argument(description="The subject's `version` that was read; 0: there was no decision yet."),
]
Note = Annotated[str, strawberry.argument(description=f"The reason: at most {LONGEST_NOTE:,} characters.")]


@strawberry.type(description="A decision, and the present state of its subject.")
class Change:
    decision: Decision = strawberry.field(description="The decision, or the one that was taken back.")
    version: int = strawberry.field(description="The subject's version now: what the next change names.")
    subject: strawberry.Private[tuple[On, str]]

    @strawberry.field(description="The cluster; null: it is about something else, or no run finds it now.")
    async def cluster(self, info: Info) -> Cluster | None:
        if self.subject[0] is not On.CLUSTER:
            return None
        return await info.context.loaders.load_row(nodes.CLUSTER, self.subject[1])

    @strawberry.field(description="The account; of a pair the first; null: it is about a cluster.")
    async def account(self, info: Info) -> Account | None:
        if self.subject[0] is On.CLUSTER:
            return None
        return await info.context.loaders.load_row(nodes.ACCOUNT, self.subject[1])


@strawberry.type(description="Mutations of decisions. All are on record, and nothing here acts on accounts.")
class DecisionMutations:
    @strawberry.mutation(
        description="Sets the disposition of a cluster; its status follows.", extensions=_ANALYST
    )
    async def set_cluster_disposition(
        self,
        info: Info,
        id: ClusterId,
        disposition: Annotated[Disposition, strawberry.argument(description="The disposition.")],
        expected_version: Expected,
        note: Note = "",
    ) -> Change:
        wish = DecisionRequest(On.CLUSTER, id, Topic.DISPOSITION, disposition.value, clean_text(note))
        return await _record_request(info, wish, expected_version)

    @strawberry.mutation(description="Sets the disposition of an account.", extensions=_ANALYST)
    async def set_account_disposition(
        self,
        info: Info,
        id: AccountId,
        disposition: Annotated[Disposition, strawberry.argument(description="The disposition.")],
        expected_version: Expected,
        note: Note = "",
    ) -> Change:
        wish = DecisionRequest(On.ACCOUNT, id, Topic.DISPOSITION, disposition.value, clean_text(note))
        return await _record_request(info, wish, expected_version)

    @strawberry.mutation(description="Assigns a cluster to a person.", extensions=_ANALYST)
    async def assign_cluster(
        self,
        info: Info,
        id: ClusterId,
        expected_version: Expected,
        assignee: Annotated[
            str | None, strawberry.argument(description="Their name; null: unassigned.")
        ] = None,
    ) -> Change:
        wish = DecisionRequest(On.CLUSTER, id, Topic.ASSIGNMENT, clean_text(assignee or "", LONGEST_NAME))
        return await _record_request(info, wish, expected_version)

    @strawberry.mutation(description="Adds a note to a cluster.", extensions=_ANALYST)
    async def note_cluster(self, info: Info, id: ClusterId, note: Note, expected_version: Expected) -> Change:
        return await _record_request(
            info, DecisionRequest(On.CLUSTER, id, Topic.NOTE, "", require_text(note)), expected_version
        )

    @strawberry.mutation(description="Adds a note to an account.", extensions=_ANALYST)
    async def note_account(self, info: Info, id: AccountId, note: Note, expected_version: Expected) -> Change:
        return await _record_request(
            info, DecisionRequest(On.ACCOUNT, id, Topic.NOTE, "", require_text(note)), expected_version
        )

    @strawberry.mutation(
        description="Says that one operator runs two accounts, or that two do. The next detection honours it: two that "
        "are different are never in one cluster, two that are the same are if one of them is in any.",
        extensions=_ANALYST,
    )
    async def pin_accounts(
        self,
        info: Info,
        a: AccountId,
        b: AccountId,
        operator: Annotated[Pin, strawberry.argument(description="Whether one operator runs both.")],
        expected_version: Annotated[
            int,
            strawberry.argument(
                description="The `version` of the pair, from `pair`; 0: there was no decision yet."
            ),
        ],
        note: Note = "",
    ) -> Change:
        # A pair has no direction, so it is stored under the smaller id.
        first, second = order_pair(a, b)
        wish = DecisionRequest(On.PAIR, first, Topic.PIN, operator.value, clean_text(note), second)
        return await _record_request(info, wish, expected_version)

    @strawberry.mutation(
        description="Begins to watch a cluster: `clusterChanges` tells of it. Each person's own, so it has no version.",
        extensions=_ANALYST,
    )
    async def watch_cluster(self, info: Info, id: ClusterId) -> Change:
        return await _record_request(info, DecisionRequest(On.CLUSTER, id, Topic.WATCH, model.WATCHED), None)

    @strawberry.mutation(description="Ends watching a cluster.", extensions=_ANALYST)
    async def unwatch_cluster(self, info: Info, id: ClusterId) -> Change:
        return await _record_request(
            info, DecisionRequest(On.CLUSTER, id, Topic.WATCH, model.NOT_WATCHED), None
        )

    @strawberry.mutation(
        description="Undoes a decision: the one that it superseded is active again. It stays on record.",
        extensions=_ANALYST,
    )
    async def undo_decision(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Id of the decision.")],
        expected_version: Expected,
    ) -> Change:
        context = info.context
        # In a thread: it reads the entire log, and may have to start again.
        undone = await context.worker.run(
            undo_decision, context.auditor, id, datetime.now(UTC), expected_version
        )
        return await _build_change(info, undone)


async def _record_request(info: Info, wish: DecisionRequest, expected: int | None) -> Change:
    context = info.context
    decision = await context.worker.run(record_decision, context.auditor, wish, datetime.now(UTC), expected)
    return await _build_change(info, decision)


async def _build_change(info: Info, decision: model.Decision) -> Change:
    # The status depends on all active decisions, so read the log again after the write.
    info.context.decision_log.forget()
    log = await info.context.decision_log.read()
    subject = (decision.on, decision.subject, decision.other)
    forced = {each.id for each in log.find_active(*subject)}
    return Change(
        decision=Decision.from_model(decision, decision.id in forced),
        version=log.compute_version(*subject),
        subject=subject[:2],
    )


def order_pair(a: str, b: str) -> tuple[str, str]:
    """Return the two accounts of a pair in the order of their ids.

    Raises:
        BadInput: both are the same account.
    """
    if a == b:
        raise BadInput("A pair is of two accounts.", "Name two different ones.")
    return (a, b) if a < b else (b, a)


def clean_text(written: str, longest: int = LONGEST_NOTE) -> str:
    """Return a text without the blanks around it.

    Raises:
        BadInput: it is too long, or has control characters.
    """
    written = written.strip()
    if len(written) > longest:
        raise BadInput(f"The text is longer than {longest:,} characters.", "Shorten it.")
    # They could disguise text in a terminal or a log; line feeds and tabs are part of notes.
    if any(unicodedata.category(letter) == "Cc" and letter not in "\n\t" for letter in written):
        raise BadInput("The text holds control characters.", "Leave them out.")
    return written


def require_text(note: str) -> str:
    """Return the text of a note without the blanks around it.

    Raises:
        BadInput: it is empty or too long, or has control characters.
    """
    if not (written := clean_text(note)):
        raise BadInput("A note says something.", "Write what is to be known.")
    return written
