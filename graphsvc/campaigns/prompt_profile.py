"""Score how clusters use prompt templates: distillation draws from one long list, honest groups share few prompts.

A prompt template is on a cluster's list if members use it far more often than their share of all prompts explains.
Members who use none, one, or several templates of the list, and the length of the list, are then compared between
campaigns and honest groups. Windows of other accounts, drawn from the same graph, say what strangers have in common.
The idea of windows is from Liu, Guo & Dong 2026, arXiv 2606.05725; docs/decisions/prompt-profile.md compares their
statistic with this one.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix
from scipy.special import gammaln, logsumexp

from graphsvc.model.arrays import find_starts, flag_starts, label_components
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.prompts import BANDS
from graphsvc.types import Flags, Floats, Ints

PART = "asked"
"""Name of the part of a score."""
LISTED_BITS = 10.0
"""Bits against chance that put a signal on a list (Chernoff 1952): about one signal of a thousand by accident.

Measured: of 13,000 to 20,000 members in the windows of four worlds, 5 to 22 have a listed template, and none has two.
"""
LISTED_LIFT = 4.0
"""A listed signal is also used this many times as often as by all accounts: a prompt that the public uses says
nothing."""
SAME_TEMPLATE = 0.5
"""Bands are of one template if half of the rarer one's users have both in one prompt; slots change the other bands.

Measured: lists of 3 to 6 templates (rings of `demo:7:60000`) are found as 6 to 9, those of 24 as 57.
"""
WINDOW_SEED = 42
POOLED_MEMBERS = 50.0
"""Members that the windows of all clusters count as in the null of one: below that, its own window says little."""
STRANGERS_PRIOR = (45.0, 4.0, 1.0)
"""Members without, with one and with several listed templates that are presumed of windows before any is drawn."""
STRANGERS_ALIKE = 20.0
"""Concentration of windows around their expected shares: that of the most uniform honest groups below, doubled."""
STRANGERS = 0.15
"""Share of honest clusters that ask as little alike as a window does, such as families."""
HONEST = (
    (0.2, (7.0, 2.5, 0.5)),
    (0.2, (2.5, 5.0, 0.5)),
    (0.25, (2.5, 4.5, 3.0)),
    (0.18, (1.0, 3.0, 5.0)),
    (0.02, (0.3, 1.0, 6.7)),
)
"""The other honest clusters: weight, and Dirichlet parameters of members with none, one and several templates.

Offices, groups with one prompt (classes, resellers' clients), agencies, agencies with a close routine, and the few
that send nothing else. Measured means: offices .89/.11/.00 (`demo:7`) and .59/.34/.07 (`hard2:22`); classes
.02/.83/.14 and resellers .54/.46/.01 of the independent world; agencies .35/.48/.17 (`demo:7`) and .16/.44/.40
(`hard2:22`); 2 of 123 clusters of `hard:4` .00/.00/1. A sum of 8 to 10 lets groups of a sort differ by .15, as they
do. Agencies have nearly half of the weight, because where campaigns ask as agencies do, the score must be about 0.
"""
CAMPAIGNS = ((0.4, (2.7, 5.0, 2.3)), (0.25, (1.0, 3.0, 6.0)), (0.3, (0.3, 1.0, 6.7)), (0.05, (2.7, 6.0, 0.6)))
"""Campaigns that ask alike, in the same terms.

Measured means: .27/.50/.23 (rings, the independent world), .12/.31/.57 (hydra and mill of `demo:7`), .01/.04/.95 (its
prompt rings). Six of 58 campaigns have one template and look like a class; half of that is granted.
"""
ASKING = 0.7
"""Share of campaigns presumed to ask alike: those that do not lose log2(1 - share) = 1.7 bits at most."""
LENGTHS: Floats = np.geomspace(1.0, 64.0, 25)
"""Templates a list may have: beyond that, one is as long as the next."""
LONGEST_HONEST, HONEST_TAIL = 7.0, 1.4
"""Honest lists are as likely of any length up to the first, and rarer by a half-normal (in logs) beyond.

Measured: agencies' 2 to 7, campuses' 5 to 9 (of a campus, each class has its own), hydras' 10, 24 and 38.
"""
LONG = 0.5
"""Share of campaigns presumed to have long lists: rings have some templates only, as agencies do."""
MOST_COINCIDENCES = 20.0
"""Coincidences that count: with these a length is known within a fourth, the rest is how members differ."""
MOST_TEMPLATES = 64
"""Templates of one account that are compared with each other's: as many as the longest list that is told apart."""
MOST_BITS = 4.0
"""Measured on seven development worlds: 16 of 136 campaigns have more than 2 bits, and so have 2 of 1,078 honest
clusters of eight or more accounts (a ratio of 6 bits). Of campaigns 15 have more than 2.5, of honest clusters none."""

RESULT = {
    "cluster": pl.Int32,
    "part": pl.String,
    "observed": pl.Float64,
    "expected": pl.Float64,
    "accounts": pl.Int64,
    "bits": pl.Float64,
    "says": pl.String,
}


@dataclass(frozen=True, slots=True)
class PromptUses:
    """Uses of prompt signals by accounts.

    `account`, `signal`, `first` and `last` (ms) are parallel (int64, shape (uses,)), sorted by account. `users` is the
    accounts a signal, `uses` the signals an account. `able` flags accounts with at least two prompts: others cannot
    show that they draw from a list.
    """

    account: Ints
    signal: Ints
    first: Ints
    last: Ints
    users: Ints
    uses: Ints
    able: Flags


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of prompt templates, by cluster; shape (clusters,) unless stated.

    `counts` (clusters, 3) are able members who use none, one and several templates of the list. `templates` is the
    length of the list. `draws` are the templates of members with several. Two members who share a template have others:
    `pairs` are pairs of those, and `coincidences` are the pairs that are the same again.
    """

    counts: Floats
    templates: Ints
    draws: Floats
    pairs: Floats
    coincidences: Floats


def score_prompts(members: pl.DataFrame, graph: SignalGraph) -> pl.DataFrame:
    """Score how clusters use prompt templates.

    Args:
        members: cluster, account (int32), an account in one cluster at most, in any order.
        graph: accounts and the signals they use.

    Returns:
        Schema `RESULT`, one row a cluster with at least one member of two prompts or more, sorted by cluster.
        `observed` is the share of these members (`accounts`) that use a template of the cluster's list, `expected` the
        same in a window of other accounts with as many prompts, drawn by a fixed seed.
    """
    members = members.select("cluster", "account").sort("cluster", "account")
    uses = prompt_uses(graph)
    if members.is_empty() or not len(uses.account):
        return pl.DataFrame(schema=RESULT)
    clusters, place = np.unique(members["cluster"].to_numpy(), return_inverse=True)
    who = members["account"].to_numpy().astype(np.int64)
    lists = find_lists(uses, who, place, len(clusters))
    others, of = draw_window(uses, who, place)
    window = find_lists(uses, others, of, len(clusters))
    seen = lists.counts.sum(axis=1)
    expected = _strangers(window.counts)
    bits = pattern_bits(lists.counts, expected) + length_bits(lists.draws, lists.pairs, lists.coincidences)
    # A mixture, because some campaigns do not ask alike. The inner limit keeps exp2 from overflowing.
    bits = np.log2(1.0 - ASKING + ASKING * np.exp2(np.minimum(bits, MOST_BITS + 1.0)))
    share = 1.0 - lists.counts[:, 0] / np.maximum(seen, 1.0)
    found = pl.DataFrame(
        {
            "cluster": clusters,
            "part": np.full(len(clusters), PART),
            "observed": share,
            "expected": 1.0 - expected[:, 0],
            "accounts": seen.astype(np.int64),
            "bits": np.minimum(bits, MOST_BITS),
            "templates": lists.templates,
            "several": lists.counts[:, 2] / np.maximum(seen, 1.0),
        },
        schema_overrides={"cluster": pl.Int32, "part": pl.String},
    )
    return found.filter(pl.col("accounts") > 0).with_columns(says=_sentence()).select(list(RESULT))


def prompt_uses(graph: SignalGraph) -> PromptUses:
    """Return the uses of prompt signals in a graph."""
    edge = np.flatnonzero((graph.signals["kind"] == "prompt").to_numpy()[graph.signal])
    account, signal = graph.account[edge].astype(np.int64), graph.signal[edge].astype(np.int64)
    first, last = graph.first_seen[edge], graph.last_seen[edge]
    uses = np.bincount(account, minlength=graph.accounts.height)
    # Signals of one prompt are seen at the same moments; one that differs is of another prompt.
    other = (first[1:] != first[:-1]) | (last[1:] != last[:-1])
    able = uses > BANDS
    able[account[1:][(account[1:] == account[:-1]) & other]] = True
    users = np.bincount(signal, minlength=graph.signals.height)
    return PromptUses(account, signal, first, last, users, uses, able)


def draw_window(uses: PromptUses, who: Ints, place: Ints) -> tuple[Ints, Ints]:
    """Return other accounts in place of clusters' members, drawn at random from those with as many prompt signals.

    No account is drawn twice, so that the windows are disjoint. A member for whom one of its own cluster is drawn is
    left out: where few others send as many prompts, the window is smaller.

    Args:
        uses: of `prompt_uses`.
        who: (members,) int64, the members, as for `find_lists`.
        place: (members,) int64, the cluster of each.

    Returns:
        The accounts (int64), and the cluster whose window each is in, shape (drawn,).
    """
    accounts = len(uses.uses)
    drawn = np.empty(accounts, dtype=np.int64)
    # Matched by rank, not by equal counts: few accounts have exactly as many prompt signals as a busy member.
    order = np.random.default_rng(WINDOW_SEED).permutation(accounts)
    drawn[np.argsort(uses.uses, kind="stable")] = order[np.argsort(uses.uses[order], kind="stable")]
    of = np.full(accounts, -1, dtype=np.int64)
    of[who] = place
    other = of[drawn[who]] != place
    return drawn[who][other], place[other]


def find_lists(uses: PromptUses, who: Ints, place: Ints, clusters: int) -> Lists:
    """Find each cluster's list of templates, and how many of them its members use.

    Args:
        uses: of `prompt_uses`.
        who: members (int64, distinct), shape (members,).
        place: the cluster of each, 0 … clusters - 1.
        clusters: how many there are.

    Returns:
        The lists, one entry a cluster.
    """
    of = np.full(len(uses.uses), -1, dtype=np.int64)
    of[who] = place
    edges = np.bincount(place, uses.uses[who], minlength=clusters)
    # A signal of a single account is on no list; to leave it out bounds the memory.
    edge = np.flatnonzero((of[uses.account] >= 0) & (uses.users[uses.signal] > 1))
    # A node is a signal as a cluster has it.
    node_of = of[uses.account[edge]] * len(uses.users) + uses.signal[edge]
    nodes, node, inside = np.unique(node_of, return_inverse=True, return_counts=True)
    cluster, signal = np.divmod(nodes, len(uses.users))
    listed = _is_listed(inside, uses.users[signal], edges[cluster] / len(uses.account))[node]
    edge, node = edge[listed], node[listed]
    template = _templates(uses, edge, node, inside)
    held = np.unique(uses.account[edge] * len(nodes) + template)
    account, template = np.divmod(held, max(len(nodes), 1))
    number = np.bincount(account, minlength=len(of))
    able = uses.able[who]
    cells = place[able] * 3 + np.minimum(number[who[able]], 2)
    counts = np.bincount(cells, minlength=3 * clusters).reshape(clusters, 3).astype(np.float64)
    distinct, column = np.unique(template, return_inverse=True)
    home = cluster[distinct]
    templates = np.bincount(home, minlength=clusters)
    return Lists(counts, templates, *_coincide(account, column, home, clusters))


def pattern_bits(counts: Floats, strangers: Floats) -> Floats:
    """Return the bits of members with none, one and several listed templates, for a campaign.

    Both hypotheses are mixtures of Dirichlet-multinomial distributions: groups of one sort differ among themselves, so
    that a large group is one witness and not as many as it has members.

    Args:
        counts: shape (clusters, 3).
        strangers: expected shares of a window, shape (clusters, 3), the first component of the null.
    """
    honest = [_dirichlet(counts, np.array(alpha)) + np.log(weight) for weight, alpha in HONEST]
    honest.append(_dirichlet(counts, STRANGERS_ALIKE * strangers) + np.log(STRANGERS))
    campaign = [_dirichlet(counts, np.array(alpha)) + np.log(weight) for weight, alpha in CAMPAIGNS]
    bits: Floats = (logsumexp(campaign, axis=0) - logsumexp(honest, axis=0)) / np.log(2.0)
    return bits


def length_bits(draws: Floats, pairs: Floats, coincidences: Floats) -> Floats:
    """Return the bits of a list's length, for a campaign, by how often draws from it coincide (birthday problem).

    Coincidences are Poisson distributed around pairs by length; both hypotheses are averaged over `LENGTHS`.

    Args:
        draws: (clusters,) float64, of `Lists`.
        pairs: (clusters,) float64, of `Lists`.
        coincidences: (clusters,) float64, of `Lists`.

    Returns:
        (clusters,) float64, bits; negative for a short list.
    """
    # Pairs are not independent: they count as many witnesses as there are draws, and coincidences as a few at most.
    few = np.minimum(1.0, draws / np.maximum(pairs, 1.0))
    few = np.minimum(few, MOST_COINCIDENCES / np.maximum(coincidences, 1.0))
    few = np.minimum(few, MOST_COINCIDENCES * LENGTHS[-1] / np.maximum(pairs, 1.0))
    rate = (pairs * few)[:, None] / LENGTHS
    fit = (coincidences * few)[:, None] * np.log(np.maximum(rate, 1e-9)) - rate
    honest = -0.5 * (np.maximum(np.log(LENGTHS / LONGEST_HONEST), 0.0) / np.log(HONEST_TAIL)) ** 2
    honest -= logsumexp(honest)
    ratio = logsumexp(fit - np.log(len(LENGTHS)), axis=1) - logsumexp(fit + honest, axis=1)
    bits: Floats = np.logaddexp2(np.log2(1.0 - LONG), np.log2(LONG) + ratio / np.log(2.0))
    return bits


def _sentence() -> pl.Expr:
    """Return the sentence of a row."""
    share, expected, several = (
        (100.0 * pl.col(name)).round(0).cast(pl.Int64) for name in ("observed", "expected", "several")
    )
    alike = pl.format(
        "{} % of members send a prompt template that others hardly send ({} % of other accounts), {} % several of {}",
        share,
        expected,
        several,
        pl.col("templates"),
    )
    return (
        pl.when(pl.col("templates") > 0)
        .then(alike)
        .otherwise(pl.lit("members share no prompt template of their own"))
    )


def _is_listed(inside: Ints, users: Ints, share: Floats) -> Flags:
    """Flag signals that `inside` of their `users` have in a cluster with `share` of all uses.

    One member's use is given; of the others, as many would be members by chance as the cluster has uses.
    """
    others = np.maximum(users - 1, 1)
    found = (inside - 1) / others
    # Chernoff's exponent: the relative entropy of `found` to `share`, in bits.
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.where(found > 0.0, found * np.log2(found / share), 0.0)
        without = np.where(found < 1.0, (1.0 - found) * np.log2((1.0 - found) / (1.0 - share)), 0.0)
    listed: Flags = (found > share) & (others * (within + without) >= LISTED_BITS)
    return listed & (inside >= LISTED_LIFT * share * users)


def _templates(uses: PromptUses, edge: Ints, node: Ints, inside: Ints) -> Ints:
    """Return the template of each edge: bands that come in the same prompts are one; shape as `edge`."""
    order = np.lexsort((node, -inside[node], uses.last[edge], uses.first[edge], uses.account[edge]))
    sorted_edge, column = edge[order], node[order]
    prompt = np.cumsum(flag_starts(*(of[sorted_edge] for of in (uses.account, uses.first, uses.last))))
    pairs = [np.empty(0, dtype=np.int64)]
    # Bands of one prompt lie next to each other; where no times are known, what lies further apart is left unpaired.
    for step in range(1, 2 * BANDS):
        same = np.flatnonzero(prompt[step:] == prompt[:-step])
        one, two = column[same], column[same + step]
        pairs.append(np.minimum(one, two) * len(inside) + np.maximum(one, two))
    pair, together = np.unique(np.concatenate(pairs), return_counts=True)
    one, two = np.divmod(pair, max(len(inside), 1))
    alike = together >= SAME_TEMPLATE * np.minimum(inside[one], inside[two])
    group = label_components(len(inside), one[alike], two[alike])
    # A template's number is that of its first node, which tells its cluster.
    first = np.unique(group, return_index=True)[1]
    template: Ints = first[group][node].astype(np.int64)
    return template


def _coincide(account: Ints, column: Ints, home: Ints, clusters: int) -> tuple[Floats, Floats, Floats]:
    """Count draws, pairs of draws by members with a common template, and pairs that coincide again, by cluster."""
    templates = len(home)
    # Of an account with very many templates the first ones do; pairs of templates would be its square.
    begins = find_starts(account)
    place = np.arange(len(account)) - np.repeat(begins, np.diff(begins, append=len(account)))
    account, column = account[place < MOST_TEMPLATES], column[place < MOST_TEMPLATES]
    rows = np.unique(account, return_inverse=True)[1]
    uses = csr_matrix((np.ones(len(account)), (rows, column)), shape=(len(account), templates))
    several = np.flatnonzero(np.bincount(rows)[rows] > 1)
    draws = np.bincount(home[column[several]], minlength=clusters).astype(np.float64)
    both = (uses.T @ uses).tocoo()
    other = both.row != both.col
    row, number = both.row[other], both.data[other]
    after = np.bincount(row, number, minlength=templates)
    pairs = np.bincount(home, after * (after - 1.0), minlength=clusters) / 2.0
    same = np.bincount(home[row], number * (number - 1.0), minlength=clusters) / 2.0
    return draws, pairs, same


def _strangers(counts: Floats) -> Floats:
    """Return the shares expected of a cluster's window: its own, smoothed by all clusters'; shape (clusters, 3)."""
    pooled = counts.sum(axis=0) + np.array(STRANGERS_PRIOR)
    smoothed = counts + POOLED_MEMBERS * pooled / pooled.sum()
    shares: Floats = smoothed / smoothed.sum(axis=1, keepdims=True)
    return shares


def _dirichlet(counts: Floats, alpha: Floats) -> Floats:
    """Return the log-likelihood of counts (clusters, 3) under a Dirichlet-multinomial distribution, in nats."""
    total, weight = counts.sum(axis=1), alpha.sum(axis=-1)
    # Without the multinomial coefficient, which both hypotheses have in common.
    parts = gammaln(counts + alpha) - gammaln(alpha)
    likelihood: Floats = parts.sum(axis=1) + gammaln(weight) - gammaln(total + weight)
    return likelihood
