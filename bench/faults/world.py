"""Make the small bundles of the campaign: rings that share cards, addresses and devices, and single accounts."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl

Row = dict[str, Any]
Tables = dict[str, list[Row]]
SMALL, LARGE = 8, 14
"""Accounts of the rings; detection with `--min-size 10` publishes the large ones alone."""
SINGLES = 200


def make_ring(number: int, accounts: range, size: int) -> Tables:
    """Make the rows of some accounts of a ring."""
    tables: Tables = {"accounts": [], "payments": [], "sessions": []}
    for place in accounts:
        made = f"2026-03-{2 + number:02}T05:{place:02}:00Z"
        _add(
            tables,
            f"ring{number}-{place:02}",
            made,
            f"ring{number}",
            place,
            f"203.0.{number}.{1 + place % 2}",
        )
    return tables


def make_single(number: int) -> Tables:
    """Make the rows of an account that shares nothing."""
    tables: Tables = {"accounts": [], "payments": [], "sessions": []}
    made = f"2026-03-01T{number % 24:02}:{number % 60:02}:00Z"
    _add(tables, f"single-{number:04}", made, f"own{number}", 0, f"10.{number // 200}.{number % 200}.7")
    return tables


def make_world() -> Tables:
    """Make the bundle that the campaign begins with: three small rings, three large ones, single accounts."""
    rings = [make_ring(number, range(size), size) for number, size in enumerate((SMALL, LARGE) * 3)]
    return join_tables(*rings, *(make_single(number) for number in range(SINGLES)))


def make_later() -> Tables:
    """Make a later bundle: two rings grow, single accounts come, and one row has no time."""
    grown = [make_ring(number, range(LARGE, LARGE + 3), LARGE + 3) for number in (1, 3)]
    tables = join_tables(*grown, *(make_single(number) for number in range(SINGLES, SINGLES + 60)))
    tables["accounts"].append({"account_id": "timeless", "created_at": None})
    return tables


def join_tables(*parts: Tables) -> Tables:
    """Return the tables of several parts as one bundle."""
    return {name: [row for part in parts for row in part[name]] for name in parts[0]}


def write_bundle(directory: Path, tables: Tables, form: str = "ndjson") -> Path:
    """Write a bundle as `ndjson`, `csv.gz` or `parquet`; the same tables give the same bytes."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        frame = pl.DataFrame(rows, infer_schema_length=None)
        path = directory / f"{name}.{form}"
        if form == "parquet":
            frame.write_parquet(path)
        elif form == "csv.gz":
            path.write_bytes(gzip.compress(frame.write_csv().encode(), mtime=0))
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return directory


def _add(tables: Tables, account: str, made: str, pool: str, place: int, address: str) -> None:
    tables["accounts"].append({"account_id": account, "created_at": made})
    seen = {"account_id": account, "first_seen": made, "last_seen": made}
    tables["payments"].append({**seen, "instrument": f"fp_{pool}_{place % 3}", "kind": "card"})
    tables["sessions"].append({**seen, "ip": address, "device": f"dev_{pool}_{place % 2}", "requests": 5})
