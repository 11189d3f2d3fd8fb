"""Groups of accounts that signed up since the last run: provisional, until the next run has read them.

Two of them are linked as in a run, by `linkage.rule` and the rarity that it asks of what two share. The graph as it is
now tells how rare a value is. Two things of a run are left out: prefixes of addresses, and closeness in time, since
these accounts are close already. A group is what hangs together by links.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from graphsvc.campaigns.evidence import NAMES
from graphsvc.linkage.bits import measure_strengths
from graphsvc.linkage.pairs import least_rarity
from graphsvc.linkage.rule import ONE_OBSERVATION, Reference
from graphsvc.linkage.signals import SignalTable

LEAST = 4
"""Accounts of a group, this one among them: a core of a run has as many (`Parameters.min_core`)."""
MOST_ACCOUNTS = 20_000
"""Accounts that are kept, the newest: some 30 MB. At one sign-up a second they are those of five hours."""
MOST_MEMBERS = 200
"""Members that a group is followed to: the answer takes milliseconds, and says no more of a larger one."""
LEAST_VALUES = 2
"""Independent values that link two, as `Parameters.min_values` has it."""


@dataclass(frozen=True, slots=True)
class RecentAccount:
    """An account as it was read: parallel lists of its signals' keys, kinds, network classes, and users.

    Attributes:
        id: of the account.
        at: its sign-up, ms since 1970.
    """

    id: str
    at: int
    key: Sequence[str]
    kind: Sequence[str]
    network_class: Sequence[str]
    users: Sequence[int]


@dataclass(frozen=True, slots=True)
class SharedFamily:
    """A family of values that a sign-up shares with its group: their bits, and a sentence."""

    family: str
    bits: float
    description: str


@dataclass(frozen=True, slots=True)
class ProvisionalGroup:
    """Accounts since the last run that a sign-up hangs together with.

    Attributes:
        id: stays as long as the earliest member is in it.
        size: accounts, the sign-up among them; `MOST_MEMBERS` stands for as many and more.
        families: of the values that link it with members, strongest first.
    """

    id: str
    size: int
    families: tuple[SharedFamily, ...]


@dataclass(frozen=True, slots=True)
class _Value:
    """A value that can link: its family, whether it links by itself, its rarity and what sharing it says, in bits."""

    family: str
    sufficient: bool
    rarity: float
    bits: float


class RecentAccounts:
    """The accounts that signed up since the run of an index, and the values that can link them."""

    def __init__(self, run: str, accounts: int, since: int) -> None:
        """Begin with none.

        Args:
            run: id of the run.
            accounts: number of accounts that it read.
            since: last sign-up that it knows, ms since 1970.
        """
        self.run, self.since = run, since
        self.after = 0
        """Number of the last load whose accounts are here."""
        self._accounts = accounts
        self._at: dict[str, int] = {}
        self._keys: dict[str, list[str]] = {}
        self._values: dict[str, _Value] = {}
        self._users: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._at)

    def add(self, accounts: Sequence[RecentAccount], after: int) -> None:
        """Add accounts, or what is new of them; `after` is the number of the last load that was read."""
        self._at.update((account.id, account.at) for account in accounts)
        self._measure(accounts)
        for account in accounts:
            kept = self._keys[account.id] = [key for key in account.key if key in self._values]
            for key in kept:
                self._users.setdefault(key, set()).add(account.id)
        self.after = after
        # The oldest go first: the next run will weigh them, and memory must not grow with the time between runs.
        for name in sorted(self._at, key=lambda each: (self._at[each], each))[:-MOST_ACCOUNTS]:
            self._remove(name)

    def find_group(self, account: str | None, keys: Sequence[str]) -> ProvisionalGroup | None:
        """Find the group that a sign-up hangs together with; None for fewer than `LEAST`.

        Args:
            account: its id if it has one: it may be recorded already, and is no other than itself.
            keys: of its signals.
        """
        known = [key for key in keys if key in self._users]
        first = self._find_linked(known, {account})
        if not first:
            return None
        # A walk over links, broken off at `MOST_MEMBERS`: one answer must not take time with the size of an attack.
        members, waiting = {account, *first}, list(first)
        while waiting and len(members) < MOST_MEMBERS:
            found = self._find_linked(self._keys[waiting.pop()], members)
            members |= found.keys()
            waiting += found
        if len(members) < LEAST:
            return None
        # Named by its earliest member, so that the id stays while the group grows.
        earliest = min((self._at[name], name) for name in members if name in self._at)
        digest = hashlib.blake2b(earliest[1].encode(), digest_size=8, person=b"provisional").hexdigest()
        return ProvisionalGroup(f"p{digest}", min(len(members), MOST_MEMBERS), self._describe(first))

    def _find_linked(self, keys: Sequence[str], but: set[str | None]) -> dict[str, list[str]]:
        """Return the accounts that are linked with one that has these keys, and the keys they share; sorted."""
        shared: dict[str, list[str]] = {}
        for key in keys:
            for other in self._users.get(key, ()):
                if other not in but:
                    shared.setdefault(other, []).append(key)
        return {other: both for other, both in sorted(shared.items()) if self._is_linked(both)}

    def _is_linked(self, keys: Sequence[str]) -> bool:
        """Tell whether two who share these values are linked (`linkage.pairs`)."""
        values = [self._values[key] for key in keys]
        if any(value.sufficient for value in values):
            return True
        by_family: dict[str, list[float]] = {}
        for value in values:
            by_family.setdefault(value.family, []).append(value.rarity)
        count = sum(1 if name in ONE_OBSERVATION else len(found) for name, found in by_family.items())
        rarity = sum(
            max(found) if name in ONE_OBSERVATION else sum(found) for name, found in by_family.items()
        )
        return count >= LEAST_VALUES and rarity >= least_rarity(self._accounts + len(self._at))

    def _measure(self, accounts: Sequence[RecentAccount]) -> None:
        """Measure the values of accounts against all accounts of the graph, and keep those that can link."""
        said = {
            key: (kind, network_class, users)
            for each in accounts
            for key, kind, network_class, users in zip(
                each.key, each.kind, each.network_class, each.users, strict=True
            )
        }
        if not said:
            return
        kinds, classes, users = zip(*said.values(), strict=True)
        signals = pl.DataFrame({"key": list(said), "kind": kinds, "class": classes})
        signals = signals.with_columns(parent=pl.lit(""), grandparent=pl.lit(""))
        # Against the graph as it is now: a value may have become common since the run.
        reference = Reference.of_others(np.array(users, dtype=np.int64), self._accounts + len(self._at))
        table = SignalTable.of(signals, reference)
        rarity = -measure_strengths(table.kinds) * np.log2(reference.share)
        for at, key in enumerate(said):
            if table.linking[at]:
                family = table.families[table.family[at]]
                self._values[key] = _Value(
                    family, bool(table.sufficient[at]), float(rarity[at]), float(table.bits[at])
                )
            elif key in self._values:
                # It has become the value of very many.
                del self._values[key]
                self._users.pop(key, None)

    def _remove(self, name: str) -> None:
        del self._at[name]
        for key in self._keys.pop(name):
            users = self._users.get(key, set())
            users.discard(name)
            if not users:
                self._users.pop(key, None)
                self._values.pop(key, None)

    def _describe(self, linked: dict[str, list[str]]) -> tuple[SharedFamily, ...]:
        bits: dict[str, float] = {}
        sharing: dict[str, set[str]] = {}
        for other, keys in linked.items():
            for key in keys:
                value = self._values[key]
                # The strongest value of a family, not the sum: values of one family often repeat one observation.
                bits[value.family] = max(bits.get(value.family, 0.0), value.bits)
                sharing.setdefault(value.family, set()).add(other)
        return tuple(
            SharedFamily(name, bits[name], _describe_family(name, len(sharing[name])))
            for name in sorted(bits, key=lambda name: (-bits[name], name))
        )


def _describe_family(family: str, accounts: int) -> str:
    name = NAMES.get(family, f"values of the kind {family}")
    others = "another account" if accounts == 1 else f"{accounts} other accounts"
    return f"It shares {name} with {others} that signed up since the last run."
