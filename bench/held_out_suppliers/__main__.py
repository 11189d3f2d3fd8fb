"""Write a synthetic world of suppliers and operators as a bundle."""

import argparse
from pathlib import Path

from bench.held_out_suppliers.export import export, write_bundle
from bench.held_out_suppliers.settings import WORLDS
from bench.held_out_suppliers.simulation import simulate

DESCRIPTION = """Write a synthetic world as a bundle of Parquet tables, with a table of the truth.

The truth names the campaign of each hostile account (campaign_id), what each account is (role), and the group of each
honest lookalike (decoy). The same world, seed and number of accounts give the same tables.

worlds:
"""


def main() -> None:
    """Write the bundle and print how many rows each table has."""
    parser = _make_parser()
    asked = parser.parse_args()
    try:
        world = simulate(asked.world, asked.seed, asked.accounts)
    except ValueError as error:
        parser.error(str(error))
    tables = export(world)
    write_bundle(tables, asked.out)
    counts = ", ".join(f"{table.height:,} rows of {name}" for name, table in tables.items())
    print(f"{asked.out}: world {asked.world} ({world.settings.name}), {counts}")


def _make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    worlds = "\n".join(
        f"  {number}  {world.name}: {world.accounts:,} accounts" for number, world in WORLDS.items()
    )
    parser = argparse.ArgumentParser(
        prog="python -m bench.held_out_suppliers",
        description=DESCRIPTION + worlds,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--world", type=int, required=True, choices=list(WORLDS), help="number of the world")
    parser.add_argument(
        "--seed", type=int, default=1, help="below 100 for development, from 101 for judging; default: 1"
    )
    parser.add_argument(
        "--accounts",
        type=int,
        help="number of accounts, by which campaigns are scaled; default: the world's own",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory of the bundle")
    return parser


if __name__ == "__main__":
    main()
