"""One field to look for anything by what somebody has of it. What is typed is not stored, logged or repeated."""
# mypy: disable-error-code=untyped-decorator

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.types import arguments
from graphsvc.api.types.account import Account
from graphsvc.api.types.cluster import Cluster
from graphsvc.api.types.hit import Found, Hit, Match, SearchAnswer, SearchKind
from graphsvc.api.types.network import AddressRange, AutonomousSystem
from graphsvc.api.types.run import Run
from graphsvc.api.types.signal import Signal
from graphsvc.campaigns.sentences import KINDS
from graphsvc.intake.terms import LEAST_BITS, Means, Range, Terms, TooWide, holds_card_number, terms

LONGEST = 20_000
"""Characters of a text that is searched for: prompts are long."""
LOOKS = 30
"""What a search costs beside its rows: it looks for some ten tokens and ids, most of which are not there."""

Hits = list[Hit]
Search = Callable[[Info, Terms, int], Awaitable[Hits]]


async def _accounts(info: Info, wanted: Terms, limit: int) -> Hits:
    if wanted.id is None:
        return []
    rows = await info.context.reader.read("query/search_accounts", text=wanted.id, limit=limit)
    return [_by_id(row["exact"], Account.of(row["account"])) for row in rows]


async def _clusters(info: Info, wanted: Terms, limit: int) -> Hits:
    if wanted.id is None:
        return []
    rows = await info.context.reader.read("query/search_clusters", text=wanted.id, limit=limit)
    return [
        _hit(Match.FORMER_ID, "The cluster of this id became part of it.", Cluster.of(row["cluster"]))
        if row["merged"]
        else _by_id(row["exact"], Cluster.of(row["cluster"]))
        for row in rows
    ]


async def _runs(info: Info, wanted: Terms, limit: int) -> Hits:
    if wanted.id is None:
        return []
    rows = await info.context.reader.read("query/search_runs", text=wanted.id, limit=limit)
    return [_by_id(row["exact"], Run.of(row["run"])) for row in rows]


async def _signals(info: Info, wanted: Terms, limit: int) -> Hits:
    known = await info.context.reader.read(
        "query/search_signals", keys=[key for key, *_ in wanted.keys], value=wanted.id, limit=limit
    )
    hits = []
    for row in known:
        if row["place"] is None:
            match, says = Match.VALUE, "This is its value."
        else:
            _, means, kind = wanted.keys[row["place"]]
            match, says = Match(means.value), _SAYS[means].format(KINDS.get(kind, kind.replace("_", " ")))
        hits.append(_hit(match, says, Signal.of(row["signal"], row["degree"])))
    if wanted.range is None or wanted.range.within is None or any(hit.match is Match.ADDRESS for hit in hits):
        return hits
    inside = await info.context.reader.read(
        "query/search_addresses", range=wanted.range.within, keys=wanted.range.addresses, limit=limit
    )
    found = (Signal.of(row["signal"], row["degree"]) for row in inside)
    return hits + [_hit(Match.IN_RANGE, "It lies in this range.", signal) for signal in found]


async def _ranges(info: Info, wanted: Terms, limit: int) -> Hits:
    if wanted.range is None:
        return []
    rows = await info.context.reader.read("query/search_ranges", **_bounds(wanted.range), limit=limit)
    how = (Match.HOLDS, "This is it, or lies in it.")
    if wanted.range.within is None:
        how = (Match.IN_RANGE, "It lies in this range.")
    return [_hit(*how, AddressRange.of(row, row["address"])) for row in rows if row["address"]]


async def _systems(info: Info, wanted: Terms, _: int) -> Hits:
    if wanted.asn is None:
        return []
    rows = await info.context.reader.read("query/search_systems", asn=wanted.asn)
    return [_hit(Match.NUMBER, "This is its number.", AutonomousSystem.of(row["system"])) for row in rows]


_SEARCHES: dict[SearchKind, Search] = {
    SearchKind.ACCOUNT: _accounts,
    SearchKind.CLUSTER: _clusters,
    SearchKind.RUN: _runs,
    SearchKind.SIGNAL: _signals,
    SearchKind.RANGE: _ranges,
    SearchKind.SYSTEM: _systems,
}
_SAYS = {
    Means.KEY: "This is its key.",
    Means.ADDRESS: "It is this address.",
    Means.DOMAIN: "It is this e-mail domain.",
    Means.RAW: "As {} this has the token of the signal.",
}


def _hit(match: Match, says: str, found: Found) -> Hit:
    return Hit(match=match, says=says, found=found)


def _by_id(exact: bool, found: Found) -> Hit:
    if exact:
        return _hit(Match.ID, "This is its id.", found)
    return _hit(Match.ID_PREFIX, "Its id begins so.", found)


def _bounds(within: Range) -> dict[str, object]:
    return {name: getattr(within, name) for name in ("stem", "separator", "groups", "zeros", "low", "high")}


@strawberry.type(description="Search.")
class SearchQuestions:
    @strawberry.field(
        description="What an investigator has, looked for as all it can be: the id of an account, cluster or run, or "
        "how one begins; the key, handle or token of a signal; an address, a range of them (CIDR), the number of a "
        "system (`AS64500`), an e-mail domain; and a raw e-mail address, phone number, device, payment instrument or "
        "prompt, which is made a token as when it is loaded, and neither kept nor logged. `kind:value` looks for a raw "
        "value of one kind. A card number is refused."
    )
    async def search(
        self,
        info: Info,
        text: Annotated[str, strawberry.argument(description="What to look for.")],
        kinds: Annotated[
            list[SearchKind] | None, strawberry.argument(description="Only these; by default all.")
        ] = None,
        first: arguments.First = 20,
    ) -> SearchAnswer:
        info.context.budget.page(first)
        info.context.budget.charge(LOOKS)
        wanted = await asyncio.to_thread(_terms, text.strip(), info)
        asked = [search for kind, search in _SEARCHES.items() if kinds is None or kind in kinds]
        found = await asyncio.gather(*(search(info, wanted, first + 1) for search in asked))
        hits = [hit for part in found for hit in part]
        return SearchAnswer(hits=hits[:first], has_more=len(hits) > first)


def _terms(text: str, info: Info) -> Terms:
    if not 1 <= len(text) <= LONGEST:
        raise BadInput(f"A text to look for has 1 to {LONGEST:,} characters.")
    if holds_card_number(text):
        raise BadInput(
            "This is a card number, which must not come here.",
            "Look for the processor's token or fingerprint of the card.",
        )
    try:
        return terms(text, info.context.tokens)
    except TooWide:
        least = f"/{LEAST_BITS[4]} of IPv4 or /{LEAST_BITS[6]} of IPv6"
        raise BadInput(f"Ranges wider than {least} cannot be searched in.", "Narrow it.") from None
