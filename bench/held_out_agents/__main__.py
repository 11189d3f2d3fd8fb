"""Write one held-out world as a signals bundle.

Run `python -m bench.held_out_agents --world 3 --seed 1 --out worlds/3`.
"""

import argparse
import sys
from pathlib import Path

from bench import held_out_agents
from bench.held_out_agents.settings import WORLDS
from bench.held_out_agents.simulation import TooFewAccounts
from bench.held_out_agents.tables import build_tables, write_tables


def parse_arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.held_out_agents",
        description=held_out_agents.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--world",
        type=int,
        required=True,
        choices=sorted(WORLDS),
        help="number of the world, as listed above",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        help="seed of all draws: below 100 to develop with, from 101 on to judge",
    )
    parser.add_argument(
        "--accounts",
        type=int,
        help="about how many accounts, at most 40000; without it, as many as listed above",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder for one Parquet file a table and for truth.parquet; its old Parquet files are removed",
    )
    return parser.parse_args()


def main() -> None:
    """Write the world that the command line names."""
    arguments = parse_arguments()
    try:
        tables = build_tables(arguments.world, arguments.seed, arguments.accounts)
    except TooFewAccounts as error:
        sys.exit(str(error))
    write_tables(tables, arguments.out)
    campaigns = tables["truth"]["campaign_id"].drop_nulls().n_unique()
    print(
        f"World {arguments.world}, seed {arguments.seed}: {tables['accounts'].height} accounts,"
        f" {campaigns} campaigns in {arguments.out}."
    )


if __name__ == "__main__":
    main()
