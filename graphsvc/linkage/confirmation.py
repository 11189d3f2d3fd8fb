"""The accounts of a burst that share more than their minutes.

An honest account may sign up in the middle of a burst. Values that the burst's accounts have more often than others of
the same days do tell those that belong together from it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import betainc

from graphsvc.linkage.bursts import Bursts
from graphsvc.linkage.rates import Floats, Ints

FALSE_VALUES = 0.05
"""Values expected to pass for shared in all bursts together, unless the caller says otherwise."""
REFERENCE = 100
"""Sign-ups before a burst, and as many after it, that tell how common a value was in its days: new versions of
programs, new domains, prompts of the season."""
REFERENCE_PRIOR = 8.0
"""Accounts of the population that the reference's shares are shrunk by: one user in 200 is hardly a season."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Parts of bursts that share values, of `confirm_bursts`.

    Attributes:
        group: (accounts,) int32, the part of a burst each account is in, -1 = none.
        bits: (accounts,) float64, log2 of how much more common its shared values are in the burst than outside: of
            each family the strongest, families added; 0 without.
        burst, signal: (values,) int32, the values that accounts of a burst share, sorted by burst, then signal.
        observed: (values,) int64, accounts of the burst that have the value.
        expected: (values,) float64, accounts of the burst that would by chance.
        value_bits: (values,) float64, -log2 of the expected number of values as much in excess, all bursts counted.
    """

    group: NDArray[np.int32]
    bits: Floats
    burst: NDArray[np.int32]
    signal: NDArray[np.int32]
    observed: Ints
    expected: Floats
    value_bits: Floats


def confirm_bursts(
    bursts: Bursts,
    created_at: Ints,
    account: NDArray[np.int32],
    signal: NDArray[np.int32],
    family: NDArray[np.int32],
    *,
    false_values: float = FALSE_VALUES,
) -> Confirmation:
    """Find the parts of each burst whose accounts share more values than accounts of the same days do.

    For each value of a burst: the binomial probability that, given one account has it, as many others of the burst do,
    corrected for all uses in all bursts. Its rate is the higher of the population's outside the burst and of the
    sign-ups before and after it. Accounts that are connected by such values are one part; a burst may have several.
    A burst without any stays a burst by its minutes alone.

    Args:
        bursts: of `find_bursts`.
        created_at: (accounts,) int64, ms since 1970, -1 = unknown.
        account, signal: (uses,) int32, parallel; each use once.
        family: (signals,) int32, such as `bits.signal_families` gives. Only accounts that have a value of the family
            are counted, so that what an account does not tell is no difference.
        false_values: values expected to pass by chance.
    """
    accounts = len(bursts.burst)
    inside = np.flatnonzero(bursts.burst[account] >= 0)
    signals = len(family)
    owner = bursts.burst[account[inside]].astype(np.int64)
    keys, place, observed = np.unique(
        owner * signals + signal[inside], return_inverse=True, return_counts=True
    )
    burst, value = np.divmod(keys, max(signals, 1))
    having = _count_having(bursts, account, family[signal], int(family.max(initial=-1)) + 1)
    share = _shares(bursts, created_at, account, signal, family, keys, observed, having)
    others = np.maximum(having.inside[burst, family[value]] - 1, 1).astype(np.float64)
    more = np.maximum(observed - 1, 1).astype(np.float64)
    chance = np.where(observed > 1, betainc(more, others - more + 1.0, share), 1.0)
    value_bits = -np.log2(np.maximum(chance, 1e-300)) - np.log2(max(len(inside), 1))
    shared = value_bits >= np.log2(1.0 / false_values)
    gain = np.log2(more / others / share)
    held = np.flatnonzero(shared[place])
    users, values = account[inside[held]], place[held]
    return Confirmation(
        _group(users, values, accounts, len(keys), bursts.burst),
        _add_families(users, family[value[values]], gain[values], accounts),
        burst[shared].astype(np.int32),
        value[shared].astype(np.int32),
        observed[shared],
        (others * share)[shared],
        value_bits[shared],
    )


@dataclass(frozen=True, slots=True)
class _Having:
    """Accounts that have any value of a family: `every` (families,), and of each burst `inside` (bursts, families)."""

    every: Ints
    inside: Ints
    has: NDArray[np.bool_]


def _count_having(
    bursts: Bursts, account: NDArray[np.int32], family: NDArray[np.int32], families: int
) -> _Having:
    has = np.zeros((len(bursts.burst), families), dtype=np.bool_)
    has[account, family] = True
    inside = np.zeros((len(bursts.start), families), dtype=np.int64)
    rows = np.flatnonzero(bursts.burst >= 0)
    np.add.at(inside, bursts.burst[rows], has[rows])
    return _Having(has.sum(axis=0), inside, has)


def _shares(
    bursts: Bursts,
    created_at: Ints,
    account: NDArray[np.int32],
    signal: NDArray[np.int32],
    family: NDArray[np.int32],
    keys: Ints,
    observed: Ints,
    having: _Having,
) -> Floats:
    """Return the share of accounts outside the burst that have each value: of all, or of those near it if higher."""
    signals = max(len(family), 1)
    burst, value = np.divmod(keys, signals)
    degree = np.bincount(signal, minlength=signals)[value]
    outside = having.every[family[value]] - having.inside[burst, family[value]]
    share = np.minimum((degree - observed + 1.0) / (outside + 1.0), 1.0)
    near, total = _count_near(bursts, created_at, account, signal, signals, keys, having)
    local = (near + REFERENCE_PRIOR * share) / (total[burst, family[value]] + REFERENCE_PRIOR)
    higher: Floats = np.minimum(np.maximum(share, local), 1.0 - 1e-9)
    return higher


def _count_near(
    bursts: Bursts,
    created_at: Ints,
    account: NDArray[np.int32],
    signal: NDArray[np.int32],
    signals: int,
    keys: Ints,
    having: _Having,
) -> tuple[Ints, Ints]:
    """Return users of each value, and of each family (bursts, families), among sign-ups before and after the burst."""
    order = np.argsort(created_at, kind="stable")
    order = order[np.searchsorted(created_at[order], 0) :]
    moments = created_at[order]
    by_account = np.argsort(account, kind="stable")
    until = np.append(0, np.cumsum(np.bincount(account, minlength=len(created_at))))
    near = np.zeros(len(keys), dtype=np.int64)
    total = np.zeros(having.inside.shape, dtype=np.int64)
    before = np.searchsorted(moments, bursts.start)
    after = np.searchsorted(moments, bursts.end, "right")
    for number in range(len(bursts.start)):
        around = np.append(
            order[max(before[number] - REFERENCE, 0) : before[number]],
            order[after[number] : after[number] + REFERENCE],
        )
        total[number] = having.has[around].sum(axis=0)
        many = until[around + 1] - until[around]
        uses = by_account[np.repeat(until[around] - (np.cumsum(many) - many), many) + np.arange(many.sum())]
        key = number * signals + signal[uses].astype(np.int64)
        at = np.searchsorted(keys, key)
        at = at[(at < len(keys)) & (keys[np.minimum(at, len(keys) - 1)] == key)]
        np.add.at(near, at, 1)
    return near, total


def _group(
    users: NDArray[np.int32], values: Ints, accounts: int, keys: int, burst: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the parts that values connect, numbered by burst, then by first account; -1 = none."""
    group = np.full(accounts, -1, dtype=np.int32)
    if not len(users):
        return group
    nodes = accounts + keys
    graph = coo_array((np.ones(len(users), dtype=np.int8), (users, accounts + values)), shape=(nodes, nodes))
    _, component = connected_components(graph, directed=False)
    members = np.unique(users)
    part, first = np.unique(component[members], return_index=True)
    rank = np.lexsort((members[first], burst[members[first]]))
    number = np.empty(len(part), dtype=np.int32)
    number[rank] = np.arange(len(part), dtype=np.int32)
    group[members] = number[np.searchsorted(part, component[members])]
    return group


def _add_families(users: NDArray[np.int32], family: NDArray[np.int32], gain: Floats, accounts: int) -> Floats:
    """Return the strongest gain of each account's families, added."""
    order = np.lexsort((gain, family, users))
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = (np.diff(users[order]) != 0) | (np.diff(family[order]) != 0)
    strongest = order[last]
    weights = np.maximum(gain[strongest], 0.0)
    return np.bincount(users[strongest], weights, minlength=accounts).astype(np.float64)
