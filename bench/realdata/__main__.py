"""Convert a git snapshot of a public repository: `python -m bench.realdata sybil|identities GIT_DIR OUT`."""

import argparse
import secrets
from pathlib import Path

import polars as pl

from bench.realdata import identities, sybil
from bench.realdata.pseudonyms import Pseudonyms

SETS = {"sybil": sybil.convert, "identities": identities.convert}


def main() -> None:
    """Write the bundle and print how many rows each table has."""
    parser = argparse.ArgumentParser(prog="python -m bench.realdata", description=__doc__)
    parser.add_argument(
        "set", choices=list(SETS), help="sybil: hop-protocol/hop-airdrop; identities: sympy/sympy"
    )
    parser.add_argument(
        "repository", type=Path, metavar="GIT_DIR", help="a git directory of the repository, bare or not"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="directory of the bundle")
    asked = parser.parse_args()
    tables = SETS[asked.set](asked.repository, Pseudonyms(secrets.token_bytes(32)))
    write_bundle(tables, asked.out)
    truth = tables["truth"]
    counts = ", ".join(f"{table.height:,} rows of {name}" for name, table in tables.items())
    print(f"{asked.out}: {counts}, {truth['campaign_id'].drop_nulls().n_unique()} groups")


def write_bundle(tables: dict[str, pl.DataFrame], out: Path) -> None:
    """Write each table as Parquet into the directory `out`, which is made if it is not there."""
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.write_parquet(out / f"{name}.parquet")


if __name__ == "__main__":
    main()
