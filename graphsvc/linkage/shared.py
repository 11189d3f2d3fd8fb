"""Measure how rarely two accounts share by chance: values, less what activity explains, and the moment of sign-up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphsvc.linkage.bits import measure_strengths, share_of_others
from graphsvc.linkage.prefixes import find_prefixes
from graphsvc.linkage.rule import ONE_OBSERVATION
from graphsvc.linkage.signals import Incidence
from graphsvc.model.arrays import find_starts, flag_starts
from graphsvc.model.scale import coarse
from graphsvc.types import Flags, Floats, Ints, Ints32

BANDS_OF_A_TEMPLATE = 6
"""Bands that one prompt has at most: so many more shared are a second template."""
FEW_VALUES = 4
"""An account with so many values of a family is not busy, however few others have: to share one of four is no habit.
In the sybil list, whose accounts have seven on average, correcting for activity took the largest false cluster from 69
accounts to 15 and found 71 groups for 65."""
CLOSE_BITS = 8.0
"""The moment of sign-up is one more thing that two accounts have in common where it is this rare: of 256 accounts one
is as close to either of them. On random worlds (seeds 100-149) 61 % of campaigns have a cluster of their own at 8 bits,
and half of them at 5 and at 2 bits."""


class Closeness:
    """Rarity of two accounts' signing up as close to each other as they did.

    Args:
        created_at: (accounts,) int64, ms since 1970, -1 = unknown.
    """

    def __init__(self, created_at: Ints) -> None:
        self.accounts = len(created_at)
        self._at = created_at
        self._ordered = np.sort(created_at)
        self._place = np.searchsorted(self._ordered, created_at)

    def measure(self, source: Ints32, target: Ints32) -> Floats:
        """Measure pairs, in bits: -log2 of the share of accounts that are as close to the one, or to the other if more.

        The rarity is a rank, so that busy hours, launches and coarse times need no model: a crowd is close to many.

        Args:
            source: (pairs,) int32, one account of each pair.
            target: (pairs,) int32, the other.

        Returns:
            (pairs,) float64; 0 where it is less than `CLOSE_BITS`, or a time is unknown.
        """
        found = np.zeros(len(source))
        # All accounts between the two are as close as they are: nearly all pairs drop out here.
        between = np.abs(self._place[source] - self._place[target]) + 1
        known = np.minimum(self._at[source], self._at[target]) >= 0
        near = np.flatnonzero((between * 2.0**CLOSE_BITS <= len(self._at)) & known)
        one, other = self._at[source[near]], self._at[target[near]]
        apart = np.abs(one - other)
        # The busier side counts, so that the quiet hour of one account does not make the pair rare.
        around = np.maximum(*(self._count(at - apart, at + apart) for at in (one, other)))
        bits = np.log2(coarse(len(self._at)) / around)
        found[near] = np.where(bits >= CLOSE_BITS, bits, 0.0)
        return found

    def _count(self, start: Ints, end: Ints) -> Ints:
        found: Ints = np.searchsorted(self._ordered, end, side="right") - np.searchsorted(
            self._ordered, start
        )
        return found


def number_prompts(bands: Flags, account: Ints32, first_seen: Ints, last_seen: Ints) -> Ints:
    """Give each prompt of an account a number; int64, one a use.

    Bands of one prompt are seen at the same moments. Uses of other kinds have -1.

    Args:
        bands: (uses,) bool, whether each use is of a band of a prompt.
        account: (uses,) int32.
        first_seen: (uses,) int64, ms since 1970, -1 = unknown.
        last_seen: likewise.
    """
    found = np.full(len(account), -1, dtype=np.int64)
    edge = np.flatnonzero(bands)
    moment = (account[edge], first_seen[edge], last_seen[edge])
    order = np.lexsort(moment[::-1])
    found[edge[order]] = np.cumsum(flag_starts(*(column[order] for column in moment)))
    return found


@dataclass(frozen=True, slots=True)
class Worth:
    """Measure of what pairs share.

    Attributes:
        family: (values,) int32, the family of each value that can link; values are in the order of families.
        alone: (families,) bool, whether all values of a family are one observation.
        prompt: (families,) bool, whether it is that of prompts.
        sole: (values,) bool, whether each makes a link by itself.
        rarity: (values,) float64, −log2 of the share of other accounts that have each, times its kind's strength.
        prefix: (values,) int64, the value that is the prefix of each address, -1 = none.
        key: (bands,) int64, account · values + value of each use of a band, sorted.
        number: (bands,) int64, the prompt that it is of (`number_prompts`).
        activity: (accounts, families) float32, of `measure_activity`.
    """

    family: Ints32
    alone: Flags
    prompt: Flags
    sole: Flags
    rarity: Floats
    prefix: Ints
    key: Ints
    number: Ints
    activity: NDArray[np.float32]

    def measure(
        self, source: Ints32, target: Ints32, pair: Ints, value: Ints32
    ) -> tuple[Ints, Floats, Flags]:
        """Measure each pair: its independent values, their rarity in bits, and whether one makes a link by itself.

        Rarity is −log2 of the chance that both have all of them, less what the two owe to their activity: an account
        that has four times as many values of a family as others shares each four times as easily. It is 0 where the
        two share so small a part of what they have that it makes less than one value of a usual account.

        Args:
            source: (pairs,) int32, one account of each pair.
            target: (pairs,) int32, the other.
            pair: (shared,) int64, the pair of each shared value, sorted; every pair shares one.
            value: (shared,) int32, the value, sorted within a pair.
        """
        pair, value = self._leave_prefixes(pair, value)
        family = self.family[value]
        eased = self.activity[source[pair], family] + self.activity[target[pair], family]
        # Half the sum of logarithms: the geometric mean of both activities. Less than usual adds nothing.
        rarity = np.maximum(self.rarity[value] - np.maximum(0.5 * eased, 0.0), 0.0)
        begins = find_starts(pair, family)
        of, whose = family[begins], pair[begins]
        count = np.diff(begins, append=len(pair))
        most, total = np.maximum.reduceat(rarity, begins), np.add.reduceat(rarity, begins)
        each, bits = np.where(self.alone[of], 1, count), np.where(self.alone[of], most, total)
        # Two prompts are two observations, and all bands of one prompt are one.
        sent = np.flatnonzero(self.prompt[of])
        if len(sent):
            rows = np.flatnonzero(self.prompt[family])
            told = [
                self._tell_prompts(end[pair[rows]], value[rows], pair[rows], rarity[rows])
                for end in (source, target)
            ]
            # Bands whose moments are not known may be of two prompts where they are more than one has.
            crowd = 1 + (count[sent] > BANDS_OF_A_TEMPLATE)
            each[sent] = np.maximum(np.minimum(told[0][0], told[1][0]), crowd)
            bits[sent] = np.maximum(np.minimum(told[0][1], told[1][1]), crowd * most[sent])
        pairs = find_starts(whose)
        values: Ints = np.add.reduceat(each, pairs)
        busy = np.exp2(np.maximum(0.5 * eased[begins], 0.0))
        habitual = np.add.reduceat(each / busy, pairs) < 1.0
        together: Floats = np.add.reduceat(bits, pairs)
        sure = np.zeros(len(source), dtype=np.bool_)
        sure[pair[self.sole[value]]] = True
        together[habitual] = 0.0
        return values, together, sure

    def _leave_prefixes(self, pair: Ints, value: Ints32) -> tuple[Ints, Ints32]:
        """Leave out the prefixes of addresses that a pair shares: they are the same observation."""
        own, values = self.prefix[value], len(self.prefix)
        within = own >= 0
        covered = np.isin(pair * values + value, pair[within] * values + own[within])
        return pair[~covered], value[~covered]

    def _tell_prompts(
        self, account: Ints32, value: Ints32, pair: Ints, rarity: Floats
    ) -> tuple[Ints, Floats]:
        """Tell apart the prompts of one end of each pair: how many there are, and the sum of their rarest bands'.

        Args:
            account: (bands,) int32, the account at that end.
            value: (bands,) int32, the shared band.
            pair: (bands,) int64, the pair, sorted.
            rarity: (bands,) float64, bits.
        """
        key = account.astype(np.int64) * len(self.prefix) + value
        number = self.number[np.searchsorted(self.key, key)]
        order = np.lexsort((number, pair))
        begins = find_starts(pair[order], number[order])
        of = find_starts(pair[order][begins])
        count: Ints = np.diff(of, append=len(begins))
        rarest = np.maximum.reduceat(rarity[order], begins)
        return count, np.add.reduceat(rarest, of)


def measure_worth(incidence: Incidence, linking: Ints, uses: tuple[Ints32, Ints32, Ints]) -> Worth:
    """Build the measure of a graph.

    Args:
        incidence: the graph and its signals.
        linking: (values,) int64, the signals that can link, in the order of families.
        uses: account, value (place in `linking`), prompt (`number_prompts`) of their uses, sorted by account and, in a
            family, by value.
    """
    graph, signals = incidence.graph, incidence.signals
    account, value, prompt = uses
    bands = np.flatnonzero(prompt >= 0)
    # Prefixes and systems follow from addresses: with them one address would count three times.
    level = signals.level[graph.signal] == 0
    shape = (graph.accounts.height, len(signals.families))
    cell = graph.account[level].astype(np.int64) * shape[1] + signals.family[graph.signal[level]]
    counts = np.bincount(cell, minlength=shape[0] * shape[1]).astype(np.float32).reshape(shape)
    having = (counts > 0).sum(axis=0)
    return Worth(
        family=signals.family[linking],
        **flag_families(signals.families),
        sole=signals.sufficient[linking],
        rarity=measure_rarity(measure_strengths(signals.kinds)[linking], signals.users[linking], shape[0]),
        prefix=find_prefixes(graph.signals.select("key", "kind", "parent")[linking]),
        key=account[bands].astype(np.int64) * len(linking) + value[bands],
        number=prompt[bands],
        activity=measure_activity(counts, counts.sum(axis=0, dtype=np.float64), having),
    )


def flag_families(families: Sequence[str]) -> dict[str, Flags]:
    """Return `alone` and `prompt` of `Worth` for families of these names."""
    return {
        "alone": np.array([name in ONE_OBSERVATION for name in families], dtype=np.bool_),
        "prompt": np.array([name == "prompt" for name in families], dtype=np.bool_),
    }


def measure_rarity(strength: Floats, users: Ints, accounts: int) -> Floats:
    """Measure the rarity of values in bits, by their kinds' strengths and their users among so many accounts."""
    rarity: Floats = -strength * np.log2(share_of_others(users, accounts))
    return rarity


def measure_activity(counts: NDArray[np.float32], totals: Floats, having: Ints) -> NDArray[np.float32]:
    """Measure the activity of accounts by family: log2 of an account's values over the usual number.

    The usual number is the mean of all that have a value, as finely as it matters (eighths of a doubling), and at least
    `FEW_VALUES`.

    Args:
        counts: (accounts, families) float32, values that are no level of others.
        totals: (families,) float64, those of all accounts there are.
        having: (families,) int64, how many of all accounts have a value.

    Returns:
        (accounts, families) float32; 0 where an account has no value.
    """
    found = np.log2(np.maximum(counts, 1.0))
    usual = np.log2(np.maximum(totals / np.maximum(having, 1), FEW_VALUES))
    # Quantized, so that a few new accounts leave the rarity of what others share as it is.
    found -= (np.round(8.0 * usual) / 8.0).astype(np.float32)
    found[counts == 0] = 0.0
    return found
