"""The tables of a bundle, built from all populations. One function a table returns plain columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from graphsvc_lab.worlds import networks
from graphsvc_lab.worlds.markets import is_rented
from graphsvc_lab.worlds.members import ACTIVE, ROLES, STATUSES, Members
from graphsvc_lab.worlds.pools import COUNTRIES
from graphsvc_lab.worlds.profiles import Population
from graphsvc_lab.worlds.sessions import Payments, Sessions
from graphsvc_lab.worlds.streams import Bools, Floats, Ints, hash_names, mix_bits
from graphsvc_lab.worlds.text import LETTERS, make_tokens

TIME = pl.Datetime("us", "UTC")
PLANS = ("free", "plus", "pro", "team", "enterprise")


@dataclass(frozen=True, slots=True)
class Everyone:
    """All accounts of a world in the order of their sign-up: `place[p][i]` is the row of member i of population p."""

    parts: Sequence[Members]
    place: Sequence[Ints]
    ids: pl.Series
    seed: int

    def compute_salt(self, purpose: int) -> int:
        """Return a salt for this world and purpose (0–255). Worlds of different seeds share no opaque value."""
        return (self.seed << 8) + purpose

    def gather_rows(self, owners: Sequence[Ints]) -> pl.Series:
        """Return rows of the owners of all populations' parts, one after the other."""
        return pl.Series("account", np.concatenate([p[o] for p, o in zip(self.place, owners, strict=True)]))

    def finish_table(self, frame: pl.DataFrame, *order: str) -> pl.DataFrame:
        """Sort by account and `order`, and put the account's id where its row number was."""
        ordered = frame.sort("account", *order, maintain_order=True)
        ids = self.ids.gather(ordered["account"]).alias("account_id")
        return ordered.drop("account").insert_column(0, ids)


def build_everyone(parts: Sequence[Members], seed: int) -> Everyone:
    """Give all accounts numbers by sign-up, and meaningless ids."""
    numbers = np.concatenate([np.arange(len(p)) + (hash_names(p.name) << 28) for p in parts])
    created = np.concatenate([p.created for p in parts])
    order = np.lexsort((mix_bits(numbers, seed << 8), created))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    ids = make_tokens(numbers[order], salt=seed << 8)
    cuts = np.cumsum([len(p) for p in parts])[:-1]
    return Everyone(parts, np.split(place, cuts), pl.select(pl.lit("acct_") + ids).to_series(), seed)


def to_times(seconds: Ints) -> pl.Series:
    """Convert seconds since 1970 to UTC times."""
    return pl.Series(seconds * 1_000_000).cast(TIME)


def build_truth(people: Everyone, framed: Ints | None = None) -> pl.DataFrame:
    """Build the table `truth`: campaign, role and decoy of each account. The rows in `framed` are victims."""
    frames = []
    for members, place in zip(people.parts, people.place, strict=True):
        decoy = members.profile.decoy if isinstance(members.profile, Population) else None
        frames.append(
            pl.DataFrame({"account": place, "role": pl.Series(ROLES).gather(members.role)}).with_columns(
                campaign_id=pl.lit(members.name if members.campaign else None, dtype=pl.String),
                role=pl.when(pl.lit(members.campaign)).then("role"),
                decoy=pl.lit(decoy, dtype=pl.String),
            )
        )
    frame = pl.concat(frames).select("account", "campaign_id", "role", "decoy")
    if framed is not None:
        victim = pl.col("account").is_in(pl.Series(framed).implode())
        frame = frame.with_columns(decoy=pl.when(victim).then(pl.lit("framed")).otherwise("decoy"))
    return people.finish_table(frame)


def build_births(people: Everyone) -> pl.DataFrame:
    """Build `accounts` of a world without declared values: `account_id` and `created_at`."""
    created = to_times(np.concatenate([p.created for p in people.parts]))
    return people.finish_table(pl.DataFrame({"account": np.concatenate(people.place), "created_at": created}))


def build_accounts(
    people: Everyone,
    sessions: pl.DataFrame,
    identities: Sequence[pl.DataFrame],
    countries: Sequence[Ints],
    paid: Ints,
) -> pl.DataFrame:
    """Build the table `accounts`.

    `sessions` is that table's raw frame. Sign-up address, device and program are its first rows.
    """
    signup = sessions.unique("account", keep="first", maintain_order=True).select(
        "account", signup_ip="ip", signup_device="device", user_agent="user_agent"
    )
    status = np.concatenate([p.status for p in people.parts])
    ended = to_times(np.concatenate([p.ended for p in people.parts]))
    numbers = np.concatenate([np.arange(len(p)) + (hash_names(p.name) << 28) for p in people.parts])
    office = np.concatenate([np.full(len(p), p.profile.identity.organization >= 0.5) for p in people.parts])
    generous = mix_bits(numbers, people.compute_salt(21)) % np.uint64(10) < 3
    plan = np.where(paid == 0, 0, 1 + 2 * office + generous)
    frame = pl.DataFrame(
        {
            "account": np.concatenate(people.place),
            "created_at": to_times(np.concatenate([p.created for p in people.parts])),
            "status": pl.Series(STATUSES).gather(status),
            "status_changed_at": ended.zip_with(pl.Series(status != ACTIVE), pl.Series([None], dtype=TIME)),
            "plan": pl.Series(PLANS).gather(plan),
            "country": pl.Series([c.code for c in COUNTRIES]).gather(np.concatenate(countries)),
        }
    )
    frame = pl.concat([frame, pl.concat(identities)], how="horizontal")
    return people.finish_table(frame.join(signup, on="account", how="left", maintain_order="left"))


def build_sessions(
    people: Everyone, parts: Sequence[Sessions], space: networks.AddressSpace, agents: "Agents"
) -> pl.DataFrame:
    """Build `sessions` with row numbers for accounts. `Everyone.finish_table` makes it the table."""
    address = np.concatenate([s.address for s in parts])
    device = np.concatenate([_make_distinct(m, s.device) for m, s in zip(people.parts, parts, strict=True)])
    known = np.concatenate([s.known & ~s.scripted for s in parts])
    asn = space.find_asns(address)
    logged = mix_bits(address, 3) % np.uint64(10) > 0  # one address in ten comes without its system's number
    frame = pl.DataFrame(
        {
            "account": people.gather_rows([s.owner for s in parts]),
            "ip": networks.format_addresses(address),
            "asn": pl.Series(asn).zip_with(pl.Series(logged), pl.Series([None], dtype=pl.Int64)),
            "device": _format_present("dev_", make_tokens(device, people.compute_salt(31)), known),
            "user_agent": agents.get_user_agents(device, np.concatenate([s.scripted for s in parts])),
            "first_seen": to_times(np.concatenate([s.first for s in parts])),
            "last_seen": to_times(np.concatenate([s.last for s in parts])),
            "requests": 1 + (mix_bits(address + device, 4) % np.uint64(40)).astype(np.int64),
        }
    )  # fmt: skip
    first = frame.sort("account", "first_seen", "ip", maintain_order=True)
    # An exporter has one row for each combination, with its first use.
    return first.unique(["account", "ip", "device", "user_agent"], keep="first", maintain_order=True)


def drop_programs(sessions: pl.DataFrame) -> pl.DataFrame:
    """Return `sessions` of an export without user agents: rows that differ in nothing else become one."""
    bare = sessions.with_columns(user_agent=pl.lit(None, dtype=pl.String))
    return bare.unique(["account", "ip", "device"], keep="first", maintain_order=True)


def build_payments(people: Everyone, parts: Sequence[Payments], countries: Sequence[Ints]) -> pl.DataFrame:
    """Build `payments` with row numbers for accounts. Instruments are tokens without a digit."""
    card = np.concatenate([_make_distinct(m, p.card) for m, p in zip(people.parts, parts, strict=True)])
    kinds = [
        pl.Series(list(m.profile.cards.kinds), dtype=pl.String).gather(p.kind)
        for m, p in zip(people.parts, parts, strict=True)
    ]
    # People's cards come from their first payer's country; each country has some issuers, a few of them large.
    # Campaigns buy theirs from anywhere, eight of one issuer at a time.
    bought = np.concatenate(
        [np.full(len(p.card), m.campaign) for m, p in zip(people.parts, parts, strict=True)]
    )
    _, at, place = np.unique(card, return_index=True, return_inverse=True)
    home = np.concatenate([c[p.owner] for c, p in zip(countries, parts, strict=True)])[at][place]
    anywhere = (mix_bits(card // 8, people.compute_salt(8)) % np.uint64(len(COUNTRIES))).astype(np.int64)
    country = np.where(bought, anywhere, home)
    u = mix_bits(np.where(bought, card // 8, card), people.compute_salt(9)) / 2.0**64
    # The square favours low numbers: a few issuers are large.
    issuer = (u**2 * 40).astype(np.int64)
    return pl.DataFrame(
        {
            "account": people.gather_rows([p.owner for p in parts]),
            "instrument": pl.select(
                pl.lit("pi_") + make_tokens(card, people.compute_salt(41), LETTERS)
            ).to_series(),
            "kind": pl.concat(kinds),
            "bin": pl.Series(900_000 + country * 100 + issuer).cast(pl.String),
            "issuer_country": pl.Series([c.code for c in COUNTRIES]).gather(country),
            "first_seen": to_times(np.concatenate([p.first for p in parts])),
            "last_seen": to_times(np.concatenate([p.last for p in parts])),
            "payments": 1 + (mix_bits(card, 5) % np.uint64(6)).astype(np.int64),
        }
    ).with_columns(bin=pl.when(pl.col("kind").is_in(["card", "prepaid"])).then("bin"))


def build_identifiers(
    people: Everyone, parts: Sequence[Sessions], codes: Sequence[tuple[Ints, pl.Series]], agents: "Agents"
) -> pl.DataFrame:
    """Build `identifiers` with row numbers for accounts: TLS fingerprints of programs, and referral codes."""
    owners, values = [], []
    for members, s in zip(people.parts, parts, strict=True):
        seen = np.flatnonzero(
            (np.diff(s.owner, prepend=-1) != 0)
            & (mix_bits(s.owner, hash_names(members.name)) % np.uint64(2) == 0)
        )
        owners.append(s.owner[seen])
        values.append(agents.get_handshakes(members, s, seen))
    referral_owners = people.gather_rows([o for o, _ in codes])
    tls_owners = people.gather_rows(owners)
    handshake = make_tokens(np.concatenate(values), people.compute_salt(51))
    return pl.DataFrame(
        {
            "account": pl.concat([tls_owners, referral_owners]),
            "kind": ["tls_fingerprint"] * len(tls_owners) + ["referral_code"] * len(referral_owners),
            "value": pl.concat([pl.select(pl.lit("t13d_") + handshake).to_series(), *(c for _, c in codes)]),
        }
    )


class Agents:
    """User agents and TLS fingerprints as functions of a device. A few are far more frequent than the others."""

    def __init__(self, browsers: Sequence[str], programs: Sequence[str]) -> None:
        self._all = pl.Series([*browsers, *programs])
        self._browsers = len(browsers)
        self._browser_ladder, self._program_ladder = (
            _build_ladder(len(browsers)),
            _build_ladder(len(programs)),
        )

    def choose_programs(self, device: Ints, scripted: Bools) -> Ints:
        """Return the number of the program seen with each device."""
        u = mix_bits(device, 61) / 2.0**64
        program = (
            np.minimum(np.searchsorted(self._program_ladder, u), len(self._program_ladder) - 1)
            + self._browsers
        )
        browser = np.minimum(np.searchsorted(self._browser_ladder, u), self._browsers - 1)
        return np.where(scripted, program, browser).astype(np.int64)

    def get_user_agents(self, device: Ints, scripted: Bools) -> pl.Series:
        """Return the user agent seen with each device."""
        return self._all.gather(self.choose_programs(device, scripted))

    def get_handshakes(self, members: Members, s: Sessions, rows: Ints) -> Ints:
        """Return the number of the TLS fingerprint of some sessions: four versions of a program share one."""
        common = self.choose_programs(_make_distinct(members, s.device[rows]), s.scripted[rows]) // 4
        own = mix_bits(s.owner[rows], 71) / 2.0**64 < members.profile.devices.custom_client
        return np.where(
            own & s.scripted[rows], (hash_names(members.name) << 20) + members.group[s.owner[rows]], common
        )


def _build_ladder(values: int) -> Floats:
    cumulative: Floats = np.cumsum(np.arange(1, values + 1, dtype=float) ** -0.8)
    shares: Floats = cumulative / cumulative[-1]
    return shares


def _make_distinct(members: Members, values: Ints) -> Ints:
    """Make numbers of a population distinct from those of the others (negative ones are its pools').

    Rented values keep their number, which is the same for all renters.
    """
    return np.where(is_rented(values), values, (hash_names(members.name) << 29) + (1 << 28) + values)


def _format_present(prefix: str, values: pl.Series, present: Bools) -> pl.Series:
    frame = pl.DataFrame({"value": values, "present": present})
    return frame.select(pl.when("present").then(pl.lit(prefix) + pl.col("value"))).to_series()
