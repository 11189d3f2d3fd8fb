"""A large cluster level by level: its groups, and what stands for those that do not fit into a picture.

A group is the members to whom one signal adds most. The groups too small to be drawn stand behind one node for each
kind of signal, which opens into the next level: every account is behind exactly one node of the first level.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BUNDLE = re.compile(r"([a-z0-9_]+):\*([0-9]{1,9})")
"""The id of a node for several groups: their kind, and how many larger ones of the kind are not in it."""


@dataclass(frozen=True, slots=True)
class Group:
    """`accounts` members to whom the signal `key` adds most (empty: no one signal), of mean `membership` 0 to 1."""

    key: str
    accounts: int
    membership: float

    @property
    def kind(self) -> str:
        """Kind of its signal."""
        return self.key.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Node:
    """What is drawn for one group (its id is the group's key) or for several of one `kind`."""

    id: str
    kind: str
    groups: tuple[Group, ...]

    @property
    def accounts(self) -> int:
        """Members behind it."""
        return sum(group.accounts for group in self.groups)

    @property
    def membership(self) -> float:
        """Their mean membership."""
        return sum(group.accounts * group.membership for group in self.groups) / self.accounts


def parse_bundle(node_id: str) -> tuple[str, int] | None:
    """The kind and the number of larger groups of a node that stands for several; None: it is no such id."""
    found = _BUNDLE.fullmatch(node_id)
    return (found[1], int(found[2])) if found else None


def expand_bundle(groups: Sequence[Group], kind: str, larger: int) -> list[Group]:
    """The groups behind such a node; `groups` are all of the cluster, largest first."""
    return [group for group in groups if group.kind == kind][larger:]


def build_level(groups: Sequence[Group], nodes: int, larger: int = 0) -> list[Node]:
    """At most `nodes` nodes (one a kind, if there are more kinds) for `groups`, the largest by themselves.

    Args:
        groups: largest first, all of a cluster or those `inside` one node.
        nodes: more than there are kinds.
        larger: if they are inside a node: how many larger groups of their kind are not among them.
    """
    kinds = {group.kind for group in groups}
    alone = len(groups) if len(groups) <= nodes else max(nodes - len(kinds), 0)
    drawn = [Node(group.key, group.kind, (group,)) for group in groups[:alone]]
    rest: dict[str, list[Group]] = {}
    for group in groups[alone:]:
        rest.setdefault(group.kind, []).append(group)
    for kind, members in rest.items():
        before = larger + sum(group.kind == kind for group in groups[:alone])
        if len(members) == 1:
            drawn.append(Node(members[0].key, kind, tuple(members)))
        else:
            drawn.append(Node(f"{kind}:*{before}", kind, tuple(members)))
    return drawn
