"""Query of two accounts: their common signals, and the strongest evidence path between them."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import numpy as np
import strawberry

from graphsvc.analysis.paths import find_signal_path, find_widest_path, list_new_accounts
from graphsvc.api.context import Info
from graphsvc.api.mutations.decisions import order_pair
from graphsvc.api.types.account import Account
from graphsvc.api.types.evidence import FamilyEvidence, parse_evidence
from graphsvc.api.types.path import Between, EvidencePath, PathStep
from graphsvc.campaigns import sentences
from graphsvc.errors import NotFound
from graphsvc.signals.kinds import BY_NAME
from graphsvc.store.queries import nodes, views

COMMON = 50
FEW = 50
"""Accounts of a signal that a search goes on through."""
ROUNDS, SIGNALS = 3, 500
"""Steps that a search takes from either side, and signals that it looks at in each."""
HUBS = {
    "hubs": {name: kind.hub_degree for name, kind in BY_NAME.items()},
    "hub": BY_NAME["identifier"].hub_degree,
}
"""From how many accounts on a signal of a kind is a hub: parameters of the statements of `cypher/view`."""


@strawberry.type(description="Queries of two accounts.")
class PathQueries:
    @strawberry.field(
        description="Everything between two accounts: what both use, and the strongest evidence path. Links of "
        "published clusters come first; else rare signals are followed from both sides, a bounded number of them."
    )
    async def between(
        self,
        info: Info,
        a: Annotated[strawberry.ID, strawberry.argument(description="An account.")],
        b: Annotated[strawberry.ID, strawberry.argument(description="Another one.")],
    ) -> Between:
        # For its check only: a path from an account to itself has no meaning.
        order_pair(a, b)
        context = info.context
        context.budget.charge(COMMON)
        ends = [await context.loaders.load_row(nodes.ACCOUNT, each) for each in (a, b)]
        if missing := [each for each, row in zip((a, b), ends, strict=True) if row is None]:
            raise NotFound(f"There is no account {missing[0]}.", "`search` finds accounts.")
        common = await context.reader.read(views.COMMON, a=a, b=b, limit=COMMON, **HUBS)
        path, says = await _find_path(info, a, b)
        source, target = (end for end in ends if end)
        return Between(
            source=source,
            target=target,
            common=common,
            common_total=common[0].in_all if common else 0,
            path=path,
            description=says,
        )


async def _find_path(info: Info, a: str, b: str) -> tuple[EvidencePath | None, str]:
    """Return the path, and a sentence on what was found."""
    context = info.context
    rows = await context.reader.read(views.ACCOUNTS, ids=[a, b])
    clusters = {row.cluster_id for row in rows}
    # Links exist only inside a published cluster.
    if len(clusters) == 1 and None not in clusters:
        (cluster,) = clusters
        links = await context.reader.read(views.LINKS, clusters=[cluster])
        context.budget.charge(len(links) // 20)
        if path := await _build_link_path(info, links, a, b):
            return path, f"Both are in cluster {cluster}; {path.description}"
    users, looked = await _expand_users(info, a, b)
    steps = find_signal_path(users, a, b)
    if steps is None:
        return None, (
            f"No path was found through {looked:,} signals of at most {FEW} accounts, {ROUNDS} steps from either side."
        )
    path = await _build_signal_path(info, steps, a)
    return path, f"Not linked by what is published; {path.description}"


async def _build_link_path(
    info: Info, links: list[views.PublishedLink], a: str, b: str
) -> EvidencePath | None:
    # Sorted, so that equal paths are chosen in the same way each time.
    names = sorted({end for row in links for end in (row.source, row.target)} | {a, b})
    place = {name: number for number, name in enumerate(names)}
    source = np.array([place[row.source] for row in links], dtype=np.int64)
    target = np.array([place[row.target] for row in links], dtype=np.int64)
    bits = np.array([row.bits for row in links], dtype=np.float64)
    found = find_widest_path(len(names), source, target, bits, place[a], place[b])
    if found is None:
        return None
    accounts = await _load_accounts(info, [names[node] for node in found.nodes])
    steps = []
    for number, edge in enumerate(found.edges):
        row = links[edge]
        evidence = parse_evidence(row.row)
        steps.append(
            PathStep(
                source=accounts[number],
                target=accounts[number + 1],
                bits=row.bits,
                signal=None,
                explanation=[
                    FamilyEvidence.from_evidence(each, sentences.family_of_link) for each in evidence
                ],
                description=sentences.link(row.bits, evidence),
            )
        )
    return EvidencePath(
        steps=steps,
        bits=found.bits,
        description=f"{_format_steps(len(steps))}, the weakest of {found.bits:.1f} bits.",
    )


async def _expand_users(info: Info, a: str, b: str) -> tuple[dict[str, list[str]], int]:
    """Return the users of rare signals around two accounts, and the number of signals.

    The search grows from both sides until they meet or the bound is reached.
    """
    users: dict[str, list[str]] = {}
    fronts = {a: [a], b: [b]}
    known = {a: {a}, b: {b}}
    for _ in range(ROUNDS):
        for side, front in fronts.items():
            if not front:
                continue
            info.context.budget.charge(SIGNALS // 10)
            rows = await info.context.reader.read(views.STEPS, ids=front, most=FEW, limit=SIGNALS)
            seen = {row.key: row.accounts for row in rows}
            users |= seen
            fronts[side] = list_new_accounts(seen, known[side])
            known[side] |= set(fronts[side])
            if known[a] & known[b]:
                return users, len(users)
    return users, len(users)


async def _build_signal_path(info: Info, steps: list[tuple[str, str]], start: str) -> EvidencePath:
    accounts = await _load_accounts(info, [start, *(account for _, account in steps)])
    signals = await info.context.loaders.load_many(nodes.SIGNAL, [key for key, _ in steps])
    found = [
        PathStep(
            source=source,
            target=target,
            bits=None,
            signal=signal,
            explanation=[],
            description=f"Both have {sentences.signal(key)}.",
        )
        for source, target, signal, (key, _) in zip(accounts, accounts[1:], signals, steps, strict=False)
    ]
    return EvidencePath(
        steps=found, bits=None, description=f"{_format_steps(len(found))} through rare signals."
    )


async def _load_accounts(info: Info, ids: list[str]) -> list[Account]:
    """Return accounts by their ids, in this order."""
    return await info.context.loaders.load_many(nodes.ACCOUNT, ids)


def _format_steps(number: int) -> str:
    return f"{number} step{'' if number == 1 else 's'}"
