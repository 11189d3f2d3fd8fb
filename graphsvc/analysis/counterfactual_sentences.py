"""Describe counterfactuals and weak points in sentences."""

from collections.abc import Sequence

from graphsvc.analysis.anatomy import Anatomy, Bridge, EvidenceCut, Holding, Part, Parts
from graphsvc.campaigns.sentences import KINDS

MOST_SIZES = 5
"""Sizes that a sentence lists at most."""


def format_sizes(parts: Sequence[int], alone: int) -> str:
    """Format sizes as `11,030 + 9,382`. Of many parts, list the largest and count the others."""
    shown = " + ".join(f"{size:,}" for size in parts[:MOST_SIZES]) or "no part"
    if more := len(parts) - MOST_SIZES:
        shown += (
            f" and {format_count(more, 'more part')} of {sum(parts[MOST_SIZES:]):,} accounts"
            if more > 0
            else ""
        )
    return shown + (f", {alone:,} alone" if alone else "")


def describe_holding(holding: Holding) -> str:
    """Describe a signal by its kind and key, with the number of its users."""
    more = f" and {len(holding.signals) - 1} that repeat it" if len(holding.signals) > 1 else ""
    kind = KINDS.get(holding.kind, holding.kind.replace("_", " "))
    others = f", and {format_count(holding.outside, 'other account')} do" if holding.outside else ""
    return f"{kind} {holding.signals[0]}{more} ({holding.bits:.1f} bits; {holding.accounts:,} accounts use it{others})"


def describe_parts(parts: Parts) -> list[str]:
    """Describe the parts of a cluster as it is."""
    lines = [f"{parts.members:,} accounts: {format_sizes(parts.sizes, parts.alone)}."]
    if parts.alone:
        lines.append(
            f"Alone means: nothing that would make a link connects {parts.alone:,} of them with another member; "
            "they belong by weaker evidence."
        )
    return lines


def describe_exclusion(before: Parts, after: Parts, what: str) -> list[str]:
    """Describe the parts of a cluster without something.

    Args:
        before: parts of the cluster as it is.
        after: parts of the rest.
        what: what is excluded, for example `1 signal`.
    """
    gone = before.members - after.members
    taken = f" ({format_count(gone, 'account')} taken out)" if gone else ""
    lines = [
        f"Without {what}{taken}: {format_sizes(before.sizes, before.alone)} → {format_sizes(after.sizes, after.alone)}."
    ]
    for part in after.parts:
        lines.append(_describe_part(part))
    if len(after.sizes) > len(after.parts):
        lines.append(f"And {format_count(len(after.sizes) - len(after.parts), 'smaller part')}.")
    return lines


def describe_anatomy(found: Anatomy) -> list[str]:
    """Describe the weak points of a cluster."""
    lines = [*describe_parts(found.parts)]
    for title, bridges in (("signal", found.signals), ("account", found.accounts)):
        if not bridges and found.every:
            lines.append(
                f"No single {title} is a bridge: whichever is left out, no part of the given size splits off."
            )
        elif not bridges:
            lines.append(f"No single {title} is all that connects a part of the given size with the rest.")
        lines += [_describe_bridge(bridge) for bridge in bridges]
    if found.strongest is not None:
        how = (
            "without it most splits off"
            if found.splits
            else "most bits times accounts; none parts anything by itself"
        )
        lines.append(f"Strongest ({how}): {describe_holding(found.strongest)}.")
    lines += (
        _describe_cut(found.cut)
        if found.cut
        else ["Nothing was found that would leave two parts of the given size with nothing between them."]
    )
    return lines


def _describe_cut(cut: EvidenceCut) -> list[str]:
    """Describe a cut, and the signals that go."""
    lines = [
        f"Smallest evidence cut found after which nothing ties two parts of {cut.least:,} or more: "
        f"{cut.bits:,.1f} bits in {format_count(cut.values, 'value')} and "
        f"{format_count(cut.uses, 'single use')}, "
        f"which leaves {format_sizes(cut.sizes, cut.alone)}. Of what goes, most holds:"
    ]
    shown = [f"  {describe_holding(each)}" for each in cut.signals]
    return lines + shown


def _describe_bridge(bridge: Bridge) -> str:
    """Describe what is left of a part without a bridge."""
    what = f"account {bridge.account}" if bridge.holding is None else describe_holding(bridge.holding)
    return f"Bridge: {what}; without it its part is {format_sizes(bridge.sizes, bridge.alone)}."


def _describe_part(part: Part) -> str:
    """Describe a part: its size, some accounts, its main values."""
    shared = "; ".join(describe_holding(each) for each in part.holds)
    return f"{part.size:,} accounts, such as {', '.join(part.accounts)}; held by {shared}."


def format_count(number: int, noun: str) -> str:
    """Format a count with its noun: `1 account`, `2 accounts`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
