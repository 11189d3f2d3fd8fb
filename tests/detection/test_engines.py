"""Promise: engines keep one contract: the same input and seed give the same communities, connected and numbered alike;
they agree where it matters, and what one part of the graph is does not change with another."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from threads import print_twice

from graphsvc.community import gds
from graphsvc.community.components import compute_scale, find_components, find_indivisible
from graphsvc.community.gds import GdsDetector
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.community.protocol import Detector
from graphsvc.errors import Cancelled
from graphsvc.model.links import Links
from graphsvc.model.runs import Algorithm
from graphsvc.model.scale import coarse
from graphsvc.store import Store

ENGINES = [pytest.param("gds", marks=pytest.mark.neo4j), "inprocess"]


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Detector:
    if request.param == "inprocess":
        return InProcessDetector()
    database: Store = request.getfixturevalue("database")
    return GdsDetector(database.driver, database.address.database)


def links_of(nodes: int, rows: dict[tuple[int, int], float]) -> Links:
    """Links of (source, target): bits."""
    ends = sorted(rows)
    return Links(
        nodes,
        np.array([a for a, _ in ends], dtype=np.int32),
        np.array([b for _, b in ends], dtype=np.int32),
        np.array([rows[end] for end in ends], dtype=np.float64),
        np.full(len(ends), 2, dtype=np.int64),
    )


def planted(
    seed: int, groups: int = 60, size: int = 20, strangers: int = 200
) -> tuple[Links, NDArray[np.int64]]:
    """Groups of accounts of which a third of the pairs are linked, two links a group to others, and pairs of strangers.

    Returns: links, and the group of each account.
    """
    rng = np.random.default_rng(seed)
    rows: dict[tuple[int, int], float] = {}

    def link(a: int, b: int) -> None:
        rows[min(a, b), max(a, b)] = float(rng.uniform(8, 30))

    for group in range(groups):
        for a in range(size):
            for b in range(a):
                if rng.random() < 0.33 or b == a - 1:
                    link(group * size + a, group * size + b)
        for _ in range(2):
            other = int(rng.integers(0, groups - 1))
            other += other >= group
            link(group * size + int(rng.integers(size)), other * size + int(rng.integers(size)))
    inside = groups * size
    for pair in range(strangers):
        link(inside + 2 * pair, inside + 2 * pair + 1)
    of = np.arange(inside + 2 * strangers) // size
    of[inside:] = groups + np.arange(2 * strangers) // 2
    return links_of(len(of), rows), of


def together(one: NDArray[np.signedinteger], other: NDArray[np.signedinteger]) -> float:
    """F1 of the pairs of accounts that are together in one partition, against those in the other."""

    def pairs(counts: NDArray[np.signedinteger]) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both = pairs(np.unique(one.astype(np.int64) * (int(other.max()) + 1) + other, return_counts=True)[1])
    return 2 * both / (pairs(np.bincount(one)) + pairs(np.bincount(other)))


def modularity(links: Links, community: NDArray[np.int32], gamma: float = 1.0) -> float:
    """Newman & Girvan's, by its definition."""
    total = links.bits.sum()
    own = links.bits[community[links.source] == community[links.target]].sum()
    ends = np.concatenate([links.source, links.target])
    degree = np.bincount(community[ends], np.tile(links.bits, 2))
    return float(own / total - gamma * ((degree / (2 * total)) ** 2).sum())


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_contract(engine: Detector, algorithm: Algorithm) -> None:
    links, _ = planted(7, groups=12, strangers=20)
    links = links_of(
        links.nodes + 3, dict(zip(zip(links.source, links.target, strict=True), links.bits, strict=True))
    )
    said: list[tuple[str, int, int]] = []
    found = engine.communities(
        links, algorithm, gamma=1.0, seed=5, progress=lambda *heard: said.append(heard)
    )
    assert found.dtype == np.int32
    assert found.shape == (links.nodes,)
    assert found[-3:].tolist() == [-1] * 3
    first = np.unique(found[:-3], return_index=True)
    assert first[0].tolist() == list(range(len(first[0])))
    assert (np.diff(first[1]) > 0).all()
    # Every community is in one piece.
    inside = found[links.source] == found[links.target]
    matrix = coo_array(
        (np.ones(inside.sum()), (links.source[inside], links.target[inside])), shape=(links.nodes,) * 2
    )
    assert connected_components(matrix, directed=False)[0] == found.max() + 1 + 3
    again = engine.communities(links, algorithm, gamma=1.0, seed=5)
    assert again.tolist() == found.tolist()
    assert engine.versions().keys() & {"gds", "networkit"}
    if algorithm is not Algorithm.WCC:
        assert said[-1] == ("communities", len(links), len(links))


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_no_links_are_no_communities(engine: Detector, algorithm: Algorithm) -> None:
    assert engine.communities(links_of(3, {}), algorithm, gamma=1.0, seed=1).tolist() == [-1] * 3


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize("algorithm", [Algorithm.LEIDEN, Algorithm.LOUVAIN])
def test_planted_groups_are_found(engine: Detector, algorithm: Algorithm) -> None:
    links, of = planted(3)
    assert together(engine.communities(links, algorithm, gamma=1.0, seed=42), of) > 0.9


def test_engines_agree(database: Store) -> None:
    theirs, ours = GdsDetector(database.driver, database.address.database), InProcessDetector()
    links, _ = planted(11)
    by = {
        engine.name: {
            algorithm: engine.communities(links, algorithm, gamma=1.0, seed=42) for algorithm in Algorithm
        }
        for engine in (theirs, ours)
    }
    assert by["gds"][Algorithm.WCC].tolist() == by["inprocess"][Algorithm.WCC].tolist()
    for algorithm in (Algorithm.LEIDEN, Algorithm.LOUVAIN):
        one, other = by["gds"][algorithm], by["inprocess"][algorithm]
        assert together(one, other) > 0.9
        assert modularity(links, other) > 0.98 * modularity(links, one)
    component = find_components(links)
    whole = find_indivisible(links, component, 0.9 * float(links.bits.sum()), 1.0)[component]
    assert whole.sum() >= 400
    one, other = by["gds"][Algorithm.LEIDEN], by["inprocess"][Algorithm.LEIDEN]
    assert together(one[whole], component[whole]) == together(other[whole], component[whole]) == 1.0


@pytest.mark.parametrize("algorithm", [Algorithm.LEIDEN, Algorithm.WCC])
def test_what_is_sent_to_the_server_in_batches_is_found_as_in_one(
    database: Store, monkeypatch: pytest.MonkeyPatch, algorithm: Algorithm
) -> None:
    engine = GdsDetector(database.driver, database.address.database)
    links, _ = planted(5, groups=8, strangers=100)
    once = engine.communities(links, algorithm, gamma=1.0, seed=42)
    monkeypatch.setattr(gds, "LINKS_AT_ONCE", 60)
    said: list[int] = []
    batched = engine.communities(
        links, algorithm, gamma=1.0, seed=42, progress=lambda _stage, done, _total: said.append(done)
    )
    assert len(said) > 1
    assert together(once, batched) > 0.95
    if algorithm is Algorithm.WCC:
        assert batched.tolist() == once.tolist()


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_another_component_changes_nothing_in_this_one(algorithm: Algorithm) -> None:
    links, _ = planted(9, groups=30, strangers=50)
    rows = dict(
        zip(zip(links.source.tolist(), links.target.tolist(), strict=True), links.bits.tolist(), strict=True)
    )
    # A few new accounts, whose ids come before all others, with links among themselves.
    new = {(a, b): 9.0 for b in range(5) for a in range(b)}
    later = links_of(links.nodes + 5, new | {(a + 5, b + 5): bits for (a, b), bits in rows.items()})
    assert compute_scale(later) == compute_scale(links)
    engine = InProcessDetector()
    before = engine.communities(links, algorithm, gamma=1.0, seed=42)
    after = engine.communities(later, algorithm, gamma=1.0, seed=42)
    assert (after[5:] - after[:5].max() - 1).tolist() == before.tolist()


SCRIPT = """
import hashlib, threading
from test_engines import planted
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.model.runs import Algorithm

links, _ = planted(1, groups=100)
said = []
def work():
    for algorithm in Algorithm:
        found = InProcessDetector().communities(links, algorithm, gamma=1.0, seed=3)
        said.append(hashlib.sha256(found.tobytes()).hexdigest())
work()
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(*said)
"""


def test_communities_are_the_same_whatever_the_number_of_threads() -> None:
    one, other = (said.split() for said in print_twice(SCRIPT))
    assert len(one) == 2 * len(Algorithm)
    assert (
        one[: len(Algorithm)] == one[len(Algorithm) :] == other[: len(Algorithm)] == other[len(Algorithm) :]
    )


def test_libraries_come_without_what_nothing_here_needs_and_hide_it_from_nothing_else() -> None:
    code = """if True:
        import sys, graphsvc.community.inprocess, graphsvc.store
        print(*sys.modules)
        import networkx, matplotlib.pyplot, pandas"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    imported = set(done.stdout.split())
    assert {"networkit", "neo4j"} <= imported
    assert not imported & {"matplotlib", "networkx", "sklearn", "IPython", "pandas"}


def test_work_ends_where_progress_raises() -> None:
    def cancel(_stage: str, _done: int, _total: int) -> None:
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        InProcessDetector().communities(
            planted(2, groups=5)[0], Algorithm.LEIDEN, gamma=1.0, seed=1, progress=cancel
        )


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=5))
def test_the_scale_is_the_total_weight_or_the_next_step_above_it(bits: list[float]) -> None:
    links = links_of(len(bits) + 1, {(place, place + 1): weight for place, weight in enumerate(bits)})
    total = math.ceil(links.bits.sum())
    assert total <= compute_scale(links) <= total * 9 / 8
    assert coarse(compute_scale(links)) == compute_scale(links)


def partitions(accounts: list[int]) -> list[list[list[int]]]:
    """All partitions of a few accounts."""
    if not accounts:
        return [[]]
    first, *others = accounts
    found = []
    for smaller in partitions(others):
        found.append([[first], *smaller])
        found += [[*smaller[:i], [first, *smaller[i]], *smaller[i + 1 :]] for i in range(len(smaller))]
    return found


@given(
    st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8),
    st.data(),
    st.floats(0.1, 3.0),
    st.floats(0.0, 500.0),
)
def test_what_is_indivisible_is_best_left_whole(
    ends: set[tuple[int, int]], data: st.DataObject, gamma: float, elsewhere: float
) -> None:
    # A chain makes the five accounts a component; two others carry the weight of the rest of the world.
    rows = {(min(a, b), max(a, b)): 1.0 for a, b in ends if a != b} | {(i, i + 1): 1.0 for i in range(4)}
    rows = {end: data.draw(st.floats(1.0, 30.0)) for end in rows} | {(5, 6): elsewhere}
    links = links_of(7, rows)
    total = sum(rows.values())
    component = find_components(links)
    if not find_indivisible(links, component, total, gamma)[component[0]]:
        return

    def value(partition: list[list[int]]) -> float:
        community = np.zeros(7, dtype=np.int32)
        for number, group in enumerate(partition):
            community[group] = number
        community[5:] = len(partition)
        return modularity(links, community, gamma)

    best = value([list(range(5))])
    assert all(value(partition) <= best + 1e-9 for partition in partitions(list(range(5))))
