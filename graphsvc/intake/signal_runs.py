"""Uses of signals on the spool: added chunk by chunk, then merged kind by kind into values and edges."""

import polars as pl

from graphsvc.intake.account_numbers import AccountNumbers
from graphsvc.intake.hubs import HubFinder
from graphsvc.intake.signals import (
    USES,
    add_order,
    describe_values,
    get_stated_schema,
    list_former,
    list_order,
    merge_uses,
    summarize_stated,
)
from graphsvc.intake.spool import Runs, Spool
from graphsvc.model.columns import FORMER, NUMBERED_EDGES, Parts, get_values_schema
from graphsvc.signals.kinds import SignalKind
from graphsvc.signals.tokens import Tokeniser


class SignalRuns:
    """The uses of each kind, what rows state of its values, and the former keys of signals."""

    def __init__(self, spool: Spool, tokens: Tokeniser) -> None:
        self._spool = spool
        self._uses: dict[str, Runs] = {}
        self._stated: dict[str, Runs] = {}
        self._former = {each.key_id: spool.open_runs(FORMER, "key") for each in tokens.older}

    def __contains__(self, kind: SignalKind) -> bool:
        return kind.name in self._uses

    def add(self, kind: SignalKind, uses: pl.DataFrame) -> None:
        """Add uses of a kind, as `signals.list_uses` yields them."""
        by = list_order(kind)
        uses = add_order(kind, uses)
        if kind.name not in self._uses:
            own = dict.fromkeys(by, pl.String)
            first = by[0] if by else "key"
            self._uses[kind.name] = self._spool.open_runs({**USES, **own}, first, "account_id")
            stated = {"key": pl.String, **own, **get_stated_schema(kind), "last_seen": USES["last_seen"]}
            self._stated[kind.name] = self._spool.open_runs(stated, first)
        self._uses[kind.name].add(uses)
        if get_stated_schema(kind):
            self._stated[kind.name].add(summarize_stated(kind, uses, *by))
        for key_id, former in list_former(uses).items():
            self._former[key_id].add(former)

    def merge(
        self, kind: SignalKind, numbers: AccountNumbers, networks: pl.DataFrame, hubs: HubFinder
    ) -> tuple[Parts, Parts]:
        """Merge the uses of a kind into its values and edges, and drop them.

        Args:
            kind: one that has uses.
            numbers: of the accounts that the uses name.
            networks: schema `NETWORKS`.
            hubs: sees all edges.

        Returns:
            The values, and edges of schema `NUMBERED_EDGES` in their order.
        """
        uses, stated, by = self._uses.pop(kind.name), self._stated.pop(kind.name), list_order(kind)
        values = self._spool.open_log(get_values_schema(kind.name))
        edges = self._spool.open_log(NUMBERED_EDGES)
        for within in uses.list_ranges():
            # In one piece, unless a value has very many uses: then all is read twice, first for the keys.
            pieces = () if within.cuts else (*uses.read_pieces(within),)
            found = [piece.select(*by, "key").unique() for piece in pieces or uses.read_pieces(within)]
            keys = pl.concat(found).unique().sort(*by, "key")["key"]
            said = pl.concat(stated.read_pieces(within._replace(cuts=())))
            numbered = keys.to_frame().with_row_index("signal", values.height)
            values.add(describe_values(kind, keys, summarize_stated(kind, said), networks))
            for piece in pieces or uses.read_pieces(within):
                merged = merge_uses(piece)
                account = pl.Series("account", numbers.find(merged["account_id"]))
                placed = merged.with_columns(account).join(numbered, on="key").sort("signal", "account_id")
                placed = placed.select(pl.col(name).cast(dtype) for name, dtype in NUMBERED_EDGES.items())
                edges.add(placed)
                hubs.add(kind.name, placed)
            hubs.end_values(kind.name)
        uses.close()
        stated.close()
        return values.get_parts(), edges.get_parts()

    def merge_former(self) -> dict[str, Parts]:
        """Merge the former keys of signals, by the id of the earlier token key."""
        return {
            key_id: self._spool.merge_runs(runs, lambda piece: piece.unique().sort("key", "former"))
            for key_id, runs in self._former.items()
        }
