"""Worlds of sign-up times and one undeclared kind of identifier: the counterparties of each account."""

import numpy as np
import polars as pl

from graphsvc_lab.worlds.members import Members
from graphsvc_lab.worlds.profiles import Counterparties
from graphsvc_lab.worlds.scenario import Kind, Scenario
from graphsvc_lab.worlds.sessions import draw_stays
from graphsvc_lab.worlds.slots import MOST_SLOTS, assign_values, build_layout, draw_reuse
from graphsvc_lab.worlds.streams import Ints, Streams, draw_between, draw_zipf, hash_names
from graphsvc_lab.worlds.tables import Everyone, to_times
from graphsvc_lab.worlds.text import make_tokens

KIND = "counterparty"


def build_identifiers(people: Everyone, streams: Streams, scenario: Scenario) -> pl.DataFrame:
    """Build the table `identifiers`, a row an account and counterparty.

    Returns:
        `account_id`, `kind` and `value`, strings.
    """
    common = round(scenario.counterparties_per_account * sum(len(m) for m in people.parts))
    dealt = [
        draw_dealings(
            streams.rng("counterparties", m.name),
            m,
            m.profile.counterparties,
            common,
            scenario.counterparty_exponent,
        )
        for m in people.parts
    ]
    value = make_tokens(np.concatenate([value for _, value in dealt]), people.compute_salt(61))
    frame = pl.DataFrame({"account": people.gather_rows([owner for owner, _ in dealt]), "value": value})
    rows = frame.unique().select("account", kind=pl.lit(KIND), value=pl.format("cp_{}", "value"))
    return people.finish_table(rows, "value")


def build_undeclared(people: Everyone, streams: Streams, name: str, kind: Kind) -> pl.DataFrame:
    """Build the rows of one kind of identifier of a full world, with row numbers for accounts.

    Args:
        people: All accounts.
        streams: The world's random streams.
        name: The kind.
        kind: How popular its values are, and whether the export has times.

    Returns:
        `account` (row number), `kind`, `value`, and, if the kind is timed, `first_seen`, `last_seen` and
        `count`.
    """
    common = max(1, round(kind.per_account * sum(len(m) for m in people.parts)))
    frames = []
    for members, place in zip(people.parts, people.place, strict=True):
        manners = members.profile.identifiers.get(name)
        if manners is None:
            continue
        rng = streams.rng("identifiers", name, members.name)
        owner, value = draw_dealings(rng, members, manners, common, kind.exponent)
        having = (rng.random(len(members)) < manners.have)[owner]
        owner, value = owner[having], value[having]
        frame = pl.DataFrame({"account": place[owner], "number": value})
        if kind.timed:
            first, last = draw_stays(rng, members, owner)
            frame = frame.with_columns(to_times(first).alias("first_seen"), to_times(last).alias("last_seen"))
            frame = frame.with_columns(pl.Series("count", rng.geometric(0.3, len(owner))).cast(pl.Int64))
        frames.append(frame.unique(["account", "number"], keep="first", maintain_order=True))
    if not frames:
        return pl.DataFrame(schema={"account": pl.Int64, "kind": pl.String, "value": pl.String})
    rows = pl.concat(frames)
    opaque = make_tokens(rows["number"].to_numpy(), people.compute_salt(62) ^ (hash_names(name) << 8))
    made = rows.with_columns(kind=pl.lit(name), value=pl.lit(f"{name[:3]}_") + opaque)
    return made.select(
        "account", "kind", "value", *(c for c in rows.columns if c not in ("account", "number"))
    )


def draw_dealings(
    rng: np.random.Generator, members: Members, manners: Counterparties, common: int, exponent: float
) -> tuple[Ints, Ints]:
    """Draw owner and counterparty of each slot of a population, shape (slots,).

    Numbers below `common` are counterparties of all people, by popularity. Others are the population's.
    """
    low, high = np.log(manners.rows[0]), np.log(manners.rows[1] + 1)
    counts = np.exp(draw_between(rng, (low, high), len(members))).astype(np.int64)
    if members.busy is not None:
        counts = 1 + np.minimum(counts * members.busy, MOST_SLOTS).astype(np.int64)
    owner = np.repeat(np.arange(len(members)), counts)
    # The name's hash in the high bits keeps the numbers of two populations apart.
    own = (hash_names(members.name) << 29) + (1 << 28)
    value = own + np.arange(len(owner))
    pooled = rng.random(len(owner)) < draw_reuse(rng, members, manners)[owner]
    known = ~pooled & (rng.random(len(owner)) < manners.popular)
    value[known] = draw_zipf(rng, common, int(known.sum()), exponent)
    sharers = members.group_for(manners)
    values = build_layout(sharers, manners)
    pool = _draw_pool(rng, manners, int(values.count.sum()), common, hash_names(members.name) << 29)
    value[pooled] = pool[assign_values(rng, sharers, owner[pooled], manners, values)]
    return owner, value


def _draw_pool(rng: np.random.Generator, manners: Counterparties, size: int, common: int, own: int) -> Ints:
    """Return the counterparties in all groups' pools, shape (size,)."""
    rare = rng.integers(common // 2, common, size)
    return np.where(rng.random(size) < manners.borrowed, rare, own + np.arange(size))
