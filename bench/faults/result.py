"""What came of a fault, kept as a line of JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.faults.plan import Fault

SAME, AGAIN, REFUSED, SKIPPED = "unnoticed", "recovered", "refused", "skipped"
"""Ends of a fault: as if nothing were; broken off, and right when run again; an error of ours; not possible here."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the injection of a fault reports: its end, what is not as promised, and a remark."""

    end: str
    faults: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A fault's result, as it is kept."""

    seed: int
    number: int
    kind: str
    target: str
    variant: str
    end: str
    faults: tuple[str, ...]
    note: str
    seconds: float

    @classmethod
    def of(cls, seed: int, fault: Fault, report: Report, seconds: float) -> "Result":
        """Return the result of a fault."""
        return cls(seed, fault.number, fault.kind, fault.target, fault.variant, report.end, report.faults,
                   report.note, round(seconds, 2))  # fmt: skip

    @property
    def holds(self) -> bool:
        """Return whether all was as promised."""
        return not self.faults


def read_results(path: Path, seed: int) -> list[Result]:
    """Read the results of a campaign's seed; the last of each number counts, a half-written line does not."""
    found: dict[int, Result] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row["seed"] == seed:
            found[row["number"]] = Result(**{**row, "faults": tuple(row["faults"])})
    return [found[number] for number in sorted(found)]


def append_result(path: Path, result: Result) -> None:
    """Append a result to the file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(result)) + "\n")


def build_report(broken: bool, faults: Iterable[str], note: str = "", *, again: bool = True) -> Report:
    """Build the report of a fault that broke something or not.

    Args:
        broken: whether what ran did not come to its end.
        faults: what is not as promised.
        note: a remark.
        again: whether it was run again then.
    """
    end = (AGAIN if again else REFUSED) if broken else SAME
    return Report(end, tuple(faults), note)
