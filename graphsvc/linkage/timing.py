"""Measure what moments of sign-up say about clusters, and clusters' lockstep, against the population's rate.

The null is the sign-up rate of all accounts outside the cluster at that moment, not a uniform one. So a campaign that
grows on a busy afternoon gains no suspicion by that. Lockstep as evidence: SynchroTrap (Cao et al. 2014, section 3).
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.scale import coarse
from graphsvc.types import Floats, Ints

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
WIDTHS = (10 * MINUTE, HOUR, DAY)
"""Half widths of the windows, ms: a burst, a session of work, a day."""
RESOLUTIONS = (DAY, HOUR, MINUTE, 1_000)
SAME_RESOLUTION = 0.99
"""Times have a resolution when this share of them are whole steps of it apart."""
RATE_PRIOR = 20.0
"""Sign-ups of the next wider window that a narrower window's rate is shrunk by."""
CERTAIN = 2.0
"""Standard errors below what a window shows that its rate is never put at, however quiet it is around."""
RATE_MARGIN = 1.25
"""Lockstep is measured against a rate this much higher: what the rate may be wrong by, a step of the grid on which the
population is counted among it, adds up over many members."""
WEIGHT_PRIOR = np.array([8.0, 0.2, 0.3, 0.5])
"""Pseudo-members (Dirichlet) that signed up like all accounts, and in each of `WIDTHS` of another member."""
LEAST_BITS, MOST_BITS = -3.0, 8.0
LEAST_LOCKSTEP, MOST_LOCKSTEP = -1.0, 12.0
"""Limits of the bits of lockstep, which speak of coordination. Teams, classes and campaigns show it alike."""
GRID = 20
BOTH_ENDS = 0.5
"""A meeting of two sign-ups is seen from both, and is one."""
ROUNDS = 20
CHUNK = 500_000
"""Candidates weighed at a time, which bounds memory."""


@dataclass(frozen=True, slots=True)
class Population:
    """Sign-ups of all accounts. Of `signup_population`.

    `created_at` has a row an account (ms, -1 = not known), `moments` holds the known ones, sorted; `around[k]` (int32)
    the accounts (itself too) within `WIDTHS[k]` of each account. `absent` is 1 where the accounts are not among
    `moments`: each is one more.
    """

    created_at: Ints
    moments: Ints
    resolution: int
    around: NDArray[np.int32]
    absent: int = 0


@dataclass(frozen=True, slots=True)
class Signups:
    """Sign-ups of clusters and of all accounts, ready for queries. Of `fit_signups`.

    `clusters` are the clusters' numbers, ascending; `size` their members with a known sign-up, `weights` (clusters,
    1 + widths) how their members' sign-ups mix. `keys` are the members' sign-ups as place of the cluster · `step` +
    time, `pairs` as place · accounts + account, both sorted.
    """

    population: Population
    clusters: NDArray[np.int32]
    size: Ints
    weights: Floats
    keys: Ints
    pairs: Ints

    @property
    def step(self) -> int:
        """Distance between two clusters in `keys`, ms: more than any window reaches."""
        moments = self.population.moments
        return int(moments[-1] - moments[0]) + 4 * DAY if len(moments) else 4 * DAY


def resolution(moments: Ints) -> int:
    """Find the resolution of sign-ups, ms: the coarsest of `RESOLUTIONS` that nearly all are whole steps apart, or 1.

    Args:
        moments: ms since 1970, any order. A single moment, or the same for all, says nothing: 1 ms.
    """
    if len(moments) < 2 or np.all(moments == moments[0]):
        return 1
    for unit in RESOLUTIONS:
        over = moments % unit
        # What nearly all have is what the middle one has.
        middle = np.partition(over, len(over) // 2)[len(over) // 2]
        if (over == middle).sum() >= SAME_RESOLUTION * len(moments):
            return unit
    return 1


def signup_population(created_at: Ints) -> Population:
    """Prepare the sign-ups of all accounts for queries about any members: once a run.

    Args:
        created_at: a row an account, ms since 1970, -1 = not known.
    """
    # Neighbours in time are looked up one after the other: in memory they are neighbours too.
    order = np.argsort(created_at, kind="stable")
    ordered = created_at[order]
    moments = ordered[np.searchsorted(ordered, 0) :]
    unit = resolution(moments)
    around = np.empty((len(WIDTHS), len(created_at)), dtype=np.int32)
    for k, width in enumerate(WIDTHS):
        around[k, order] = _within(moments, ordered, measure_reach(width, unit))
    return Population(created_at, moments, unit, around)


def fit_signups(population: Population, members: pl.DataFrame) -> Signups:
    """Learn how the members of each cluster signed up.

    A member's sign-up is drawn from a mixture: like those of all, or within ten minutes, an hour or a day of another
    member's. The shares are fitted by EM with a Dirichlet prior, each member seen from the others (leave one out).

    Args:
        population: of `signup_population`.
        members: cluster, account (int32), in any order; each row once.
    """
    created_at = population.created_at
    rows = members.select("cluster", "account").filter(pl.Series(created_at[members["account"]] >= 0))
    clusters, place, size = np.unique(rows["cluster"].to_numpy(), return_inverse=True, return_counts=True)
    account = rows["account"].to_numpy().astype(np.int64)
    pairs = np.sort(place * len(created_at) + account)
    blank = np.zeros((len(clusters), 1 + len(WIDTHS)))
    fitted = Signups(population, clusters, size, blank, np.empty(0, np.int64), pairs)
    fitted = replace(fitted, keys=np.sort(_keys(fitted, place, created_at[account])))
    place, account = pairs // max(len(created_at), 1), pairs % max(len(created_at), 1)
    ratios = _ratios(fitted, place, account)
    return replace(fitted, weights=_mixture(ratios, place, len(clusters)))


def signup_bits(signups: Signups, cluster: NDArray[np.int32], account: NDArray[np.int32]) -> Floats:
    """Measure the bits that accounts' moments of sign-up speak for clusters.

    log2 of the density of the cluster's sign-ups at that moment, the account's own left out, over that of all accounts
    outside the cluster.

    Args:
        signups: of `fit_signups`.
        cluster: (candidates,) int32, in any order.
        account: (candidates,) int32, members or not.

    Returns:
        (candidates,) float64, within `LEAST_BITS` and `MOST_BITS`; 0 for a cluster of no other known sign-up and for
        an account whose sign-up is not known.
    """
    bits = np.zeros(len(cluster))
    if not len(signups.clusters):
        return bits
    at = np.full(int(signups.clusters[-1]) + 1, -1, dtype=np.int64)
    at[signups.clusters] = np.arange(len(signups.clusters))
    for start in range(0, len(cluster), CHUNK):
        rows = slice(start, start + CHUNK)
        # A cluster without any known sign-up can be beyond the table.
        known = np.where(cluster[rows] < len(at), cluster[rows], -1)
        bits[rows] = _signup_bits(
            signups, np.where(known >= 0, at[known], -1), account[rows].astype(np.int64)
        )
    return bits


def _signup_bits(signups: Signups, place: Ints, account: Ints) -> Floats:
    bits = np.zeros(len(place))
    asked = np.flatnonzero((place >= 0) & (signups.population.created_at[account] >= 0))
    place, account = place[asked], account[asked]
    keys = _keys(signups, place, signups.population.created_at[account])
    # In the order of what is looked up, so that neighbours in the search are neighbours in memory.
    order = np.argsort(keys)
    asked, place, account, keys = asked[order], place[order], account[order], keys[order]
    found = np.log2(signups.weights[place, 0])
    # Most have no member within a day: the search for nearer ones, and for who the account is, is spared.
    near = np.flatnonzero(
        _within(signups.keys, keys, measure_reach(WIDTHS[-1], signups.population.resolution))
    )
    mixed = np.einsum("ij,ij->i", signups.weights[place[near]], _ratios(signups, place[near], account[near]))
    found[near] = np.log2(mixed)
    bits[asked] = np.clip(found, LEAST_BITS, MOST_BITS)
    return bits


def lockstep(signups: Signups) -> pl.DataFrame:
    """Measure how many members signed up within ten minutes of another member, against the population's rate.

    The chance of a neighbour is 1 - exp(-others · density outside the cluster · window) for each member. The
    alternative lets a share of the members have one for another reason. The bits are its likelihood ratio
    (Poisson-binomial), to the power of a half since both ends of a meeting are counted. It is averaged over a prior of
    that share, Beta(1, 2), so that a null cluster has k bits or more at most once in 2^k.

    Returns:
        cluster, members (with a known sign-up), observed and expected (shares, 0–1), minutes (width of the window on
        either side, more than 10 where times are recorded more coarsely), bits that the members are coordinated
        (within `LEAST_LOCKSTEP` and `MOST_LOCKSTEP`), says; sorted by cluster.
    """
    accounts = max(len(signups.population.created_at), 1)
    place, account = signups.pairs // accounts, signups.pairs % accounts
    ratios, chance = _ratios(signups, place, account), _chances(signups, place, account)
    met = (ratios[:, 1] > 0) & (signups.size[place] > 1)
    # Shown is the plain rate; the margin is for the bits alone.
    expected = -np.expm1(np.log1p(-chance) / RATE_MARGIN)
    clusters = len(signups.clusters)
    sums = [np.bincount(place, x, minlength=clusters) for x in (met.astype(np.float64), expected)]
    shares = pl.DataFrame(
        {"cluster": signups.clusters, "members": signups.size.astype(np.int64)}
    ).with_columns(observed=pl.Series(sums[0] / signups.size), expected=pl.Series(sums[1] / signups.size))
    bits = np.clip(_averaged(place, met, chance, clusters), LEAST_LOCKSTEP, MOST_LOCKSTEP)
    bits[signups.size < 2] = 0.0
    minutes = max(WIDTHS[0], signups.population.resolution) // MINUTE
    says = pl.format(
        f"{{}} % of {{}} signed up within {_span(minutes)} of another member; {{}} % would at the rate of all others",
        _percent("observed"),
        "members",
        _percent("expected"),
    )
    return shares.select(
        pl.col("cluster").cast(pl.Int32),
        "members",
        "observed",
        "expected",
        minutes=pl.lit(minutes, dtype=pl.Int64),
        bits=pl.Series(bits),
        says=says,
    )


def _averaged(place: Ints, met: NDArray[np.bool_], chance: Floats, clusters: int) -> Floats:
    """Average the half likelihood ratio over the share of members that meet on purpose; bits, (clusters,)."""
    shares = (np.arange(GRID) + 0.5) / GRID
    bits = np.empty((GRID, clusters))
    for i, share in enumerate(shares):
        # A member meets on purpose or by chance: (share + (1 - share) · chance) / chance, and 1 - share if it does not.
        terms = np.where(met, np.log2(1.0 + share * (1.0 / chance - 1.0)), np.log2(1.0 - share))
        bits[i] = BOTH_ENDS * np.bincount(place, terms, minlength=clusters)
    # The density of Beta(1, 2) at a share is 2 · (1 - share).
    bits += np.log2(2.0 * (1.0 - shares) / GRID)[:, None]
    # Log-sum-exp: bits of large clusters overflow as powers of two.
    top = bits.max(axis=0, initial=-np.inf)
    averaged: Floats = top + np.log2(np.exp2(bits - top).sum(axis=0))
    return averaged


def _percent(name: str) -> pl.Expr:
    return (100.0 * pl.col(name)).round(0).cast(pl.Int64)


def _span(minutes: int) -> str:
    return f"{minutes} minutes" if minutes < 60 else ("an hour" if minutes < 1440 else "a day")


def measure_reach(width: int, unit: int) -> int:
    """Return how far a window of half width `width` reaches, ms: whole steps of the resolution `unit`."""
    return width // unit * unit


def count_between(moments: Ints, first: Ints, last: Ints) -> Ints:
    """Count the moments from each `first` to its `last`, both included; `moments` are sorted, all in ms."""
    found: Ints = np.searchsorted(moments, last, "right") - np.searchsorted(moments, first, "left")
    return found


def _within(moments: Ints, asked: Ints, reach: int) -> Ints:
    return count_between(moments, asked - reach, asked + reach)


def _keys(signups: Signups, place: Ints, moment: Ints) -> Ints:
    start = signups.population.moments[0] if len(signups.population.moments) else 0
    # Two days of margin: the widest window around the first moment must not reach into the cluster before.
    keys: Ints = place * signups.step + (moment - start) + 2 * DAY
    return keys


def _length(signups: Signups, moment: Ints, width: int) -> Floats:
    """Return the length of the window around a moment, ms: whole steps of the resolution, within the history."""
    reach = measure_reach(width, signups.population.resolution)
    upper = np.minimum(moment + reach, signups.population.moments[-1])
    lower = np.maximum(moment - reach, signups.population.moments[0])
    length: Floats = (upper - lower + signups.population.resolution).astype(np.float64)
    return length


def _outside(
    signups: Signups, place: Ints, account: Ints, inside: NDArray[np.int32], member: NDArray[np.bool_]
) -> Floats:
    """Estimate the density of sign-ups outside the cluster at accounts' moments, a ms, the account itself left out.

    Each window's rate is shrunk to that of the next wider, from the whole history down to ten minutes. That is as fine
    as the finest kernel, so that a moment common to all (midnight, where some source knows days only) is no lockstep.
    Their number and the length of the history count on a grid: sign-ups of other days leave the density as it is.
    """
    population = signups.population
    moment = population.created_at[account]
    # A member leaves with its cluster; any other account is taken out by itself.
    others = len(population.moments) + population.absent - signups.size[place] - ~member
    crowd = np.maximum(coarse(others), 1).astype(np.float64)
    rate = crowd / float(coarse(int(population.moments[-1] - population.moments[0]) + population.resolution))
    for k in reversed(range(len(WIDTHS))):
        length = _length(signups, moment, WIDTHS[k])
        others = signups.population.around[k][account] - inside[k] - ~member
        certain = (others - CERTAIN * np.sqrt(others)) / length
        rate = np.maximum((others + RATE_PRIOR) / (length + RATE_PRIOR / rate), certain)
    return rate / crowd


def _looked_up(signups: Signups, place: Ints, account: Ints) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Count members of the cluster within each width, the account too if it is one: (widths, rows); flag those."""
    pair = place * len(signups.population.created_at) + account
    at = np.minimum(np.searchsorted(signups.pairs, pair), len(signups.pairs) - 1)
    keys = _keys(signups, place, signups.population.created_at[account])
    inside = np.empty((len(WIDTHS), len(account)), dtype=np.int32)
    for k, width in enumerate(WIDTHS):
        inside[k] = _within(signups.keys, keys, measure_reach(width, signups.population.resolution))
    return inside, signups.pairs[at] == pair


def _ratios(signups: Signups, place: Ints, account: Ints) -> Floats:
    """Return densities of the cluster over that outside, (rows, 1 + widths), the first 1; all 1 for a lone member."""
    ratios = np.ones((len(account), 1 + len(WIDTHS)))
    if not len(account):
        return ratios
    inside, member = _looked_up(signups, place, account)
    others = signups.size[place] - member
    density = _outside(signups, place, account, inside, member)
    for k, width in enumerate(WIDTHS):
        length = _length(signups, signups.population.created_at[account], width)
        # A member is left out of its own cluster's density.
        found = (inside[k] - member) / (np.maximum(others, 1) * length * density)
        ratios[:, 1 + k] = np.where(others > 0, found, 1.0)
    return ratios


def _chances(signups: Signups, place: Ints, account: Ints) -> Floats:
    """Return the chance of each member to have another within the narrowest window; never quite 0 or 1.

    It follows from the rate outside the cluster times `RATE_MARGIN`.
    """
    if not len(account):
        return np.empty(0)
    inside, member = _looked_up(signups, place, account)
    density = _outside(signups, place, account, inside, member)
    length = _length(signups, signups.population.created_at[account], WIDTHS[0])
    others = signups.size[place] - member
    chances: Floats = np.clip(-np.expm1(-RATE_MARGIN * others * density * length), 1e-9, 1.0 - 1e-9)
    return chances


def _mixture(ratios: Floats, place: Ints, clusters: int) -> Floats:
    """Fit the shares of the mixture, (clusters, 1 + widths), by EM from the prior's (Dempster et al. 1977)."""
    weights = np.tile(WEIGHT_PRIOR / WEIGHT_PRIOR.sum(), (clusters, 1))
    # A column at a time: a row has four numbers, and work on rows so short takes longer.
    columns = [np.ascontiguousarray(column) for column in ratios.T]
    for _ in range(ROUNDS):
        joint = [np.take(weight, place) * column for weight, column in zip(weights.T, columns, strict=True)]
        total = sum(joint[1:], start=joint[0])
        sums = np.stack([np.bincount(place, part / total, minlength=clusters) for part in joint], axis=1)
        weights = WEIGHT_PRIOR + BOTH_ENDS * sums
        weights /= weights.sum(axis=1, keepdims=True)
    return weights
