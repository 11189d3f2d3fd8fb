"""Days of made-up clusters, published on Neo4j as a run does it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from graphs import write_bundle
from lives import Ring, found, names

from graphsvc.lineage.follow import follow
from graphsvc.loading import load_bundle
from graphsvc.model.clusters import Assessment
from graphsvc.model.lineage import Followed
from graphsvc.model.runs import Run
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.store import Store
from graphsvc.store.audit import Auditor
from graphsvc.store.identities import read_known
from graphsvc.store.publish import begin_run, publish
from graphsvc.succession.successions import find_successions

SIGNER = Signer(b"a key for tests, 32 bytes long..")
MADE = "2026-03-01T05:00:00Z"
A, B = names("a", 30), names("b", 24)
"""Accounts of two clusters."""


def person(name: str) -> Auditor:
    """Somebody who acts, on record."""
    return Auditor(SIGNER, name, "analyst")


def populate(
    store: Store, tokens: Tokeniser, directory: Path, accounts: Sequence[str], addresses: int = 8
) -> None:
    """Loads accounts, and addresses (`ip:203.0.113.1` and so on) that the first of them has."""
    sessions = [
        {
            "account_id": accounts[0],
            "ip": f"203.0.113.{n}",
            "first_seen": MADE,
            "last_seen": MADE,
            "requests": 1,
        }
        for n in range(1, addresses + 1)
    ]
    people = [{"account_id": name, "created_at": MADE} for name in accounts]
    bundle = write_bundle(directory / "bundle", accounts=people, sessions=sessions)
    load_bundle(store, bundle, tokens, directory / "dead")


def addresses(first: int, last: int) -> dict[str, float]:
    """Bits of some of those addresses."""
    return {f"ip:203.0.113.{n}": 9.0 for n in range(first, last + 1)}


class Days:
    """Publishes a day after the other; `ids` are those of the last day's rings, in their order."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ids: list[str] = []
        self.number = 0

    def begin(self) -> Run:
        """Opens the record of the next run."""
        self.number += 1
        nothing = {"engine": "gds", "algorithm": "leiden", "seed": 1, "parameters": {}, "versions": {}}
        counts = {"input_hash": "", "accounts": 0, "signals": 0, "newest_signup": 0}
        run = Run(id=f"run-{self.number}", **nothing, **counts)  # type: ignore[arg-type]
        begin_run(self.store, run, datetime(2026, 2, 28, tzinfo=UTC) + timedelta(days=self.number))
        return run

    def day(self, *rings: Ring | Sequence[str], run: Run | None = None) -> Followed:
        """One run that finds `rings`, from its beginning to what it publishes."""
        run = run or self.begin()
        what, graph = found([ring if isinstance(ring, Ring) else Ring(ring) for ring in rings])
        followed = follow(what, graph, read_known(self.store))
        succession = find_successions(graph, what.select_campaigns().members)
        publish(self.store, run, graph, followed, succession, what.fingerprint(graph), lambda *_: None)
        self.ids = followed.found.clusters["id"].to_list()
        return followed


def statuses(store: Store) -> dict[str, str]:
    """Status of each published cluster, by id."""
    frame = pl.DataFrame(
        store.read("export/clusters", assessments=list(Assessment)), infer_schema_length=None
    )
    return dict(frame.select("cluster_id", "status").rows()) if frame.height else {}
