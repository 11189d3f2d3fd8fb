"""Small bundles and graph checksums for tests that need the database."""

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl

from graphsvc.store import Store

DAY = "2026-03-01T{hour:02}:{minute:02}:00Z"


def checksum(store: Store) -> tuple[int, int, str]:
    """Nodes, relationships and a SHA-256 over all that loading writes, independent of order and of the clock."""
    nodes = sorted(_line(record) for record in store.stream("bench/checksum"))
    edges = sorted(_line(record) for record in store.stream("bench/checksum_edges"))
    digest = hashlib.sha256("\n".join([*nodes, "", *edges]).encode()).hexdigest()
    return len(nodes), len(edges), digest


def checksum_content(store: Store) -> tuple[int, int, str]:
    """As `checksum`, without the records of loads: the same graph whatever source it came from."""
    records = store.stream("bench/checksum")
    nodes = sorted(_line(record) for record in records if not record[0][0].startswith("Load"))
    edges = sorted(_line(record) for record in store.stream("bench/checksum_edges"))
    digest = hashlib.sha256("\n".join([*nodes, "", *edges]).encode()).hexdigest()
    return len(nodes), len(edges), digest


def _line(record: tuple[Any, ...]) -> str:
    ordered = [sorted(part) if isinstance(part, list) else part for part in record]
    return json.dumps(ordered, sort_keys=True, default=str)


def write_bundle(directory: Path, **tables: list[dict[str, object]]) -> Path:
    """A bundle of NDJSON tables."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (directory / f"{name}.ndjson").write_text(lines, encoding="utf-8")
    return directory


def ring_bundle(directory: Path, rings: int = 2, size: int = 12, singles: int = 400) -> Path:
    """Rings that share cards, addresses and devices within, and single accounts that share nothing."""
    accounts, payments, sessions, truth = [], [], [], []
    for number in range(rings * size + singles):
        ring = number // size if number < rings * size else None
        account = f"acct-{number:05}"
        made = DAY.format(hour=number % 24, minute=number % 60)
        if ring is not None:
            made = f"2026-03-{2 + ring:02}T05:{number % size:02}:00Z"
        accounts.append({"account_id": account, "created_at": made})
        pool = f"ring{ring}" if ring is not None else f"own{number}"
        seen = {"account_id": account, "first_seen": made, "last_seen": made}
        payments.append({**seen, "instrument": f"fp_{pool}_{number % 3}", "kind": "card"})
        where = (
            f"203.0.{ring}.{1 + number % 2}" if ring is not None else f"10.{number // 200}.{number % 200}.7"
        )
        sessions.append({**seen, "ip": where, "device": f"dev_{pool}_{number % 2}", "requests": 5})
        truth.append({"account_id": account, "campaign_id": None if ring is None else f"ring{ring}"})
    write_bundle(directory, accounts=accounts, payments=payments, sessions=sessions)
    pl.DataFrame(truth, schema={"account_id": pl.String, "campaign_id": pl.String}).write_parquet(
        directory / "truth.parquet"
    )
    return directory
