"""What a file of rules would change in the webhooks that exist, and how it is shown."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graphsvc.errors import AlertsError
from graphsvc.events.alerts import AlertFile, FileTarget, quote_text
from graphsvc.events.filters import describe_filter
from graphsvc.model.webhooks import AlertRule, Webhook


@dataclass(frozen=True, slots=True)
class AlertChange:
    """A difference between a file of rules and the webhooks that there are.

    Attributes:
        name: of the target in the file, or of the webhook that it does not name.
        webhook: None: it is to be added.
        rules: it has afterwards; None: it is to be removed.
        target: what the file says of it.
    """

    name: str
    webhook: Webhook | None
    rules: list[AlertRule] | None
    target: FileTarget = field(default_factory=FileTarget)

    @property
    def is_needed(self) -> bool:
        """Return whether anything is to be done."""
        return self.webhook is None or self.rules is None or self.webhook.rules != self.rules


def find_changes(file: AlertFile, webhooks: Sequence[Webhook], *, prune: bool = False) -> list[AlertChange]:
    """Find what a file of rules changes, target by target, in the order of the file. Unchanged targets are in it, too.

    Args:
        file: of rules.
        webhooks: all that there are.
        prune: whether webhooks that have rules of a file, but are not named in this one, are removed.

    Raises:
        AlertsError: a target does not exist and has no address, or its name is that of several webhooks.
    """
    changes = []
    for name, target in file.targets.items():
        found = _find_webhook(file, name, target, webhooks)
        if found is None and not (target.address_env or target.address_file):
            raise AlertsError(
                f"{file.name}: the target {name!r} does not exist, and the file does not say where its address is.",
                f"Correct the name, or write [targets.{quote_text(name)}] with address_env or address_file.",
            )
        if found and target.format not in (None, found.format):
            raise AlertsError(
                f"{file.name}: the target {name!r} has the format {found.format.value}, which a file does not change.",
                f"Write that, or remove the webhook {found.id} first.",
            )
        changes.append(AlertChange(name, found, file.rules[name], target))
    ids = Counter(each.webhook.id for each in changes if each.webhook)
    twice = [each.name for each in changes if each.webhook and ids[each.webhook.id] > 1]
    if twice:
        raise AlertsError(
            f"{file.name}: the targets {' and '.join(twice)} are one webhook.", "Keep one name."
        )
    if prune:
        left = [each for each in webhooks if each.rules is not None and each.id not in ids]
        changes += [AlertChange(each.name, each, None) for each in left]
    return changes


def _find_webhook(
    file: AlertFile, name: str, target: FileTarget, webhooks: Sequence[Webhook]
) -> Webhook | None:
    """Find the webhook that a target is; None: there is none of its name."""
    found = [each for each in webhooks if (each.id == target.id if target.id else each.name == name)]
    if target.id and not found:
        raise AlertsError(
            f"{file.name}: there is no webhook {target.id} for the target {name!r}.",
            "`graphsvc webhooks list` lists them.",
        )
    if len(found) > 1:
        raise AlertsError(
            f"{file.name}: {len(found)} webhooks are named {name!r}: {', '.join(each.id for each in found)}.",
            f'Write the one that you mean: [targets.{quote_text(name)}] with id = "…".',
        )
    return found[0] if found else None


def describe_changes(changes: Iterable[AlertChange], webhooks: Sequence[Webhook]) -> list[str]:
    """Describe changes as lines: `+` is added, `-` removed, `~` changed, `=` stays, `!` needs a look."""
    changes = list(changes)
    lines = [line for each in changes for line in _describe_change(each)]
    known = {each.webhook.id for each in changes if each.webhook}
    lines += [
        f"! {each.name} ({each.id}) keeps {_count(each.rules)} of a file, and this one does not name it: "
        "--prune removes it"
        for each in webhooks
        if each.rules is not None and each.id not in known
    ]
    return lines


def _describe_change(change: AlertChange) -> list[str]:
    webhook, rules, target = change.webhook, change.rules, change.target
    if webhook is None:
        source = f"${target.address_env}" if target.address_env else target.address_file
        head = f"+ {change.name}: new, its address is from {source}"
    elif rules is None:
        return [f"- {change.name} ({webhook.id}): removed, with {webhook.pending:,} events that wait"]
    elif not change.is_needed:
        return [
            f"= {change.name} ({webhook.id}): {_count(rules)}, as {'it was' if len(rules) == 1 else 'they were'}"
        ]
    else:
        before = (
            ""
            if webhook.rules is not None
            else f", instead of its own filter: {describe_filter(webhook.filter)}"
        )
        head = f"~ {change.name} ({webhook.id}): rules of the file{before}"
    old = {each.name: each.filter for each in (webhook.rules if webhook else None) or ()}
    new = {each.name: each.filter for each in rules or ()}
    lines = [head] if new else [f"{head}; no rule names it, so nothing is sent to it"]
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            lines.append(f"    - {name}: {describe_filter(old[name])}")
        elif name not in old:
            lines.append(f"    + {name}: {describe_filter(new[name])}")
        elif old[name] != new[name]:
            lines.append(f"    ~ {name}: {describe_filter(old[name])} → {describe_filter(new[name])}")
    return lines


def _count(rules: Sequence[AlertRule]) -> str:
    return f"{len(rules):,} rule{'' if len(rules) == 1 else 's'}"
