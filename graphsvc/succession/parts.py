"""Name the parts of a pair's odds, and say them in a sentence."""

from graphsvc.campaigns.sentences import FAMILIES

NAMED_BITS = 1.0
"""Bits from which a sentence names a family as taken over."""
MOMENT, TRAFFIC, PRIOR, CHANCE, RIVALS = "moment", "traffic", "prior", "chance", "rivals"
"""Parts that are no families of values.

`moment`: when the account was made. `traffic`: likeness of its traffic. `prior`: choice among all others, and
how often banned accounts are replaced. `chance`: what permuted births match. `rivals`: claims of other new
accounts on the same predecessor."""


def write_sentence(delay: float, parts: dict[str, float], probability: float) -> str:
    """Write one sentence, naming families of `NAMED_BITS` or more."""
    pseudo = (MOMENT, TRAFFIC, PRIOR, CHANCE, RIVALS)
    named = [
        f"{FAMILIES.get(name, name.replace('_', ' '))} ({bits:+.1f} bits)"
        for name, bits in parts.items()
        if name not in pseudo and bits >= NAMED_BITS
    ]
    taken = f"with the same {', '.join(named)}" if named else "with nothing rare in common"
    over = "; it took up its traffic" if parts.get(TRAFFIC, 0.0) >= NAMED_BITS else ""
    return f"made {delay:.0f} hours after the other was stopped, {taken}{over}: {probability:.0%} likely to follow it"
