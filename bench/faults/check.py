"""Read what an installation holds, and compare it with what it is to hold."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from graphsvc.signing import Signer
from graphsvc.store import Store
from graphsvc.store.audit_log import stream_entries, verify_log
from graphsvc.store.decisions import read_decision_log
from graphsvc.store.published import read_members

Members = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A decision as it is asked for: on what, on which subject, of which topic, its value and its note."""

    on: str
    subject: str
    topic: str
    value: str
    note: str


@dataclass(slots=True)
class Ledger:
    """The decisions that an installation is to hold: those that were answered, and of the lost ones any part."""

    answered: list[Change] = field(default_factory=list)
    lost: list[Change] = field(default_factory=list)

    def find_faults(self, found: Counter[Change]) -> list[str]:
        """Compare with the decisions that are there.

        Returns:
            What is missing, twice there, or was never asked for.
        """
        owed, maybe = Counter(self.answered), Counter(self.lost)
        missing = owed - found
        more = found - owed - maybe
        return [f"the decision {each.note or each.value!r} was answered and is gone" for each in missing] + [
            f"the decision {each.note or each.value!r} is there {found[each]} times, asked for "
            f"{owed[each] + maybe[each]} times" for each in more
        ]  # fmt: skip

    def settle(self, found: Counter[Change]) -> None:
        """Take what is there for what is owed from now on: a lost answer is known now."""
        self.answered, self.lost = list(found.elements()), []


@dataclass(frozen=True, slots=True)
class State:
    """What an installation holds."""

    graph: tuple[int, int, str]
    """Nodes, relationships and a SHA-256 of all that loads wrote."""
    members: Members
    """Cluster, account, membership and score of each published member."""
    decisions: Counter[Change]
    faults: tuple[str, ...]
    """What is wrong with the audit log."""


def read_state(store: Store, signer: Signer) -> State:
    """Read all of it."""
    made = [each for each in read_decision_log(store).decisions if not each.copied_from]
    decisions = Counter(
        Change(str(each.on), each.subject, str(each.topic), each.value, each.note) for each in made
    )
    return State(
        compute_checksum(store),
        read_published(store),
        decisions,
        tuple(find_log_faults(store, signer, [each.id for each in made])),
    )


def read_published(store: Store) -> Members:
    """Read the published members without the status of their clusters, which decisions change."""
    return tuple(read_members(store).drop("status").rows())


def compute_checksum(store: Store) -> tuple[int, int, str]:
    """Compute nodes, relationships and a digest of all that loads write, whatever their order."""
    nodes = sorted(_line(record) for record in store.stream("bench/checksum"))
    edges = sorted(_line(record) for record in store.stream("bench/checksum_edges"))
    digest = hashlib.sha256("\n".join([*nodes, "", *edges]).encode()).hexdigest()
    return len(nodes), len(edges), digest


def find_log_faults(store: Store, signer: Signer, decisions: Iterable[str]) -> list[str]:
    """List what is wrong with the audit log: its chain, and decisions that have no entry or more than one."""
    checked = verify_log(store, signer)
    logged = Counter(
        str(entry.entry.act.details["id"])
        for entry in stream_entries(store)
        if entry.entry is not None and entry.entry.act is not None and "topic" in entry.entry.act.details
    )
    made = Counter(decisions)
    found = [f"entry {fault.number} of the audit log {fault.what}" for fault in checked.faults]
    found += [f"the decision {each} has no entry of the audit log" for each in made - logged]
    found += [f"the audit log has an entry too many of {each}" for each in logged - made]
    return found


def _line(record: tuple[Any, ...]) -> str:
    ordered = [sorted(part) if isinstance(part, list) else part for part in record]
    return json.dumps(ordered, sort_keys=True, default=str)
