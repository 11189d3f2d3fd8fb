"""Describe evidence in sentences: why an account belongs, why two accounts are linked, how a score came about.

The only place where bits become words, for the API and for exports alike. Sentences name signals by their keys, which
hold tokens in place of everything personal; they never hold more than the graph does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphsvc.campaigns.pins import PINNED
from graphsvc.model.clusters import PRIOR
from graphsvc.signals import kinds

SHOWN = 5
"""Families a summary names; what more there are it adds up."""
UNSEEN = 0.05
"""Bits that would be shown as 0.0."""

KINDS = {**{kind.name: kind.noun for kind in kinds.KINDS if kind.noun}, **kinds.DERIVED_NOUNS}
"""How sentences call a value, by kind. Any other kind is called by its name."""
FAMILIES = {
    "payment": "payment instrument",
    "network": "address",
    "prompt": "prompt template",
    "email": "e-mail pattern",
    "phone": "phone number",
}
"""Words for a family's values where no one value is named."""
PSEUDO = {
    PRIOR: ("before any evidence", "before any evidence"),
    "time": ("signed up in lockstep", "signed up apart from the others"),
    "rest": ("other evidence", "other evidence"),
    "names": ("has the names of one person with another member", "has another person's names"),
    PINNED: ("the same operator's as another member, a person says", "another operator's, a person says"),
}
"""Families without values: what they say for, and what against."""
CHANGED = {"time": "sign-up in lockstep", "rest": "other evidence"}
"""Words for pseudo-families in sentences about change."""
PARTS = {
    "shared": "shared infrastructure",
    "pooled": "concentration on what is shared",
    "domains": "e-mail domains of their own",
    "lockstep": "sign-ups in lockstep",
    "balance": "balanced load",
    "sleepless": "no daily cycle",
    "bursts": "joint bursts",
    "moves": "joint moves to new models",
    "succession": "replacement of the banned",
    "asked": "prompts from one list",
    "names": "names of one person",
    "declared": "declared organizations",
    "institution": "institutions' networks",
    "anonymous": "anonymous networks",
    "country": "countries",
    "per_payment": "members a payment instrument",
    "per_device": "members a device",
    "tied": "shared cards, devices and phone numbers",
    "later": "what came to be used later",
}
"""Parts of a score whose names don't say it themselves."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of one family: `bits` (negative: it speaks against), through `signal` (its key; '' = no one value).

    `sharers`: other members of the cluster with the signal; None: no one value, or not of a membership.
    """

    family: str
    bits: float
    signal: str = ""
    sharers: int | None = None


def unpacked(
    families: Sequence[str] | None,
    bits: Sequence[float] | None,
    signals: Sequence[str] | None,
    sharers: Sequence[int] | None = None,
) -> list[Evidence]:
    """Return the evidence in the parallel lists of a relationship, what adds most first; none if the run kept none."""
    if not families or bits is None or signals is None:
        return []
    counts = [None] * len(families) if sharers is None else sharers
    rows = [
        Evidence(family, weight, key, count if key else None)
        for family, weight, key, count in zip(families, bits, signals, counts, strict=True)
    ]
    return sorted(rows, key=lambda row: (-row.bits, row.family))


def family_of_member(evidence: Evidence) -> str:
    """Describe the evidence of one family for an account's membership."""
    return f"{_sentence_case(_member(evidence))} ({_signed(evidence.bits)} bits)."


def family_of_link(evidence: Evidence) -> str:
    """Describe the evidence of one family for a link."""
    return f"{_sentence_case(_link(evidence))} ({_signed(evidence.bits)} bits)."


def membership(probability: float, evidence: Sequence[Evidence]) -> str:
    """Describe why an account belongs to its cluster, and how surely (0–1)."""
    said = _weighed([(_member(row), row) for row in evidence])
    return f"Belongs with {_percent(probability)}{said}."


def link(bits: float, evidence: Sequence[Evidence]) -> str:
    """Describe why two accounts are linked, and with how many bits."""
    said = _weighed([(_link(row), row) for row in evidence])
    return f"Linked with {_signed(bits)} bits{said}."


def score(probability: float, parts: Iterable[tuple[str, float]]) -> str:
    """Describe how a cluster's score (0–1) follows from its parts (name, bits): the prior, then what adds most."""
    terms = sorted(parts, key=lambda part: (part[0] != PRIOR, -part[1], part[0]))
    if not terms:
        return f"Score {probability:.2f}; the run that found it kept no parts of it."
    said = " + ".join(f"{PARTS.get(name, _words(name))} {_signed(bits)}" for name, bits in terms)
    return f"Score {probability:.2f}: {said} = {_signed(sum(bits for _, bits in terms))} bits."


def change(before: Mapping[str, float], now: Mapping[str, float], least: float) -> list[str]:
    """Describe the evidence by family that an account gained and lost, in bits; changes below `least` are left out."""
    by = {name: now.get(name, 0.0) - before.get(name, 0.0) for name in before.keys() | now.keys()}
    said = []
    for word, sign in (("gained", 1.0), ("lost", -1.0)):
        rows = sorted(
            (-sign * bits, name) for name, bits in by.items() if sign * bits >= least and name != PRIOR
        )
        terms = [
            f"{CHANGED.get(name) or FAMILIES.get(name) or _words(name)} {_signed(by[name])}"
            for _, name in rows
        ]
        if terms:
            said.append(f"evidence {word}: {terms[0]} bits" + "".join(f", {term}" for term in terms[1:]))
    return said


def signal(key: str) -> str:
    """Return a signal's kind in words, and its key."""
    kind = key.partition(":")[0]
    return f"{KINDS.get(kind, _words(kind))} {key}"


def _member(row: Evidence) -> str:
    if row.signal and row.bits > 0.0:
        others = f" with {row.sharers:,} other member{'s' if row.sharers != 1 else ''}" if row.sharers else ""
        return f"shares {signal(row.signal)}{others}"
    return _valueless(row, "agrees in {}", "shares no {}")


def _link(row: Evidence) -> str:
    if row.signal and row.bits > 0.0:
        return f"both have {signal(row.signal)}"
    return _valueless(row, "both agree in {}", "have no {} in common")


def _valueless(row: Evidence, favour: str, against: str) -> str:
    if row.family in PSEUDO:
        return PSEUDO[row.family][row.bits < 0.0]
    return (favour if row.bits > 0.0 else against).format(FAMILIES.get(row.family, _words(row.family)))


def _weighed(said: Sequence[tuple[str, Evidence]]) -> str:
    """List what speaks for, what speaks against, and the prior; the first figure has its unit."""
    if not said:
        return "; the run that found it kept no evidence by family"
    rows = [(words, row.bits) for words, row in said if row.family != PRIOR and abs(row.bits) >= UNSEEN]
    favour = _listed(sorted((row for row in rows if row[1] > 0.0), key=lambda row: -row[1]))
    against = _listed(sorted((row for row in rows if row[1] < 0.0), key=lambda row: row[1]))
    prior = [f"prior {_signed(row.bits)} bits" for _, row in said if row.family == PRIOR]
    return ": " + "; ".join([*favour, *against, *prior]) if favour or against or prior else ""


def _listed(rows: list[tuple[str, float]]) -> list[str]:
    """Return one list in words, or nothing; its first figure has its unit, what is beyond `SHOWN` is added up."""
    if not rows:
        return []
    shown = [f"{words} ({_signed(bits)})" for words, bits in rows[:SHOWN]]
    shown[0] = f"{shown[0][:-1]} bits)"
    if more := rows[SHOWN:]:
        shown.append(f"{len(more)} more ({_signed(sum(bits for _, bits in more))})")
    return [", ".join(shown)]


def _percent(probability: float) -> str:
    # Rounding must not claim certainty.
    shown = f"{100.0 * probability:.1f} %"
    return {"100.0 %": "more than 99.9 %", "0.0 %": "less than 0.1 %"}.get(shown, shown)


def _signed(bits: float) -> str:
    """Format a number with one decimal and its sign, with a true minus."""
    # A rounded -0.04 would read as evidence against.
    shown = f"{bits:+.1f}"
    return ("+0.0" if shown == "-0.0" else shown).replace("-", "−")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
