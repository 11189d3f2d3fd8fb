"""Worlds of sign-up times and one kind of identifier that nobody declares: with whom each account deals."""

import numpy as np
import polars as pl

from seed.members import Members
from seed.profiles import Counterparties
from seed.scenario import Scenario
from seed.slots import layout, reuse, share_out
from seed.streams import Ints, Streams, between, key, zipf
from seed.tables import Everyone
from seed.text import tokens

KIND = "counterparty"


def identifiers(people: Everyone, streams: Streams, scenario: Scenario) -> pl.DataFrame:
    """`identifiers`: `account_id`, `kind` and `value` (strings), a row an account and counterparty."""
    anybody = round(scenario.counterparties_per_account * sum(len(m) for m in people.parts))
    dealt = [
        dealings(streams.rng("counterparties", m.name), m, anybody, scenario.counterparty_exponent)
        for m in people.parts
    ]
    value = tokens(np.concatenate([value for _, value in dealt]), people.salt(61))
    frame = pl.DataFrame({"account": people.rows([owner for owner, _ in dealt]), "value": value})
    rows = frame.unique().select("account", kind=pl.lit(KIND), value=pl.format("cp_{}", "value"))
    return people.finished(rows, "value")


def dealings(rng: np.random.Generator, members: Members, anybody: int, exponent: float) -> tuple[Ints, Ints]:
    """Owner and counterparty of each slot of a population, shape (slots,).

    Numbers below `anybody` are counterparties that anybody deals with, by popularity; others are the population's.
    """
    manners = members.profile.counterparties
    low, high = np.log(manners.rows[0]), np.log(manners.rows[1] + 1)
    counts = np.exp(between(rng, (low, high), len(members))).astype(np.int64)
    owner = np.repeat(np.arange(len(members)), counts)
    own = (key(members.name) << 29) + (1 << 28)
    value = own + np.arange(len(owner))
    pooled = rng.random(len(owner)) < reuse(rng, members, manners)[owner]
    known = ~pooled & (rng.random(len(owner)) < manners.popular)
    value[known] = zipf(rng, anybody, int(known.sum()), exponent)
    values = layout(members, manners)
    pool = _pool(rng, manners, int(values.count.sum()), anybody, key(members.name) << 29)
    value[pooled] = pool[share_out(rng, members, owner[pooled], manners, values)]
    return owner, value


def _pool(rng: np.random.Generator, manners: Counterparties, size: int, anybody: int, own: int) -> Ints:
    """The counterparties in all groups' pools, shape (size,)."""
    rare = rng.integers(anybody // 2, anybody, size)
    return np.where(rng.random(size) < manners.borrowed, rare, own + np.arange(size))
