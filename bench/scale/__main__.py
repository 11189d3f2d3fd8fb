"""`make bench`: worlds of 100,000 to 1,000,000 accounts, ours and the peers, tables and plots.

    python -m bench.scale [--sizes N,N …] [--repeats N] [--two-million] [--only STEP] [--work DIR] [--out DIR]

Worlds of the scenario `book` (and one of `demo`) are made, loaded, detected, given a day more, and handed to the
peers; every step runs in a process of its own. What was measured is kept at once, and a bench that was interrupted
goes on with what is missing. Progress goes to standard error; `scale.json`, `scale.md` and plots to --out.
"""

import argparse
import tempfile
from pathlib import Path

from bench.quality import OUT
from bench.scale import report
from bench.scale.plan import BY_NAME, FAR, SIZES, needed, worlds
from bench.scale.session import Measured, Session, warm_up
from bench.trials import say


def main() -> None:
    """Measures what is asked for and is not there yet, and writes the report after each step."""
    asked = _arguments()
    sizes = (*asked.sizes, *((FAR,) if asked.two_million else ()))
    asked.work.mkdir(parents=True, exist_ok=True)
    asked.out.mkdir(parents=True, exist_ok=True)
    measured = Measured.at(asked.work / "measured.json")
    if asked.fresh:
        measured.rows = []
    if measured.rows:
        say(f"{len(measured.rows)} measurements of an interrupted bench are kept (--fresh starts anew)")
    planned = worlds(sizes, asked.seed, asked.demo if asked.demo in sizes else None)
    say(f"worlds: {', '.join(map(str, planned))}")
    warm_up(asked.work)
    session = Session(asked.work, measured, needed(asked.only or ()))
    # The largest first: should the bench be ended early, it is the one that says most.
    for world in reversed(planned):
        session.world(world, asked.repeats, lambda: report.write_raw(measured.rows, asked.out))
    print(report.write(measured.rows, asked.out))
    (asked.work / "measured.json").unlink(missing_ok=True)
    say(f"written: {asked.out / 'scale.md'}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.scale", description="How fast and in how much memory, ours and the peers."
    )
    parser.add_argument(
        "--sizes", type=_sizes, default=SIZES, metavar="N,N", help="accounts (default: %(default)s)"
    )
    parser.add_argument("--two-million", action="store_true", help=f"also {FAR:,} accounts")
    parser.add_argument(
        "--repeats", type=int, default=3, help="turns at 100,000 accounts; larger worlds have fewer"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the worlds")
    parser.add_argument(
        "--demo", type=int, default=100_000, help="accounts of the world of scenario demo; 0: none"
    )
    parser.add_argument("--only", action="append", choices=list(BY_NAME), help="a step; may be given again")
    parser.add_argument("--fresh", action="store_true", help="forget what an interrupted bench measured")
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(tempfile.gettempdir(), "graphsvc-bench-scale"),
        help="directory for worlds and databases (10 GB at a million accounts)",
    )
    parser.add_argument("--out", type=Path, default=OUT, help="directory of the report")
    asked = parser.parse_args()
    if asked.repeats < 1:
        parser.error("--repeats must be 1 or more")
    return asked


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part.replace("_", "")) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers, such as 100000,250000") from None
    if min(sizes) < 1000:
        raise argparse.ArgumentTypeError("worlds have 1000 accounts or more")
    return sizes


if __name__ == "__main__":
    main()
