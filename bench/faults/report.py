"""Write the page of a campaign: promise, fault, result, number."""

import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.faults.plan import KINDS
from bench.faults.result import AGAIN, REFUSED, SAME, SKIPPED, Result
from bench.markdown import grid

INTRODUCTION = """# Faults

```sh
make faults                                   # all of them, up to an hour; interrupted, it continues
make faults FAULTS_ARGS="--only proxy"        # one kind
make faults FAULTS_ARGS="--seed 1 --number 87"  # one fault again
```

A campaign injects seeded faults into one real installation: Neo4j, `graphsvc serve`, loads, detections. After each
fault it compares the graph (a checksum of every node and relationship that loads write), the published members, the
decisions and the audit log with those of an unbroken run. Every fault has a number, and seed and number give the same
fault again.

A fault ends in one of three ways. *Unnoticed*: what ran came to its end as if nothing were. *Recovered*: it was broken
off, and is right after it was run again. *Refused*: it ended with an error of ours (a code, an exit status, a paragraph
without a stack trace), and what was published is complete. Anything else is *not as promised*. Of questions and changes
(a service whose database or clients fail), an answer with an error of ours counts as unnoticed, too.

"""
NOTES = """
How some of them are made: the proxy is of our own, with the faults of toxiproxy (latency, jitter, bandwidth, slow
close, timeout, reset, truncate, slice, down), between the service and Neo4j. Full and read-only disks are small ext4
file systems on loop devices, which need root; the database's own is one of 3 GB. Wrong clocks are libfaketime's. Few
file descriptors and little memory are `ulimit -n` (16 to 136) and `ulimit -v` (0.15 to 4 GB). Where one of these is
missing, its faults are counted as skipped.

The history of decisions is checked by `bench/faults/linearizability.py`: a cluster is a register, a decision a
conditional write of it, and a search by Wing and Gong with Lowe's memory looks for an order that explains all answers.

## Found on the way

| fault | what happened | now |
| --- | --- | --- |
| one bit of `token.key` or `signing.key` flips | another key, used in silence | refused by its checksum |
| one bit of a name, role or digest in `api-keys.json` flips | read as it is | refused: each row has a checksum |
| one bit of a file in `runs/` flips | a traceback, or a wrong watermark | left out by its SHA-256 |
| `ulimit -v` below 1 GB | tracebacks of imports, `OpenBLAS error`, an abort | status 1, one paragraph, below 2 GiB |
| a table of zero bytes and nothing else | loaded as an empty table | refused by name |
| a full disk under `graphsvc audit export` | half of the log was left, in the way of the next export | removed |
| a full disk while a graph is kept | `cannot be kept …: None` | the reason is named |

Each has a test of its own (`tests/keeping/test_damaged_files.py`, `tests/intake/test_intake_dialects.py`).
"""


def write_page(results: Sequence[Result], seed: int, path: Path) -> None:
    """Write the page of a complete campaign."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(format_page(results, seed), encoding="utf-8")


def format_page(results: Sequence[Result], seed: int) -> str:
    """Format the page of a campaign."""
    held = sum(result.holds for result in results)
    seconds = sum(result.seconds for result in results)
    planned = sum(kind.count for kind in KINDS)
    median = statistics.median(result.seconds for result in results)
    summary = (
        f"Campaign of seed {seed}: {len(results)} of {planned} faults, {held} as promised, {len(results) - held} not, "
        f"{seconds / 60:.0f} minutes (median {median:.1f} s a fault).\n\n"
    )
    head = ["fault", "promise", "number", SAME, AGAIN, REFUSED, SKIPPED, "not as promised"]
    return INTRODUCTION + summary + "\n".join(grid(head, list_rows(results))) + NOTES


def list_rows(results: Sequence[Result]) -> list[list[str]]:
    """List the rows of the table: one a kind, and their sum."""
    rows = []
    for kind in KINDS:
        found = [result for result in results if result.kind == kind.name]
        if found:
            rows.append([f"{kind.name}: {_list_targets(found)}", kind.promise, *_count(found)])
    return [*rows, ["all", "", *_count(results)]]


def _list_targets(results: Sequence[Result]) -> str:
    """List variants and targets of a kind."""
    variants = list(dict.fromkeys(result.variant for result in results))
    targets = list(dict.fromkeys(result.target for result in results))
    return f"{', '.join(variants)} ({', '.join(targets)})"


def _count(results: Sequence[Result]) -> list[str]:
    ends = Counter(result.end for result in results if result.holds)
    lost = sum(not result.holds for result in results)
    return [str(len(results)), *(str(ends[end]) for end in (SAME, AGAIN, REFUSED, SKIPPED)), str(lost)]
