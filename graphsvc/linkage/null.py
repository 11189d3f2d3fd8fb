"""Permute a graph, so that no two accounts have anything in common but by chance.

Each signal kind and network class is a bipartite graph of its own. Its uses are dealt out again by the configuration
model (Newman, Networks, 2010, ch. 13): accounts and values keep their degrees, and nothing else of who shares what. A
use that would be there twice is swapped with another. Where that does not end, as in kinds whose values nearly all
accounts have, pairs of uses of the given graph swap their accounts instead (Milo et al., cond-mat/0312028).
"""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.linkage.timing import resolution
from graphsvc.linkage.window import DAY_MS
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.prompts import BANDS
from graphsvc.types import Ints

SPREAD = 7
"""Days by which a sign-up moves at most, to either side. The widest window of lockstep is a day (`linkage.timing`): two
weeks hold fifteen of them, so a day that stands out no longer does, while the growth of a month stays."""
REPAIRS = 50
"""Rounds of repair. Measured: `demo` 7, `quiet` 5 and `hard` 3 need seven at most, the market of an independent
generator 32. In the history of SymPy, where many authors changed the same files, they do not end."""
SWAPS = 10
"""Swaps for each use. Measured on the history of SymPy: after three swaps 2.8 % of the uses are with their first
account, after ten 1.5 %, and after a hundred 1.5 % too."""
ROUNDS = 100
"""Rounds of swapping at most, each of which tries every use once."""


def permute_graph(graph: SignalGraph, seed: int) -> SignalGraph:
    """Return the graph with its uses, sign-ups and traffic dealt out again, so that it holds no campaign.

    These stay: accounts with their ids, plans and countries; signals with all that is known of them; for each account
    and each value the number of uses, within the kind and the network class. Prompt bands that the same accounts have
    move together, at most `BANDS` at a time, because they are one prompt.

    An account takes another's sign-up, status and traffic together. Its day of sign-up then moves by up to `SPREAD`
    days, and its time of day comes from a third account. So bursts are gone, and the course of months and days stays.
    Each use keeps its length and its place between its account's sign-up and the newest moment of the graph.

    Args:
        graph: as `SignalGraph` says.
        seed: the same graph and seed give the same result.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(graph.accounts.height)
    accounts = _with_lives(rng, graph.accounts, order)
    first, last = _moved_uses(graph, accounts["created_at"].to_numpy())
    signal = _dealt_signals(rng, graph)
    sort = np.lexsort((signal, graph.account))
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    traffic = graph.activity.with_columns(account=pl.Series(place[graph.activity["account"].to_numpy()]))
    return replace(
        graph,
        accounts=accounts,
        signal=signal[sort],
        first_seen=first[sort],
        last_seen=last[sort],
        activity=traffic.sort("account", "hour", "model"),
    )


def _with_lives(rng: np.random.Generator, accounts: pl.DataFrame, order: Ints) -> pl.DataFrame:
    """Return the accounts, each with the status and about the sign-up of the one at its place in `order`."""
    created = accounts["created_at"].to_numpy()[order]
    known = np.flatnonzero(created >= 0)
    if len(known):
        day, moment = created[known] // DAY_MS, created[known] % DAY_MS
        newest, lowest, highest = created[known].max(), day.min(), day.max()
        day = day + rng.integers(-SPREAD, SPREAD + 1, len(known))
        # What would be before the first or after the last day comes back as far inside.
        day = np.where(day < lowest, 2 * lowest - day, day)
        day = np.clip(np.where(day > highest, 2 * highest - day, day), lowest, highest)
        created[known] = np.minimum(day * DAY_MS + rng.permutation(moment), newest)
    changed = accounts["status_changed_at"].to_numpy()[order]
    return accounts.with_columns(
        created_at=pl.Series(created),
        status=accounts["status"].gather(order),
        status_changed_at=pl.Series(np.where(changed < 0, changed, np.maximum(changed, created))),
    )


def _moved_uses(graph: SignalGraph, created: Ints) -> tuple[Ints, Ints]:
    """Move the first and last moments of the uses with the sign-ups of their accounts; int64, shape (uses,) each.

    Args:
        graph: as `SignalGraph` says.
        created: the new sign-ups, a row an account.
    """
    first, last = graph.first_seen.copy(), graph.last_seen.copy()
    old, new = graph.accounts["created_at"].to_numpy()[graph.account], created[graph.account]
    newest = max(int(last.max(initial=-1)), int(first.max(initial=-1)), int(created.max(initial=-1)))
    # Other uses have no place between a sign-up and the newest moment, and keep their times.
    moved = (old >= 0) & (new >= 0) & (first >= old) & (old < newest)
    if not moved.any():
        return first, last
    share = (first[moved] - old[moved]) / (newest - old[moved])
    begin = new[moved] + (share * (newest - new[moved])).astype(np.int64)
    # Times come in the steps that they were recorded in, or a use would look finer than any real one.
    unit = resolution(first[moved])
    over = int(np.median(first[moved] % unit)) if unit > 1 else 0
    begin = np.maximum((begin - over) // unit * unit + over, new[moved])
    length = last[moved] - first[moved]
    last[moved] = np.where(last[moved] < 0, last[moved], np.minimum(begin + length, newest))
    first[moved] = np.minimum(begin, newest)
    return first, last


def _dealt_signals(rng: np.random.Generator, graph: SignalGraph) -> NDArray[np.int32]:
    """Deal the signals out again, one a use; parallel to `graph.account`, not sorted within an account."""
    about = graph.signals.select(
        stratum=pl.struct("kind", "class").rank("dense").cast(pl.Int64), prompt=pl.col("kind") == "prompt"
    )
    stratum, prompt = about["stratum"].to_numpy(), about["prompt"].to_numpy()
    dealt = graph.signal.copy()
    order = np.argsort(stratum[graph.signal], kind="stable")
    cuts = np.flatnonzero(np.diff(stratum[graph.signal[order]])) + 1
    for uses in np.split(order, cuts):
        if len(uses):
            values, value = np.unique(graph.signal[uses], return_inverse=True)
            account = graph.account[uses].astype(np.int64)
            together = BANDS if prompt[values[0]] else 1
            holder, held = _dealt(rng, account, value.astype(np.int64), together)
            # Every account has as many uses as before, so by account they stand where they stood.
            dealt[uses] = values[held[np.argsort(holder, kind="stable")]]
    return dealt


def _dealt(rng: np.random.Generator, account: Ints, value: Ints, together: int) -> tuple[Ints, Ints]:
    """Deal the uses of one stratum out again: accounts and values, both of shape (uses,), in no order.

    Args:
        rng: source of randomness.
        account: of each use, ascending.
        value: of each use, numbered from 0.
        together: how many values with the same accounts move as one, at most.
    """
    people, place = np.unique(account, return_inverse=True)
    left = np.bincount(place)
    bundle = _bundles(account, value, together)
    weight = np.bincount(bundle)
    loose = np.ones(len(weight), dtype=np.bool_)
    members = np.argsort(bundle, kind="stable")
    begins = np.cumsum(weight) - weight
    leader = members[begins]
    holders, values = [], []
    # Heavy bundles first, while accounts have room for them.
    for size in range(together, 1, -1):
        wanted = bundle[value]
        wanted = wanted[(weight[wanted] == size) & (leader[wanted] == value)]
        holder = _deal(rng, np.repeat(np.arange(len(people)), left // size), wanted)
        if len(wanted) and holder is not None:
            left -= size * np.bincount(holder, minlength=len(people))
            loose[wanted] = False
            holders.append(np.repeat(holder, size))
            values.append(members[begins[wanted][:, None] + np.arange(size)].ravel())
    single = value[loose[bundle[value]]]
    holder = _deal(rng, np.repeat(np.arange(len(people)), left), single)
    if holder is None:
        return people[_swapped(rng, place, value)], value
    return people[np.concatenate([*holders, holder])], np.concatenate([*values, single])


def _bundles(account: Ints, value: Ints, together: int) -> Ints:
    """Find the bundle of each value; int64, shape (values,). Values of a bundle have the same accounts, several."""
    count = int(value.max(initial=-1)) + 1
    if together == 1:
        return np.arange(count)
    # A sum of random numbers, one an account, is the same for the same accounts and for no others.
    names = np.random.default_rng(0).integers(2**64, size=int(account.max()) + 1, dtype=np.uint64)
    order = np.argsort(value, kind="stable")
    degree = np.bincount(value)
    print_of = np.add.reduceat(names[account[order]], np.cumsum(degree) - degree)
    frame = pl.DataFrame({"print": print_of, "degree": degree}).with_row_index("value")
    alone = pl.when(pl.col("degree") == 1).then(pl.col("value")).otherwise(0)
    keys = ["print", "degree", "alone"]
    # A prompt has `together` bands at most: more values with the same accounts are several prompts.
    frame = frame.with_columns(alone=alone).with_columns(
        part=pl.int_range(pl.len()).over("print", "degree", "alone") // together
    )
    return frame.select(pl.struct(*keys, "part").rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()


def _deal(rng: np.random.Generator, slots: Ints, values: Ints) -> Ints | None:
    """Deal each value to a slot such that no account has one twice.

    Args:
        rng: source of randomness.
        slots: the account of each slot, int64; at least as many as values, or there is no room.
        values: what is dealt, int64, a row a use.

    Returns:
        The account of each use, parallel to `values`; None where there is no room, or repairs do not end.
    """
    if len(slots) < len(values):
        return None
    holder = rng.permutation(slots)
    width = int(values.max(initial=-1)) + 1
    # An empty slot has a key of its own, below 0.
    value = np.full(len(slots), -1, dtype=np.int64)
    value[: len(values)] = values
    key = np.where(value >= 0, holder * width + value, -1 - np.arange(len(slots)))
    for _ in range(REPAIRS):
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        wrong = order[1:][ordered[1:] == ordered[:-1]]
        if not len(wrong):
            return holder[: len(values)]
        other = rng.integers(len(slots), size=len(wrong))
        _swap(holder, value, key, ordered, np.stack([wrong, other]), width)
    return None


def _swapped(rng: np.random.Generator, holder: Ints, value: Ints) -> Ints:
    """Swap the accounts of random pairs of uses, without making duplicates; return all, in the shape of `holder`."""
    holder = holder.copy()
    width = int(value.max(initial=-1)) + 1
    key = holder * width + value
    done = 0
    for _ in range(ROUNDS):
        if done >= SWAPS * len(key):
            break
        shuffled = rng.permutation(len(key))
        half = len(key) // 2
        done += _swap(holder, value, key, np.sort(key), shuffled[: 2 * half].reshape(2, half), width)
    return holder


def _swap(holder: Ints, value: Ints, key: Ints, ordered: Ints, pairs: Ints, width: int) -> int:
    """Swap the accounts of pairs of uses, in place, where neither use is there yet. Return how many were swapped.

    Args:
        holder: (uses,) int64, the account of each use.
        value: (uses,) int64, the value of each use; -1 is an empty slot, whose key stays.
        key: (uses,) int64, account · width + value.
        ordered: the keys, ascending.
        pairs: places of uses, shape (2, pairs); a place in several pairs is swapped once.
        width: of what keys are made: account · width + value.
    """
    mine, other = pairs
    new = np.stack([holder[other] * width + value[mine], holder[mine] * width + value[other]])
    empty = np.stack([value[mine] < 0, value[other] < 0])
    new = np.where(empty, np.stack([key[mine], key[other]]), new)
    at = np.minimum(np.searchsorted(ordered, new), len(ordered) - 1)
    fits = np.flatnonzero(((ordered[at] != new) | empty).all(axis=0) & (mine != other))
    for entries in (pairs, new):
        # What two pairs would touch, or make, only the first may.
        fits = fits[_is_first(entries[:, fits])]
    mine, other = pairs[:, fits]
    holder[mine], holder[other] = holder[other], holder[mine]
    key[mine], key[other] = new[:, fits]
    return len(fits)


def _is_first(pairs: Ints) -> NDArray[np.bool_]:
    """Flag the pairs without an entry that occurs earlier; bool, shape (pairs,).

    Args:
        pairs: shape (2, pairs).
    """
    entries = pairs.T.ravel()
    first = np.zeros(len(entries), dtype=np.bool_)
    first[np.unique(entries, return_index=True)[1]] = True
    both: NDArray[np.bool_] = np.logical_and(first[::2], first[1::2])
    return both
