"""Plan the faults of a campaign from its seed. Nothing here runs anything.

The same seed and number give the same fault, whichever others run.
"""

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to be injected.

    Attributes:
        number: in the campaign, from 1.
        kind: name of its `Kind`.
        target: what runs while it happens.
        variant: of the fault.
        moment: when it happens, as a share (0-1) of the time that the target takes unbroken.
        amount: how much of it, 0-1; its meaning depends on the variant.
        key: seed of further draws.
    """

    number: int
    kind: str
    target: str
    variant: str
    moment: float
    amount: float
    key: int

    def __str__(self) -> str:
        return (
            f"{self.number:>3} {self.kind}: {self.variant}, {self.target}, "
            f"at {self.moment:.2f}, amount {self.amount:.2f}"
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of faults: every target meets every variant in turn, until there are `count` of them.

    Attributes:
        name: of the kind, as `--only` takes it.
        count: of its faults in a campaign.
        promise: what holds after each, for the report.
        targets: what runs meanwhile.
        variants: forms of the fault.
        pairs: (target, variant) in place of the product of both, where not every target can meet every variant.
    """

    name: str
    count: int
    promise: str
    targets: Sequence[str] = ()
    variants: Sequence[str] = ()
    pairs: Sequence[tuple[str, str]] = field(default=())

    def list_pairs(self) -> list[tuple[str, str]]:
        """Return (target, variant), each once, in a fixed order."""
        return list(self.pairs) or [(target, variant) for variant, target in
                                    itertools.product(self.variants, self.targets)]  # fmt: skip


RERUN = "run again, it ends in the graph and the result of an unbroken run"
WHOLE = "one paragraph and an exit status of ours, or the result of an unbroken run; what is published stays complete"
ANSWERED = "every change that was answered is recorded once, none that was refused; the audit log holds"

KINDS: tuple[Kind, ...] = (
    Kind("kill-load", 20, f"a load that is killed: {RERUN}", ("load", "load fresh"), ("kill -9",)),
    Kind("kill-bulk", 2, f"a bulk load that is killed: {RERUN}", ("bulk load",), ("kill -9",)),
    Kind("kill-detect", 20, f"a detection that is killed: {RERUN}", ("detect",), ("kill -9",)),
    Kind("kill-publish", 16, f"a publisher that is killed: the old result or the new one; {RERUN}",
         ("publish",), ("kill -9",)),
    Kind("kill-serve", 8, f"a service that is killed: {ANSWERED}", ("changes",), ("kill -9",)),
    Kind("kill-jvm", 6, f"a database that is killed: {RERUN}; {ANSWERED}",
         ("changes", "load", "detect"), ("kill -9",)),
    Kind("stop-jvm", 20, f"a database that stands still: {ANSWERED}; {RERUN}",
         ("changes", "changes", "load", "detect"), ("SIGSTOP, SIGCONT",)),
    Kind("proxy", 60, f"a network that fails: {ANSWERED}; {RERUN}",
         ("changes", "questions", "changes", "load", "questions", "detect"),
         ("latency", "jitter", "bandwidth", "slow close", "timeout", "reset", "truncate", "slice", "down")),
    Kind("disk-full", 18, WHOLE, pairs=[
        *((target, "keys and snapshots") for target in
          ("detect", "load with rejected rows", "keys create", "keys revoke", "export members", "decide",
           "detect", "audit export")),
        ("load", "database"),
    ]),
    Kind("disk-read-only", 12, WHOLE,
         ("detect", "load with rejected rows", "keys create", "keys rotate", "export members", "decide"),
         ("keys and snapshots",)),
    Kind("clock", 18, WHOLE, ("load", "detect", "decide", "changes", "keys create", "export members"),
         ("years back", "years ahead", "jumps")),
    Kind("descriptors", 18, WHOLE,
         ("keys create", "load", "detect", "serve", "export members", "neo4j start"), ("ulimit -n",)),
    Kind("memory", 18, WHOLE,
         ("keys create", "load", "detect", "serve", "export members", "neo4j start"), ("ulimit -v",)),
    Kind("damaged-keys", 28, WHOLE,
         ("api-keys.json", "api-keys.pepper", "audit-head.json", "signing.key", "token.key", "neo4j-password",
          "sign-in.key"),
         ("truncated", "a bit flipped", "empty", "zeros")),
    Kind("damaged-snapshots", 20, WHOLE,
         ("accounts.arrow", "signals.arrow", "uses.arrow", "activity.arrow", "manifest.json"),
         ("truncated", "a bit flipped", "empty", "gone")),
    Kind("damaged-cache", 6, WHOLE, ("a jar", "the start cache"), ("truncated", "a bit flipped", "empty")),
    Kind("damaged-bundles", 36, WHOLE,
         ("accounts.parquet", "sessions.parquet", "accounts.csv.gz", "sessions.csv.gz", "accounts.ndjson",
          "sessions.ndjson"),
         ("truncated", "a bit flipped", "empty", "zeros", "twice", "gone")),
    Kind("two-at-once", 18, f"two of everything: {WHOLE}",
         ("load", "detect", "load and detect", "keys create", "decide", "serve on one port"),
         ("the same moment", "a moment later")),
    Kind("clients", 36, f"clients that misbehave: others are answered within seconds; {ANSWERED}",
         ("changes", "questions"),
         ("leave", "leave in the body", "hang in the head", "hang in the body", "flood", "never read",
          "WebSockets that hang", "garbage", "reset")),
    Kind("history", 21, "concurrent decisions are linearizable; an answer that was lost counts as either",
         ("decisions",), ("undisturbed", "SIGSTOP, SIGCONT", "reset", "timeout", "down", "two services",
                            "one of two services killed")),
)  # fmt: skip
"""All kinds. The numbers of a kind's faults do not change while kinds are added at the end."""
DEAR = frozenset(("kill-bulk", "kill-jvm", "damaged-cache"))
"""Kinds whose faults start the database, which takes many times what others take."""


def plan_faults(seed: int) -> list[Fault]:
    """Plan all faults of a campaign, by number."""
    faults: list[Fault] = []
    for kind in KINDS:
        pairs = kind.list_pairs()
        for place in range(kind.count):
            draw = random.Random(f"{seed}/{kind.name}/{place}")
            target, variant = pairs[place % len(pairs)]
            faults.append(
                Fault(len(faults) + 1, kind.name, target, variant, draw.random(), draw.random(),
                      draw.randrange(1 << 30))
            )  # fmt: skip
    return faults


def choose_faults(
    faults: Sequence[Fault], only: Sequence[str] | None = None, numbers: Sequence[int] | None = None
) -> list[Fault]:
    """Return the faults of some kinds, or of some numbers; without either all of them."""
    return [
        fault
        for fault in faults
        if (not only or fault.kind in only) and (not numbers or fault.number in numbers)
    ]


def order_faults(faults: Sequence[Fault]) -> list[Fault]:
    """Return faults in turn of their kinds, the dear ones last: a campaign that is broken off has some of each."""
    turn: Counter[str] = Counter()
    keyed = []
    for fault in faults:
        keyed.append((fault.kind in DEAR, turn[fault.kind], fault.number, fault))
        turn[fault.kind] += 1
    return [each[-1] for each in sorted(keyed, key=lambda each: each[:3])]
