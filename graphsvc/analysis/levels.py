"""Show a large cluster level by level: its groups, and nodes for groups that do not fit.

A group holds the members for which one signal adds most bits. Groups too small to be drawn share one node for
each kind of signal. That node opens into the next level. Every account is behind exactly one node of the
first level.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from graphsvc.model.clusters import Group

_BUNDLE = re.compile(r"([a-z0-9_]+):\*([0-9]{1,9})")
"""Id of a node for several groups: their kind, and the number of larger groups of that kind that are not in
it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a picture: one group, or several of one kind.

    Attributes:
        id: the group's key, or an id that `parse_bundle` reads.
        kind: of the groups.
        groups: behind the node.
    """

    id: str
    kind: str
    groups: tuple[Group, ...]

    @property
    def accounts(self) -> int:
        """Return the number of members behind it."""
        return sum(group.accounts for group in self.groups)

    @property
    def membership(self) -> float:
        """Return their mean membership."""
        return sum(group.accounts * group.membership for group in self.groups) / self.accounts


def parse_bundle(node_id: str) -> tuple[str, int] | None:
    """Parse the id of a node for several groups.

    Returns:
        The kind, and the number of larger groups of that kind; None for any other id.
    """
    found = _BUNDLE.fullmatch(node_id)
    return (found[1], int(found[2])) if found else None


def expand_bundle(groups: Sequence[Group], kind: str, larger: int) -> list[Group]:
    """Return the groups behind such a node.

    Args:
        groups: all groups of the cluster, largest first.
        kind: of `parse_bundle`.
        larger: of `parse_bundle`.
    """
    return [group for group in groups if group.kind == kind][larger:]


def build_level(groups: Sequence[Group], nodes: int, larger: int = 0) -> list[Node]:
    """Build at most `nodes` nodes for `groups`, the largest groups alone; with more kinds than that, one a kind.

    Args:
        groups: largest first, all of a cluster or those of `expand_bundle`.
        nodes: larger than the number of kinds.
        larger: number of larger groups of their kind that are not among `groups`, if these are of one node.
    """
    kinds = {group.kind for group in groups}
    # Keep a node for each kind, in case each has groups that do not fit.
    alone = len(groups) if len(groups) <= nodes else max(nodes - len(kinds), 0)
    drawn = [Node(group.key, group.kind, (group,)) for group in groups[:alone]]
    rest: dict[str, list[Group]] = {}
    for group in groups[alone:]:
        rest.setdefault(group.kind, []).append(group)
    for kind, members in rest.items():
        # The id counts the groups drawn before, so that it names the same groups in a later request.
        before = larger + sum(group.kind == kind for group in groups[:alone])
        # A single group needs no bundle.
        if len(members) == 1:
            drawn.append(Node(members[0].key, kind, tuple(members)))
        else:
            drawn.append(Node(f"{kind}:*{before}", kind, tuple(members)))
    return drawn
