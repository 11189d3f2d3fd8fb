"""Describe the impact of an action in sentences."""

import math

from graphsvc.analysis.counterfactual_sentences import describe_holding, format_count, format_sizes
from graphsvc.analysis.impact import Aftermath, Bystanders, Impact, Plan, Stage
from graphsvc.campaigns.sentences import FAMILIES


def describe_impact(found: Impact) -> list[str]:
    """Describe an impact in full, a sentence or two a line."""
    active = found.accounts - found.inactive
    out = f", {found.inactive:,} of them out already" if found.inactive else ""
    lines = [
        f"{format_count(found.accounts, 'account')}{out}. "
        f"Innocents to be expected among the {active:,}: {found.innocents:.1f}."
    ]
    if found.strangers:
        lines.append(
            f"{format_count(found.strangers, 'account')} of these in no published cluster: nothing says that they "
            "belong to anything, so each counts as an innocent."
        )
    if found.businesses:
        lines.append(
            f"{format_count(found.businesses, 'account')} of these in clusters that are likely businesses: "
            "coordinated, not hostile, so each counts as an innocent."
        )
    lines += [_describe_bystanders(each) for each in found.bystanders]
    lines.append(
        f"Bystanders in all, each counted once: {found.bystanders_in_all:,}. An action on the accounts does not touch "
        "them; one on the addresses, devices or cards would."
    )
    for cluster in found.clusters:
        lines += _describe_aftermath(cluster)
    return lines + describe_plan(found.plan)


def describe_plan(found: Plan) -> list[str]:
    """Describe the stages of a plan."""
    if not found.stages and not found.left_out:
        return ["There is no account to act on."]
    lines = [_describe_stage(number, stage) for number, stage in enumerate(found.stages, 1)]
    if found.left_out:
        lines.append(
            f"Stop here: {format_count(found.left_out, 'account')} more, with {found.left_out_innocents:.1f} innocents "
            f"to be expected; of the next stage more than {found.most:g}."
        )
    return lines


def _describe_stage(number: int, stage: Stage) -> str:
    """Describe one stage."""
    return (
        f"Stage {number}: {format_count(stage.accounts, 'account')} of membership "
        f"{_format_floor(stage.membership)} or more ({stage.so_far:,} so far), "
        f"{stage.innocents:.2f} innocents to be expected ({stage.innocents_so_far:.2f} so far); "
        f"then {stage.left:,} are left: {format_sizes(stage.sizes, stage.alone)}."
    )


def _format_floor(membership: float) -> str:
    """Format a membership with four digits, rounded down: 1.0000 is one that floats cannot tell from 1."""
    return f"{math.floor(membership * 10_000) / 10_000:.4f}"


def _describe_bystanders(each: Bystanders) -> str:
    """Describe the bystanders of one family."""
    what = FAMILIES.get(each.family, each.family)
    says = f"{what}: {format_count(each.accounts, 'other account')} on {each.signals:,} of those used"
    if each.hubs:
        says += (
            f"; {each.hubs:,} more are of very many people (up to {each.widest:,}), whom nobody should act on"
        )
    return f"{says[0].upper()}{says[1:]}."


def _describe_aftermath(found: Aftermath) -> list[str]:
    """Describe one cluster after the action."""
    lines = [
        f"Cluster {found.cluster}: {found.acted:,} of {found.before.members:,} active members; "
        f"{format_sizes(found.before.sizes, found.before.alone)} → "
        f"{format_sizes(found.after.sizes, found.after.alone)}."
    ]
    if found.after.parts:
        shared = "; ".join(describe_holding(each) for each in found.after.parts[0].holds)
        lines.append(f"  What is left would still share {shared}.")
    if found.bans:
        delay = "" if found.delay_hours is None else f", {found.delay_hours:.0f} hours later at the median"
        lines.append(
            f"  After {format_count(found.bans, 'ban')} so far it made new accounts for at least {found.rate:.0%}"
            f"{delay}; so at least about {found.replaced:,.0f} of these would be replaced."
        )
    else:
        lines.append("  Nobody of it was banned yet, so nothing is known of how it replaces its accounts.")
    if found.heirs:
        shown = ", ".join(
            f"{heir.account} ({format_count(heir.values, 'value')}, {heir.bits:.0f} bits)"
            for heir in found.strongest
        )
        lines.append(
            f"  {format_count(found.heirs, 'active member')} not acted on share with these what would make a link, "
            f"and can go on for them, such as {shown}."
        )
    return lines
