"""Find the strongest evidence path between two accounts: the one whose weakest step is strongest.

A chain of links is as convincing as its weakest one. So the path maximises the least bits of its steps (a
widest path: Hu 1961, "The maximum capacity route problem"). Of several such paths, the shortest is taken.
Pure.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree


@dataclass(frozen=True, slots=True)
class WidestPath:
    """A path between two nodes.

    Attributes:
        nodes: in order, one more than edges.
        edges: rows of the links, in order.
        bits: the least of the links.
    """

    nodes: list[int]
    edges: list[int]
    bits: float


def find_widest_path(
    nodes: int,
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    bits: NDArray[np.float64],
    start: int,
    end: int,
) -> WidestPath | None:
    """Find the path between two nodes whose weakest step has most bits; of several, one with fewest steps.

    Args:
        nodes: number of nodes.
        source: one node of each link, int64, no pair twice.
        target: the other node, int64, parallel.
        bits: of each link, float64, positive.
        start: node.
        end: node.

    Returns:
        None if no path exists.
    """
    if start == end or not len(bits):
        return None
    # A maximum spanning tree contains a widest path between any two nodes.
    tree = minimum_spanning_tree(coo_array((-bits, (source, target)), shape=(nodes, nodes)).tocsr())
    _, before = breadth_first_order(tree, start, directed=False)
    if before[end] < 0:
        return None
    weights = tree.tocsr()
    least, here = np.inf, end
    while here != start:
        step = before[here]
        least = min(least, -min(weights[here, step], weights[step, here]))
        here = int(step)
    # The path in the tree can be long: search the shortest one among all links at least that wide.
    wide = np.flatnonzero(bits >= least)
    return _find_shortest(source, target, wide, start, end, float(least))


def _find_shortest(
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    rows: NDArray[np.int64],
    start: int,
    end: int,
    least: float,
) -> WidestPath:
    """Find the path of fewest steps along some links that lead to `end`."""
    near: dict[int, list[tuple[int, int]]] = {}
    for row in rows.tolist():
        a, b = int(source[row]), int(target[row])
        near.setdefault(a, []).append((b, row))
        near.setdefault(b, []).append((a, row))
    came = {start: (start, -1)}
    queue = deque([start])
    while end not in came:
        here = queue.popleft()
        # Sorted, so that of equally short paths every run takes the same.
        for other, row in sorted(near.get(here, ())):
            if other not in came:
                came[other] = (here, row)
                queue.append(other)
    nodes, edges = [end], []
    while nodes[-1] != start:
        before, row = came[nodes[-1]]
        nodes.append(before)
        edges.append(row)
    return WidestPath(nodes[::-1], edges[::-1], least)


def find_signal_path(
    users: Mapping[str, Sequence[str]], start: str, end: str
) -> list[tuple[str, str]] | None:
    """Find the shortest path from one account to another over signals that both accounts of a step use.

    Args:
        users: accounts of each signal, rarest signal first.
        start: account.
        end: account.

    Returns:
        (signal, account) of each step, the last account being `end`; None if no path exists.
    """
    uses: dict[str, list[str]] = {}
    for signal, accounts in users.items():
        for account in accounts:
            uses.setdefault(account, []).append(signal)
    came: dict[str, tuple[str, str]] = {start: ("", "")}
    queue = deque([start])
    while queue and end not in came:
        here = queue.popleft()
        for signal in uses.get(here, ()):
            for other in users[signal]:
                if other not in came:
                    came[other] = (here, signal)
                    queue.append(other)
    if end not in came or start == end:
        return None
    steps = []
    while end != start:
        before, signal = came[end]
        steps.append((signal, end))
        end = before
    return steps[::-1]


def list_new_accounts(users: Mapping[str, Sequence[str]], known: Iterable[str]) -> list[str]:
    """List the accounts of signals that are not in `known`, in the order of the signals."""
    seen = set(known)
    fresh: dict[str, None] = {}
    for accounts in users.values():
        fresh.update(dict.fromkeys(account for account in accounts if account not in seen))
    return list(fresh)
