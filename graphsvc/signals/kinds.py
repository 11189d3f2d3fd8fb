"""The signal kinds, each declared once. Adding a kind means adding a line to `KINDS`.

A kind says where its values come from in a bundle, how they are normalised, whether they are
tokenised before they leave the edge, how they stand in the graph, and how strongly sharing one
speaks for one operator.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from graphsvc.signals import normalise


@dataclass(frozen=True, slots=True)
class Source:
    """A column of a bundle table that holds values of a kind."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class SignalKind:
    """One kind of value that accounts can share.

    `family` groups kinds that are not independent of each other: within a family only the
    strongest agreement counts, families add. `prior_m` is the prior probability that two accounts
    of one campaign share a given value of their campaign's pool; `strength` scales the bits of a
    kind whose equality is known to be weak (0: it is evidence of what accounts declare, not of who
    runs them). A kind that does not `ties` supports a link but is not one of the values that make
    it. `hub_degree` caps the enumeration of account pairs,
    never the evidence: a value with more accounts yields no pairs by itself. A kind that is `sole` is one whose values
    strangers do not come to share, so that one makes a link. `coarse`: what is part of many, as a domain of addresses,
    which counts only where nothing finer of its family agrees. `words` gives what its values consist of, each
    hashed by itself, so that values can be compared that are not equal. `noun` is what sentences call a value, if not
    its name. Values of a `common` kind are shared by many strangers by nature, so loading does not report them as
    suspicious.
    """

    name: str
    label: str
    relationship: str
    family: str
    sources: tuple[Source, ...]
    normalise: Callable[[pl.Expr], pl.Expr]
    tokenised: bool
    prior_m: float = 0.2
    strength: float = 1.0
    ties: bool = True
    hub_degree: int = 200
    sole: bool = False
    coarse: bool = False
    words: Callable[[pl.Series], pl.DataFrame] | None = None
    noun: str = ""
    common: bool = False


KINDS: tuple[SignalKind, ...] = (
    SignalKind(
        "instrument", "PaymentInstrument", "PAID_WITH", "payment",
        (Source("payments", "instrument"),), normalise.strip_text, tokenised=True, sole=True,
        noun="payment instrument",
    ),
    SignalKind(
        "ip", "IpAddress", "SEEN_AT", "network",
        (Source("sessions", "ip"), Source("accounts", "signup_ip")), normalise.keep_value, tokenised=False,
        noun="address",
    ),
    SignalKind(
        "device", "Device", "USED_DEVICE", "device",
        (Source("sessions", "device"), Source("accounts", "signup_device")), normalise.strip_text, tokenised=True,
        sole=True,
    ),
    SignalKind(
        "user_agent", "Identifier", "HAS_IDENTIFIER", "client",
        (Source("sessions", "user_agent"), Source("accounts", "user_agent")), normalise.strip_text, tokenised=True,
        strength=0.5, ties=False,
        noun="client", common=True,
    ),
    SignalKind(
        "email_domain", "EmailDomain", "REGISTERED_WITH", "email",
        (Source("accounts", "email"),), normalise.normalize_email_domain, tokenised=False,
        strength=0.5, coarse=True,
        noun="e-mail domain", common=True,
    ),
    SignalKind(
        "email_handle", "EmailHandle", "REGISTERED_WITH", "email",
        (Source("accounts", "email"),), normalise.normalize_email_handle, tokenised=True,
        words=normalise.split_email,
        noun="e-mail pattern", common=True,
    ),
    SignalKind(
        "phone", "Phone", "REGISTERED_WITH", "phone",
        (Source("accounts", "phone"),), normalise.normalize_phone, tokenised=True, sole=True,
        noun="phone number",
    ),
    SignalKind(
        "display_name", "Identifier", "HAS_IDENTIFIER", "name",
        (Source("accounts", "display_name"),), normalise.normalize_name, tokenised=True,
        strength=0.5, ties=False, words=normalise.split_name,
        noun="name", common=True,
    ),
    SignalKind(
        "organization", "Identifier", "HAS_IDENTIFIER", "organization",
        (Source("accounts", "organization"),), normalise.normalize_name, tokenised=True,
        strength=0.0, ties=False,
        common=True,
    ),
    SignalKind(
        "prompt", "PromptBand", "SENT", "prompt",
        (Source("prompts", "text"), Source("prompts", "fingerprint")), normalise.keep_value, tokenised=True,
        noun="prompt template", common=True,
    ),
    # Everything an exporter has that no line above declares: `identifiers.kind` names it, and it
    # is a family of its own, with the default weights.
    SignalKind(
        "identifier", "Identifier", "HAS_IDENTIFIER", "identifier",
        (Source("identifiers", "value"),), normalise.strip_text, tokenised=True,
    ),
)  # fmt: skip

LEVELS: dict[str, tuple[str, str]] = {"ip": ("prefix", "system"), "instrument": ("bin", "")}
"""Kinds that linkage derives from what a signal is part of: of its parent, of its grandparent. They are in no bundle,
are of their kind's family. None ties, but the prefix of an address where servers are rented
(`linkage.prefixes.RENTED`)."""

DERIVED: dict[str, str] = {name: kind for kind, names in LEVELS.items() for name in names if name}
"""Kind that each derived kind comes from."""

DERIVED_NOUNS: dict[str, str] = {"prefix": "address range", "system": "network", "bin": "card number range"}
"""How sentences call a value of each derived kind."""

BY_NAME: dict[str, SignalKind] = {kind.name: kind for kind in KINDS}
INFRASTRUCTURE = ("payment", "device", "phone", "network")
"""Families that strangers do not come to share by taking the same course or copying the same prompt."""


def kind_of(name: str) -> SignalKind:
    """Return the declaration of `name`.

    An undeclared identifier kind gets the default one, a derived kind its origin's.
    """
    return BY_NAME.get(DERIVED.get(name, name), BY_NAME["identifier"])


def split_key() -> tuple[pl.Expr, pl.Expr]:
    """Return the kind and the value that the column `key` names."""
    parts = pl.col("key").str.splitn(":", 2).struct
    return parts.field("field_0"), parts.field("field_1")


def family_of(name: str) -> str:
    """Return the family of a kind; an undeclared kind is its own family."""
    name = DERIVED.get(name, name)
    return BY_NAME[name].family if name in BY_NAME else name


def level_of(name: str) -> int:
    """Return 0 for a value itself, 1 for what it is part of, 2 for what that is part of."""
    if name in DERIVED:
        return 1 + LEVELS[DERIVED[name]].index(name)
    return int(kind_of(name).coarse)


def family_ties(name: str) -> bool:
    """Return whether sharing a value of the family can link accounts, or only support other links."""
    kinds = [kind for kind in KINDS if kind.family == name]
    return any(kind.ties for kind in kinds) or not kinds
