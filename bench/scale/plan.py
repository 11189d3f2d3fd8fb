"""What is measured: worlds, steps, how often, and in which order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LIMIT = 240.0
"""Seconds after which a peer is ended: that it takes longer is its result."""
OURS_LIMIT = 1800.0

SIZES = (100_000, 250_000, 500_000, 1_000_000)
FAR = 2_000_000


@dataclass(frozen=True, slots=True, order=True)
class World:
    """A seeded world; written `book:1:100000`."""

    scenario: str
    seed: int
    accounts: int

    def __str__(self) -> str:
        return f"{self.scenario}:{self.seed}:{self.accounts}"

    @classmethod
    def parse(cls, text: str) -> "World":
        """Reads `scenario:seed:accounts`."""
        scenario, seed, accounts = text.split(":")
        return cls(scenario, int(seed), int(accounts))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is measured.

    Steps of one `chain` follow each other on one database and are all done again where one is missing; those without
    stand alone. `most`: accounts of the largest world it is tried on. `once`: in the first turn only.
    """

    name: str
    what: str
    peer: bool
    chain: str | None = None
    most: int = FAR
    once: bool = False
    limit: float = OURS_LIMIT
    after: tuple[str, ...] = ()
    """Steps that must have been done on the same database, or have left what this one reads."""


MAIN = "book"
"""The scenario that the aims are about."""
DATABASE, ONLINE = "database", "online"

STEPS: tuple[Step, ...] = (
    Step("import", "`neo4j-admin database import` alone, on the rows of the bulk load", True, DATABASE),
    Step("bulk", "`graphsvc load --bulk` of 99 %", False, DATABASE),
    Step(
        "detect",
        "`graphsvc detect`, the graph at rest in Neo4j → published (99 %)",
        False,
        DATABASE,
        after=("bulk",),
    ),
    Step("load-day", "`graphsvc load` of the 1 % that a day brings", False, DATABASE, after=("detect",)),
    Step("detect-day", "`graphsvc detect` after it", False, DATABASE, after=("load-day",)),
    Step(
        "detect-whole",
        "`graphsvc detect --whole`, all of it read anew",
        False,
        DATABASE,
        after=("load-day",),
    ),
    Step("detect-gds", "the same, `--engine gds`", False, DATABASE, once=True, after=("load-day",)),
    Step("links-ours", "pairs and communities alone, engine `inprocess`", False),
    Step(
        "links-gds",
        "GDS Leiden on the same links: project, Leiden, stream",
        True,
        DATABASE,
        limit=LIMIT,
        after=("load-day", "links-ours"),
    ),
    Step("links-igraph", "igraph Leiden on the same links", True, limit=LIMIT, after=("links-ours",)),
    Step(
        "links-networkx",
        "networkx Louvain on the same links",
        True,
        once=True,
        limit=LIMIT,
        after=("links-ours",),
    ),
    Step(
        "gds-leiden",
        "GDS Leiden on the account–signal graph: project, Leiden, write",
        True,
        DATABASE,
        limit=LIMIT,
        after=("load-day",),
    ),
    Step(
        "gds-demo",
        "Neo4j demo's rule in GDS: pairs, WCC, write",
        True,
        DATABASE,
        limit=LIMIT,
        after=("load-day",),
    ),
    Step(
        "gds-louvain",
        "GDS Louvain on accounts, cards, devices and addresses: project, Louvain, write",
        True,
        DATABASE,
        once=True,
        limit=LIMIT,
        after=("load-day",),
    ),
    Step("igraph-signals", "igraph Leiden on the account–signal graph", True, once=True, limit=LIMIT),
    Step("duckdb", "DuckDB: self-join on rare values, then components in SQL", True, limit=LIMIT),
    Step("splink", "Splink: EM, pairs, clusters at 0.5", True, most=100_000, once=True, limit=LIMIT),
    Step("online", "`graphsvc load` of all of it, one by one batch", False, ONLINE, most=100_000),
    Step(
        "online-again",
        "`graphsvc load --again` of the same bundle",
        False,
        ONLINE,
        most=100_000,
        after=("online",),
    ),
)
"""Everything, in the order of a turn."""

BY_NAME = {step.name: step for step in STEPS}


def worlds(sizes: tuple[int, ...], seed: int, other: int | None) -> list[World]:
    """The worlds of a run, the small ones first: a book of each size, and one of `demo` with `other` accounts."""
    books = [World(MAIN, seed, size) for size in sorted(sizes)]
    return sorted(
        [*books, *([World("demo", seed, other)] if other else [])], key=lambda w: (w.accounts, w.scenario)
    )


def needed(names: Iterable[str]) -> frozenset[str]:
    """The steps named, and what they need."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(BY_NAME[name].after)
    return frozenset(found)


def turns(world: World, repeats: int, only: frozenset[str]) -> Iterator[tuple[int, list[Step]]]:
    """The steps of each turn on a world: one after the other, then all again, so that noise is shared."""
    for turn in range(repeats):
        yield (
            turn,
            [
                step
                for step in STEPS
                if world.accounts <= step.most
                and (world.scenario == MAIN or step.chain != ONLINE)
                and not (step.once and turn)
                and (not only or step.name in only)
            ],
        )


def repeats(world: World, asked: int) -> int:
    """How often a world's steps are measured: as asked up to 100,000 accounts, fewer the larger it is, others once."""
    if world.scenario != MAIN:
        return 1
    return max(1, min(asked, round(asked * 100_000 / world.accounts)))
