"""Search in one field, for anything that an investigator has. The text is not stored, logged or repeated."""
# mypy: disable-error-code=untyped-decorator

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.types import arguments
from graphsvc.api.types.hit import Found, Hit, Match, SearchAnswer, SearchKind
from graphsvc.campaigns.sentences import KINDS
from graphsvc.intake.terms import LEAST_BITS, Means, Range, Terms, TooWide, has_card_number, parse_terms
from graphsvc.scoring.scalar_keys import make_keys
from graphsvc.store.queries import search as queries

LONGEST = 20_000
"""Characters of a text that is searched for: prompts are long."""
SHORT = 200
"""Characters of a text that is read at once, in less than a millisecond: handing it to a thread takes as long."""
LOOKS = 30
"""What a search costs beside its rows: it looks for some ten tokens and ids, most of which are not there."""

Hits = list[Hit]
Search = Callable[[Info, Terms, int], Awaitable[Hits]]


async def _search_accounts(info: Info, wanted: Terms, limit: int) -> Hits:
    if wanted.id is None:
        return []
    rows = await info.context.reader.read(queries.ACCOUNTS, text=wanted.id, limit=limit)
    return [_build_id_hit(row.exact, row.account) for row in rows]


async def _search_clusters(info: Info, wanted: Terms, limit: int) -> Hits:
    if wanted.id is None:
        return []
    rows = await info.context.reader.read(queries.CLUSTERS, text=wanted.id, limit=limit)
    return [
        _build_hit(Match.FORMER_ID, "The cluster of this id became part of it.", row.cluster)
        if row.merged
        else _build_id_hit(row.exact, row.cluster)
        for row in rows
    ]


async def _search_runs(info: Info, wanted: Terms, limit: int) -> Hits:
    if wanted.id is None:
        return []
    rows = await info.context.reader.read(queries.RUNS, text=wanted.id, limit=limit)
    return [_build_id_hit(row.exact, row.run) for row in rows]


async def _search_signals(info: Info, wanted: Terms, limit: int) -> Hits:
    known = await info.context.reader.read(
        queries.SIGNALS, keys=[key for key, *_ in wanted.keys], value=wanted.id, limit=limit
    )
    hits = []
    for row in known:
        if row.place is None:
            match, says = Match.VALUE, "This is its value."
        else:
            _, means, kind = wanted.keys[row.place]
            match, says = Match(means.value), _SAYS[means].format(KINDS.get(kind, kind.replace("_", " ")))
        hits.append(_build_hit(match, says, row.signal))
    if wanted.range is None or wanted.range.within is None or any(hit.match is Match.ADDRESS for hit in hits):
        return hits
    inside = await info.context.reader.read(
        queries.ADDRESSES, range=wanted.range.within, keys=wanted.range.addresses, limit=limit
    )
    return hits + [_build_hit(Match.IN_RANGE, "It lies in this range.", signal) for signal in inside]


async def _search_ranges(info: Info, wanted: Terms, limit: int) -> Hits:
    if wanted.range is None:
        return []
    found = await info.context.reader.read(queries.RANGES, **_get_bounds(wanted.range), limit=limit)
    how = (Match.HOLDS, "This is it, or lies in it.")
    if wanted.range.within is None:
        how = (Match.IN_RANGE, "It lies in this range.")
    return [_build_hit(*how, each) for each in found if each.address]


async def _search_systems(info: Info, wanted: Terms, _: int) -> Hits:
    if wanted.asn is None:
        return []
    found = await info.context.reader.read(queries.SYSTEMS, asn=wanted.asn)
    return [_build_hit(Match.NUMBER, "This is its number.", system) for system in found]


_SEARCHES: dict[SearchKind, Search] = {
    SearchKind.ACCOUNT: _search_accounts,
    SearchKind.CLUSTER: _search_clusters,
    SearchKind.RUN: _search_runs,
    SearchKind.SIGNAL: _search_signals,
    SearchKind.RANGE: _search_ranges,
    SearchKind.SYSTEM: _search_systems,
}
_SAYS = {
    Means.KEY: "This is its key.",
    Means.ADDRESS: "It is this address.",
    Means.DOMAIN: "It is this e-mail domain.",
    Means.RAW: "As {} this has the token of the signal.",
}


def _build_hit(match: Match, says: str, found: Found) -> Hit:
    return Hit(match=match, description=says, found=found)


def _build_id_hit(exact: bool, found: Found) -> Hit:
    if exact:
        return _build_hit(Match.ID, "This is its id.", found)
    return _build_hit(Match.ID_PREFIX, "Its id begins so.", found)


def _get_bounds(within: Range) -> dict[str, object]:
    return {name: getattr(within, name) for name in ("stem", "separator", "groups", "zeros", "low", "high")}


@strawberry.type(description="Search.")
class SearchQueries:
    @strawberry.field(
        description="Searches for a text as everything that it can be: the id of an account, cluster or run, or "
        "its beginning; the key, handle or token of a signal; an address, a range of them (CIDR), the number of a "
        "system (`AS64500`), an e-mail domain; and a raw e-mail address, phone number, device, payment instrument or "
        "prompt, which is made a token as when it is loaded, and neither kept nor logged. `kind:value` looks for a raw "
        "value of one kind. A card number is refused."
    )
    async def search(
        self,
        info: Info,
        text: Annotated[str, strawberry.argument(description="The text to look for.")],
        kinds: Annotated[
            list[SearchKind] | None, strawberry.argument(description="Only these; by default all.")
        ] = None,
        first: arguments.First = 20,
    ) -> SearchAnswer:
        info.context.budget.charge_page(first)
        info.context.budget.charge(LOOKS)
        text = text.strip()
        # Hashing a long prompt takes milliseconds, which other requests should not wait for.
        wanted = (
            _parse_text(text, info)
            if len(text) <= SHORT
            else await asyncio.to_thread(_parse_text, text, info)
        )
        asked = [search for kind, search in _SEARCHES.items() if kinds is None or kind in kinds]
        found = await asyncio.gather(*(search(info, wanted, first + 1) for search in asked))
        hits = [hit for part in found for hit in part]
        return SearchAnswer(hits=hits[:first], has_more=len(hits) > first)


def _parse_text(text: str, info: Info) -> Terms:
    if not 1 <= len(text) <= LONGEST:
        raise BadInput(f"A text to look for has 1 to {LONGEST:,} characters.")
    # The service must never receive a card number (PCI DSS), so refuse it before it is hashed.
    if has_card_number(text):
        raise BadInput(
            "This is a card number, which must not come here.",
            "Look for the processor's token or fingerprint of the card.",
        )
    try:
        return parse_terms(text, info.context.tokens, make_keys)
    except TooWide:
        least = f"/{LEAST_BITS[4]} of IPv4 or /{LEAST_BITS[6]} of IPv6"
        raise BadInput(f"Ranges wider than {least} cannot be searched in.", "Narrow it.") from None
