"""Check that a history of concurrent reads and conditional writes of one register is linearizable.

The search is that of Wing and Gong (1993) with the memory of Lowe (2017): a state of the search is the set of
operations that have taken effect and the value of the register, and none is visited twice. An operation whose answer
was lost may take effect at any time after its call, or never, as in Jepsen's Knossos.

A history over several registers is linearizable if that of each is (Herlihy and Wing 1990, theorem 1).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """How an operation ended."""

    DONE = "done"
    REFUSED = "refused"
    """A conditional write that found another value; it changed nothing."""
    FAILED = "failed"
    """It is known to have changed nothing, and says nothing of the register."""
    UNKNOWN = "unknown"
    """Its answer was lost: it may have taken effect, at any time after its call."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation on a register.

    Attributes:
        register: it was done on.
        began, ended: times of its call and of its answer, seconds.
        outcome: of it.
        value: a read's answer; a write's new value, which no other write has.
        expected: value that a conditional write asks for; None: it is a read.
    """

    register: str
    began: float
    ended: float
    outcome: Outcome
    value: str
    expected: str | None = None


def find_violations(history: Iterable[Operation], first: str = "") -> list[str]:
    """Return the registers whose history is not linearizable.

    Args:
        history: in any order.
        first: value of each register before it.
    """
    registers: dict[str, list[Operation]] = {}
    for operation in history:
        registers.setdefault(operation.register, []).append(operation)
    return sorted(name for name, found in registers.items() if not is_linearizable(found, first))


def is_linearizable(history: Sequence[Operation], first: str = "") -> bool:
    """Return whether the operations of one register have an order that explains every answer.

    The order respects time: what ended before another began takes effect before it. At most 62 operations or so are
    practical; the search is exponential in those that overlap.
    """
    lost = (Outcome.UNKNOWN, Outcome.FAILED)
    # A read without an answer, and a write that surely failed, constrain nothing.
    kept = sorted(
        (each for each in history if not (each.outcome in lost and (each.expected is None or
         each.outcome is Outcome.FAILED))),
        key=lambda each: each.began,
    )  # fmt: skip
    ends = [math.inf if each.outcome is Outcome.UNKNOWN else each.ended for each in kept]
    needed = sum(1 << place for place, each in enumerate(kept) if each.outcome is not Outcome.UNKNOWN)
    seen: set[tuple[int, str]] = set()
    stack = [(0, first)]
    while stack:
        done, value = stack.pop()
        if done & needed == needed:
            return True
        if (done, value) in seen:
            continue
        seen.add((done, value))
        waiting = [place for place in range(len(kept)) if not done >> place & 1]
        # Whatever begins after another has ended cannot come before it.
        horizon = min(ends[place] for place in waiting)
        for place in waiting:
            if kept[place].began <= horizon:
                after = _apply(kept[place], value)
                if after is not None:
                    stack.append((done | 1 << place, after))
    return False


def _apply(operation: Operation, value: str) -> str | None:
    """Return the register's value after an operation; None if its answer does not fit the value before."""
    if operation.expected is None:
        return value if operation.value == value else None
    if operation.outcome is Outcome.REFUSED:
        return value if operation.expected != value else None
    if operation.outcome is Outcome.DONE:
        return operation.value if operation.expected == value else None
    # A lost answer: it took effect only if the value was the expected one; "never" is to leave it out.
    return operation.value if operation.expected == value else None
