"""`make bench-api`: latencies of the API over HTTP on loopback, and of the bare Cypher behind each answer.

    python -m bench.api [--accounts N] [--clients N,N …] [--seconds S] [--turns N] [--work DIR] [--out DIR]

A world of the scenario `book` is made, loaded and detected unless --work holds it from before; `graphsvc serve` runs in
a process of its own; this process is the clients. API and bare Cypher are measured in turn. `api.json` and `api.md` go
to --out, progress to standard error.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from bench.api import report
from bench.api.book import Book
from bench.api.clients import over_driver, over_http
from bench.api.questions import questions
from bench.quality import OUT
from bench.trials import say


def main() -> None:
    """Prepares, measures in turn, and writes the report."""
    asked = _arguments()
    book = Book(asked.work / str(asked.accounts), asked.accounts, asked.seed)
    book.prepare()
    rows = []
    try:
        with book.serving(asked.workers) as service:
            asked_for = questions(book, service)
            for turn in range(asked.turns):
                for clients in asked.clients:
                    for question in asked_for:
                        for way, measure in (("API", over_http), ("Cypher", over_driver)):
                            row = asyncio.run(measure(service, question, clients, asked.seconds))
                            rows.append({"question": question.name, "way": way, "turn": turn, **row})
                            say(report.line(rows[-1]))
            print(report.write(rows, asked_for, book, asked.out))
    finally:
        book.stop()
    say(f"written: {asked.out / 'api.md'}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.api", description="How fast the API answers, beside the bare Cypher."
    )
    parser.add_argument("--accounts", type=int, default=1_000_000, help="accounts of the world")
    parser.add_argument(
        "--clients", type=_numbers, default=(1, 8, 32), metavar="N,N", help="concurrent clients"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--turns", type=int, default=2, help="how often each is measured")
    parser.add_argument("--workers", type=int, default=2, help="processes of the service")
    parser.add_argument("--seed", type=int, default=1, help="seed of the world")
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(tempfile.gettempdir(), "graphsvc-bench-api"),
        help="directory of world and database, kept for the next time (8 GB at a million accounts)",
    )
    parser.add_argument("--out", type=Path, default=OUT, help="directory of the report")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers, such as 8,32") from None


if __name__ == "__main__":
    main()
