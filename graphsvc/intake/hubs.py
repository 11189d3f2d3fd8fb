"""Values that suspiciously many accounts share: placeholders, addresses of load balancers, truncated numbers."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from itertools import accumulate

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.intake.spool import Log
from graphsvc.model.columns import Hub, Parts, Schema
from graphsvc.signals.kinds import KINDS, family_of

_LEAST_HOLDERS = 10
"""Fewer share a value in a family or an office; a hub of them says little either way."""
_SHARE, _ADDRESS_SHARE = 0.01, 0.05
"""Of the accounts that have a value of the kind. In the seeded worlds a campaign's device has 0.2 %, and the address of
a mobile carrier 0.4 %."""
_TIMES_USUAL = 20
"""How many times the usual number of holders: TLS fingerprints are shared by hundreds, devices by one or two."""
_MOST_OF_ALL = 0.5
"""Of the accounts that have a value of the kind; a value that half of them have tells none from another."""
_STRANGERS = 0.1
"""Share of holders with a rare value in common below which holders look like strangers."""
_RARE = 20
"""Accounts up to which sharing a value says something of them; households and small offices."""
_LEAST_KNOWN = 0.3
"""Share of all accounts that must share a rare value before strangers can be told by sharing none."""
_MOST_CANDIDATES, _MOST_NAMED, _MOST_HOLDERS = 50, 10, 1000
"""Values that are looked into, values that are named, and holders of one that are compared; bound memory and time."""
_PASSED_OVER = frozenset(kind.name for kind in KINDS if kind.common)
"""Kinds whose values many strangers share by nature; they are no identifiers of one person or machine."""

_COMMON = frozenset({"user_agent", "prompt"})
"""The most numerous kinds, whose rare values are left out."""
_NAME = pl.col("key").str.extract(r"^([^:]*):")
RARE_EDGES: Schema = {"account": pl.Int64, "signal": pl.Int64, "kind": pl.String}
"""Edges of values that a few accounts share; `signal` is a place within the kind."""


class HubFinder:
    """Finds values whose accounts do not look like people who share something, while edges are made.

    A value qualifies with at least ten holders. Either it has a hundredth of the accounts with its kind (of
    addresses a twentieth) and far more than usual. Or hardly any two of its holders share anything rare.

    Args:
        accounts: number of all accounts that edges can have.
        rare: keeps `RARE_EDGES`.
    """

    def __init__(self, accounts: int, rare: Log) -> None:
        self._rare = rare
        self._held: list[pl.DataFrame] = []
        self._few: list[pl.DataFrame] = []
        self._population, self._sharing = np.zeros(accounts, np.bool_), np.zeros(accounts, np.bool_)
        self._kinds: dict[str, _KindOfValues] = {}

    def add(self, kind: str, edges: pl.DataFrame) -> None:
        """Add edges of some values (schema `NUMBERED_EDGES`); those of one kind follow each other."""
        held = edges.group_by("key", "signal").agg(holders=pl.len().cast(pl.Int64))
        self._held.append(held)
        self._population[edges["account"]] = True
        if kind not in _COMMON:
            # Values may come in several parts: these are candidates until `end_values` has counted all parts.
            few = held.filter(pl.col("holders") <= _RARE).select("signal")
            self._few.append(edges.select("account", "signal").join(few, on="signal", how="semi"))
        if kind not in _PASSED_OVER:
            users = edges.select("account", name=_NAME).partition_by("name", as_dict=True, include_key=False)
            for (name,), part in users.items():
                own = self._kinds.setdefault(str(name), _KindOfValues(kind, len(self._population)))
                own.add_users(part["account"])

    def end_values(self, kind: str) -> None:
        """Count the values of the edges that were added since the last call; these values get no further edges."""
        held = pl.concat(self._held).group_by("key", "signal").agg(pl.col("holders").sum())
        shared = held.filter(pl.col("holders").is_between(2, _RARE)).select("signal")
        for few in self._few:
            rare = few.join(shared, on="signal", how="semi")
            self._sharing[rare["account"]] = True
            self._rare.add(rare.with_columns(kind=pl.lit(kind)))
        self._held, self._few = [], []
        if kind not in _PASSED_OVER:
            # Undeclared kinds of identifiers are read together.
            parts = held.with_columns(name=_NAME).partition_by("name", as_dict=True)
            for (name,), part in parts.items():
                self._kinds[str(name)].add(part)
            # Keys are sorted: there is no more of a kind that was not among these.
            for name in self._kinds.keys() - {str(name) for (name,) in parts}:
                self._kinds[name].close()

    def find(self, edges: Mapping[str, Parts]) -> tuple[Hub, ...]:
        """Find them, those with most holders first.

        Args:
            edges: by kind, all that were added.
        """
        found = [kind.list_candidates(name) for name, kind in self._kinds.items()]
        if not found:
            return ()
        largest = pl.concat(found).sort("holders", "key", descending=[True, False]).head(_MOST_CANDIDATES)
        if largest.is_empty():
            return ()
        known = int(self._sharing.sum()) >= _LEAST_KNOWN * int(self._population.sum())
        coherent = _measure_coherence(edges, self._rare.get_parts(), largest)
        hubs = []
        for kind, key, holders, accounts, usual in largest.select(
            "kind", "key", "holders", "accounts", "usual"
        ).iter_rows():
            share = _ADDRESS_SHARE if kind == "ip" else _SHARE
            unusual = holders >= _TIMES_USUAL * usual or holders >= _MOST_OF_ALL * accounts
            many = holders >= share * accounts and unusual
            # Where few accounts share rare values at all, sharing none says nothing.
            strangers = known and kind != "ip" and holders > usual and coherent[key] < _STRANGERS
            if many or strangers:
                hubs.append(Hub(key, kind, holders, accounts, coherent[key]))
        return tuple(hubs[:_MOST_NAMED])


class _KindOfValues:
    """Counts of a kind: how many values have so many holders, the largest ones, and who has any."""

    def __init__(self, declared: str, accounts: int) -> None:
        self._declared, self._population, self._users = declared, accounts, 0
        # Few users as numbers, many as a flag for each account: there may be thousands of kinds with few.
        self._few: list[NDArray[np.int64]] = []
        self._many: NDArray[np.bool_] | None = None
        self._counts: Counter[int] = Counter()
        self._largest = pl.DataFrame(schema={"key": pl.String, "holders": pl.Int64})

    def add(self, held: pl.DataFrame) -> None:
        self._counts.update(dict(held["holders"].value_counts().rows()))
        large = held.filter(pl.col("holders") >= _LEAST_HOLDERS).select("key", "holders")
        ordered = pl.concat([self._largest, large]).sort("holders", "key", descending=[True, False])
        self._largest = ordered.head(_MOST_CANDIDATES)

    def add_users(self, accounts: pl.Series) -> None:
        self._few.append(accounts.unique().to_numpy())
        # A number takes eight bytes, a flag one.
        if sum(map(len, self._few)) * 8 > self._population:
            self._many = np.zeros(self._population, np.bool_) if self._many is None else self._many
            self._many[np.concatenate(self._few)] = True
            self._few = []

    def close(self) -> None:
        """Count who has any value, once all edges of the kind were added."""
        if self._many is not None:
            self._many[np.concatenate([np.empty(0, np.int64), *self._few])] = True
            self._users = int(self._many.sum())
        elif self._few:
            self._users = len(np.unique(np.concatenate(self._few)))
        self._few, self._many = [], None

    def list_candidates(self, name: str) -> pl.DataFrame:
        """List the largest values: key, holders, kind and declared kind, accounts, and the usual holders."""
        self.close()
        usual = [_compute_usual(self._counts, holders) for holders in self._largest["holders"]]
        return self._largest.with_columns(
            kind=pl.lit(name),
            declared=pl.lit(self._declared),
            accounts=pl.lit(self._users, pl.Int64),
            usual=pl.Series(usual, dtype=pl.Int64),
        )


def _compute_usual(counts: Counter[int], one: int) -> int:
    """Return the middle of values by their edges, without one of them.

    Args:
        counts: number of values by their number of holders.
        one: the holders of the value to leave out.
    """
    others = sorted((holders, many - (holders == one)) for holders, many in counts.items())
    # Weighted by edges: the median over values is 1 in every long tail.
    edges = list(accumulate(holders * many for holders, many in others))
    if not edges[-1]:
        return 0
    return others[bisect_left(edges, edges[-1] / 2)][0]


def _measure_coherence(edges: Mapping[str, Parts], rare: Parts, hubs: pl.DataFrame) -> dict[str, float]:
    """Return the share of each hub's first thousand holders that have a rare value of another family in common."""
    members = pl.concat(
        edges[kind]
        .scan()
        .filter(pl.col("key") == key)
        .select("account_id", "account", hub="key", own=pl.lit(family_of(kind)))
        # The first by id, so that the same bundle is always judged by the same accounts.
        .bottom_k(_MOST_HOLDERS, by="account_id")
        .collect(engine="streaming")
        for kind, key in hubs.select("declared", "key").iter_rows()
    )
    some = members.select("account").unique()
    known = [part.join(some, on="account", how="semi") for part in rare.read()]
    families = {kind: family_of(kind) for kind in edges}
    shared = (
        pl.concat([pl.DataFrame(schema=RARE_EDGES), *known])
        .with_columns(family=pl.col("kind").replace_strict(families, return_dtype=pl.String))
        .join(members, on="account")
        .filter(pl.col("family") != pl.col("own"))
        .group_by("hub", "kind", "signal")
        .agg("account")
        .filter(pl.col("account").list.len() > 1)
    )
    together = shared.select("hub", "account").explode("account").unique().group_by("hub").len()
    joined = hubs.select("key", "holders").join(together, left_on="key", right_on="hub", how="left")
    return {key: (many or 0) / min(holders, _MOST_HOLDERS) for key, holders, many in joined.rows()}
