"""Framing: campaigns that make legitimate accounts look like theirs, and the rows that this adds to tables.

Frames have account rows of `Everyone` in the column `account`, as tables do until they are finished.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from graphsvc_lab.worlds.clock import HOUR
from graphsvc_lab.worlds.members import ACTIVE
from graphsvc_lab.worlds.pools import COUNTRIES
from graphsvc_lab.worlds.scenario import Framing
from graphsvc_lab.worlds.streams import Bools, Ints, mix_bits
from graphsvc_lab.worlds.tables import Everyone, to_times
from graphsvc_lab.worlds.text import LETTERS, make_tokens

ADDRESS, DEVICE, REFERRAL, CARD = range(4)
_CROWD = 3
"""Accounts of a school at an address that makes it the school's and nobody's home."""
_HITS = {
    "way": pl.Int64, "victim": pl.Int64, "attacker": pl.Int64, "card": pl.Int64,
    "at": pl.Int64, "used": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frame:
    """The plan of a framing.

    - `victims`: account rows, ascending.
    - `hits`: a row for each victim, way and attacker: `way` (0–3), `victim` and `attacker` (account rows),
      `card` (-1 unless
      the way is a prepaid card), `at` (when the attacker did it) and `used` (when the victim paid with that
      card), in seconds since 1970.
    - `campus`: `account` and `at` of attackers that are seen at a school.
    - `schools`: rows of the schools' accounts.
    """

    victims: Ints
    hits: pl.DataFrame
    campus: pl.DataFrame
    schools: Ints


def create_empty() -> Frame:
    """Return a plan without victims, which changes no table."""
    nothing = np.empty(0, dtype=np.int64)
    return Frame(
        nothing, pl.DataFrame(schema=_HITS), pl.DataFrame({"account": nothing, "at": nothing}), nothing
    )


def plan_framing(
    rng: np.random.Generator, people: Everyone, framing: Framing, sessions: pl.DataFrame, end: int
) -> Frame:
    """Draw victims among the active legitimate accounts, ways, and attackers among the active members of campaigns.

    A victim is framed by one campaign, drawn by its number of willing members, in distinct ways. A victim
    without a recorded device in `sessions` (columns `account` and `device`) is visited at its address
    instead.
    """
    part, created, active = _collect_facts(people)
    hostile = np.array([p.campaign for p in people.parts])[part]
    honest = np.flatnonzero(active & ~hostile)
    # No more than there are: in a small world few honest accounts are active.
    wanted = min(round(framing.victims * int((~hostile).sum())), len(honest))
    victims = np.sort(rng.choice(honest, wanted, replace=False))
    willing = np.flatnonzero(active & hostile & (rng.random(len(part)) < framing.members))
    if len(willing) == 0 or wanted == 0:
        return create_empty()
    willing = rng.permutation(willing)
    # Shuffled, then sorted by campaign with a stable sort: members of a campaign are in random order.
    willing = willing[np.argsort(part[willing], kind="stable")]
    # Drawn by member, so a campaign frames in proportion to its size.
    by = part[willing[rng.integers(0, len(willing), wanted)]]

    # Ranks of random numbers: each row is a random order of the four ways, and the first few are taken.
    chosen = rng.random((wanted, 4)).argsort(axis=1).argsort(axis=1)
    victim, way = np.nonzero(chosen < rng.integers(framing.ways[0], framing.ways[1] + 1, wanted)[:, None])
    with_device = sessions.drop_nulls("device")["account"].unique().to_numpy()
    lacking = (way == DEVICE) & ~np.isin(victims[victim], with_device)
    way = np.where(lacking, ADDRESS, way)
    # A victim without a device that was to be visited anyway is visited once.
    pairs = np.unique(victim * 4 + way)
    victim, way = pairs // 4, pairs % 4

    # Bounds of each campaign's willing members, which lie side by side.
    first, count = (np.searchsorted(part[willing], by, side=s) for s in ("left", "right"))
    count = count - first
    attackers = np.minimum(
        rng.integers(framing.attackers[0], framing.attackers[1] + 1, len(victim)), count[victim]
    )
    row = np.repeat(np.arange(len(victim)), attackers)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(attackers) - attackers, attackers)
    start = (rng.random(len(victim)) * count[victim]).astype(np.int64)
    # Distinct attackers from a random start, round the campaign's members.
    attacker = willing[first[victim[row]] + (start[row] + nth) % count[victim[row]]]
    card = np.where(way == CARD, _assign_cards(rng, victim, way, by, framing), -1)
    used = _draw_moments(rng, created[victims[victim]], end)
    framed = victims[victim[row]]
    hits = pl.DataFrame(
        {
            "way": way[row],
            "victim": framed,
            "attacker": attacker,
            "card": card[row],
            "at": _draw_moments(rng, np.maximum(created[attacker], created[framed]), end),
            "used": used[row],
        },
        schema=_HITS,
    )
    visitors = willing[rng.random(len(willing)) < framing.campus]
    campus = pl.DataFrame({"account": visitors, "at": _draw_moments(rng, created[visitors], end)})
    schools = [
        place
        for members, place in zip(people.parts, people.place, strict=True)
        if not members.campaign and "education" in members.profile.addresses.networks
    ]
    return Frame(victims, hits, campus, np.concatenate([victims[:0], *schools]))


def add_sessions(frame: Frame, rows: pl.DataFrame) -> pl.DataFrame:
    """Add a session for each visit, each use of a device and each day at a school.

    A visitor keeps its own program and device, a borrower of a device its own address.
    """
    if frame.hits.is_empty():
        return rows
    own = rows.unique("account", keep="first", maintain_order=True)
    devices = rows.drop_nulls("device").unique("account", keep="first", maintain_order=True)
    where, what = ["ip", "asn"], ["device", "user_agent"]
    hits = frame.hits.rename({"attacker": "account"})
    visits = hits.filter(pl.col("way") == ADDRESS).join(_find_homes(rows, frame.victims), on="victim")
    borrowed = hits.filter(pl.col("way") == DEVICE).join(_select_for_victim(devices, what), on="victim")
    crowded = rows.filter(pl.col("account").is_in(pl.Series(frame.schools).implode()))
    crowded = crowded.filter(pl.col("account").n_unique().over("ip") >= _CROWD).select(where)
    parts = [
        visits.join(own.select("account", *what), on="account"),
        borrowed.join(own.select("account", *where), on="account"),
    ]
    if crowded.height:
        # A hash instead of a draw: this function must not move the stream of random numbers.
        some = mix_bits(frame.campus["account"].to_numpy(), 7) % np.uint64(crowded.height)
        at_school = pl.concat([frame.campus, crowded[some.astype(np.int64)]], how="horizontal")
        parts.append(at_school.join(own.select("account", *what), on="account"))
    added = [
        _add_moment(part).with_columns(requests=pl.lit(1, dtype=pl.Int64)).select(rows.columns)
        for part in parts
    ]
    return pl.concat([rows, *added]).sort("account", "first_seen", "ip", maintain_order=True)


def add_payments(frame: Frame, rows: pl.DataFrame, salt: int) -> pl.DataFrame:
    """Add one payment for each user of a shared prepaid card.

    Victims with a common card are framed by the same few attackers: those of one of them.
    """
    hits = frame.hits.filter(pl.col("way") == CARD)
    if hits.is_empty():
        return rows
    users = pl.concat([
        hits.filter(pl.col("victim") == pl.col("victim").first().over("card")).select("card", "at", account="attacker"),
        hits.select("card", account="victim", at="used").unique(maintain_order=True).select("card", "at", "account"),
    ]).unique(["card", "account"], keep="first", maintain_order=True)  # fmt: skip
    card = users["card"].to_numpy()
    country = (mix_bits(card, salt) % np.uint64(len(COUNTRIES))).astype(np.int64)
    issuer = (mix_bits(card, salt + 256) % np.uint64(40)).astype(np.int64)
    added = _add_moment(users).with_columns(
        pl.Series("instrument", make_tokens(card, salt, LETTERS)).str.replace("^", "pi_"),
        pl.Series("bin", 900_000 + country * 100 + issuer).cast(pl.String),
        pl.Series("issuer_country", [c.code for c in COUNTRIES]).gather(country),
        kind=pl.lit("prepaid"),
        payments=pl.lit(1, dtype=pl.Int64),
    )
    return pl.concat([rows, added.select(rows.columns)])


def add_identifiers(frame: Frame, rows: pl.DataFrame, salt: int) -> pl.DataFrame:
    """Add a referral code of each victim, and the accounts that came with it."""
    hits = frame.hits.filter(pl.col("way") == REFERRAL)
    if hits.is_empty():
        return rows
    users = pl.concat([
        hits.select("victim", account="attacker"), hits.select("victim", account="victim").unique(maintain_order=True)
    ])  # fmt: skip
    code = make_tokens(users["victim"].to_numpy(), salt, LETTERS).str.slice(0, 10).str.to_uppercase()
    added = users.with_columns(kind=pl.lit("referral_code"), value=code)
    return pl.concat([rows, added.select(rows.columns)])


def _collect_facts(people: Everyone) -> tuple[Ints, Ints, Bools]:
    """Return part, time of sign-up and whether active, of each account row."""
    place = np.concatenate(people.place)
    part, created, active = (np.empty(len(place), dtype=np.int64) for _ in range(3))
    part[place] = np.repeat(np.arange(len(people.parts)), [len(p) for p in people.parts])
    created[place] = np.concatenate([p.created for p in people.parts])
    active[place] = np.concatenate([p.status for p in people.parts]) == ACTIVE
    return part, created, active.astype(bool)


def _assign_cards(rng: np.random.Generator, victim: Ints, way: Ints, by: Ints, framing: Framing) -> Ints:
    """Assign a card to each victim (with its `way`) that some victims of the same campaign have in common."""
    cards = np.full(len(victim), -1, dtype=np.int64)
    prepaid = rng.permutation(np.flatnonzero(way == CARD))
    prepaid = prepaid[np.argsort(by[victim[prepaid]], kind="stable")]
    low, high = framing.victims_per_card
    # Batches of random sizes; a batch that crosses campaigns is split by the pair of campaign and batch
    # below.
    ends = np.cumsum(rng.integers(low, high + 1, len(prepaid)))
    batch = np.searchsorted(ends, np.arange(len(prepaid)), side="right")
    _, number = np.unique(np.stack([by[victim[prepaid]], batch]), axis=1, return_inverse=True)
    cards[prepaid] = number.ravel()
    return cards


def _draw_moments(rng: np.random.Generator, earliest: Ints, end: int) -> Ints:
    """Draw a time after each of `earliest`, before the world's end."""
    return earliest + 1 + (rng.random(len(earliest)) * (end - HOUR // 2 - earliest)).astype(np.int64)


def _find_homes(rows: pl.DataFrame, victims: Ints) -> pl.DataFrame:
    """Find `ip` and `asn` of each victim where fewest others are seen: at home, not behind a carrier's gateway."""
    users = rows.select("account", "ip").unique().group_by("ip").len("users")
    theirs = rows.filter(pl.col("account").is_in(pl.Series(victims).implode()))
    # Fewest users first: the address that is most the victim's own.
    theirs = theirs.join(users, on="ip", maintain_order="left").sort("account", "users", maintain_order=True)
    return _select_for_victim(theirs.unique("account", keep="first", maintain_order=True), ["ip", "asn"])


def _select_for_victim(rows: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    return rows.select(pl.col("account").alias("victim"), *columns)


def _add_moment(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` with `first_seen` and `last_seen` at the time `at`."""
    moment = to_times(rows["at"].to_numpy())
    return rows.with_columns(moment.alias("first_seen"), moment.alias("last_seen"))
