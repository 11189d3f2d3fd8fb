"""Declared identity: names, e-mail addresses, phones, organizations, and the undeclared referral codes."""

import numpy as np
import polars as pl

from graphsvc_lab.worlds.markets import draw_offers, get_stock_places, is_rented
from graphsvc_lab.worlds.members import Members
from graphsvc_lab.worlds.pools import CONSONANTS, COUNTRIES, DISPOSABLE, FREEMAIL, VOWELS, Pools, to_plain
from graphsvc_lab.worlds.profiles import Identity
from graphsvc_lab.worlds.slots import fill_slots, rent_in_passing
from graphsvc_lab.worlds.streams import Bools, Ints, draw_zipf, hash_names, mix_bits, pick_indices
from graphsvc_lab.worlds.text import LETTERS, make_tokens


class Names:
    """The pools of names as columns, with what handles and domains make of them."""

    def __init__(self, pools: Pools) -> None:
        self.first, self.last = pl.Series(pools.first_names), pl.Series(pools.last_names)
        self.companies = pl.Series(pools.companies)
        self.plain_first = pl.Series([to_plain(n) for n in pools.first_names])
        self.plain_last = pl.Series([to_plain(n) for n in pools.last_names])
        self.plain_companies = pl.Series([to_plain(n) for n in pools.companies])
        syllables = [c + v for c in CONSONANTS for v in VOWELS]
        self.syllables = pl.Series(syllables)
        self.freemail, self.disposable = pl.Series(FREEMAIL), pl.Series(DISPOSABLE)


def draw_identities(rng: np.random.Generator, members: Members, names: Names, country: Ints) -> pl.DataFrame:
    """Draw `email`, `phone`, `display_name` and `organization` of each member (strings, null where not given).

    `country` holds indices into `COUNTRIES`.
    """
    manners = members.profile.identity
    n = len(members)
    first = draw_zipf(rng, len(names.first), n, manners.name_skew)
    last = _draw_surnames(rng, members, manners, len(names.last))
    company = _draw_companies(rng, members, len(names.companies))
    handle = _draw_handles(rng, names, first, last, rng.random(n) < manners.generated_handles)
    domain = _draw_domains(rng, members, names, last, company)
    employed = rng.random(n) < manners.organization
    suffix = pl.Series(company // len(names.companies) + 1).cast(pl.String)
    return pl.DataFrame(
        {
            "handle": handle, "domain": domain, "phone": _draw_phones(rng, members, country),
            "first": names.first.gather(first), "last": names.last.gather(last),
            "company": names.companies.gather(company % len(names.companies)), "suffix": suffix,
            "employed": employed, "named": rng.random(n) < manners.display_name,
        }
    ).select(
        email=pl.format("{}@{}", "handle", "domain"),
        phone="phone",
        display_name=pl.when("named").then(pl.format("{} {}", "first", "last")),
        organization=pl.when("employed").then(
            pl.when(pl.col("suffix") == "1").then("company").otherwise(pl.format("{} {}", "company", "suffix"))
        ),
    )  # fmt: skip


def draw_referrals(rng: np.random.Generator, members: Members) -> tuple[Ints, pl.Series]:
    """Draw owners and codes of the identifier kind `referral_code`. Most people have none."""
    pool = members.profile.identity.referrals
    filled, pooled = fill_slots(rng, members, np.arange(len(members)), pool, np.arange(len(members)))
    salt = int(rng.integers(2**32))
    filled = rent_in_passing(rng, members, pool, filled, ~pooled, members.created)
    given = pooled | is_rented(filled)
    code = make_tokens(_make_distinct(members, filled[given]), salt, LETTERS)
    # Rented codes have no salt, so that they are the same in all campaigns that rent them.
    code = code.zip_with(pl.Series(~is_rented(filled[given])), make_tokens(filled[given], 0, LETTERS))
    return np.flatnonzero(given), code.str.slice(0, 10).str.to_uppercase()


def _draw_surnames(rng: np.random.Generator, members: Members, manners: Identity, available: int) -> Ints:
    own = draw_zipf(rng, available, len(members), manners.name_skew)
    # Drawn for each group even where names are not shared, so that the number of draws does not depend on
    # manners.
    family = draw_zipf(rng, available, members.groups, manners.name_skew)[members.group]
    return np.where(rng.random(len(members)) < manners.same_surname, family, own)


def _draw_companies(rng: np.random.Generator, members: Members, available: int) -> Ints:
    """Draw a company for each group that has a domain of its own, and for each member of the others."""
    if members.campaign or members.profile.identity.email.get("group_domain", 0) == 0:
        # Four times as many companies as names: the rest gets a number as suffix.
        return rng.integers(0, available * 4, len(members))
    return (int(rng.integers(available)) + np.arange(members.groups))[members.group]


def _draw_handles(
    rng: np.random.Generator, names: Names, first: Ints, last: Ints, generated: Bools
) -> pl.Series:
    n = len(first)
    frame = pl.DataFrame(
        {
            "first": names.plain_first.gather(first), "last": names.plain_last.gather(last),
            "digits": pl.Series(rng.integers(1, 3000, n)).cast(pl.String), "style": rng.integers(0, 6, n),
            "generated": generated,
            **{f"s{i}": names.syllables.gather(rng.integers(0, len(names.syllables), n)) for i in range(4)},
        }
    ).with_columns(initial=pl.col("first").str.slice(0, 1))  # fmt: skip
    style = pl.col("style")
    made_up = pl.concat_str("s0", "s1", "s2", "s3", "digits")
    named = (
        pl.when(style == 0).then(pl.concat_str("first", pl.lit("."), "last"))
        .when(style == 1).then(pl.concat_str("first", "last", "digits"))
        .when(style == 2).then(pl.concat_str("initial", pl.lit("."), "last", "digits"))
        .when(style == 3).then(pl.concat_str("last", pl.lit("."), "first"))
        .when(style == 4).then(pl.concat_str("first", pl.lit("_"), "digits"))
        .otherwise(pl.concat_str("initial", "last", pl.lit("+"), "digits"))
    )  # fmt: skip
    return frame.select(pl.when("generated").then(made_up).otherwise(named)).to_series()


def _draw_domains(
    rng: np.random.Generator, members: Members, names: Names, last: Ints, company: Ints
) -> pl.Series:
    """Draw the part after the @. All domains are under the reserved top-level domain `example` (RFC 2606)."""
    n, email = len(members), members.profile.identity.email
    choices = {
        "freemail": names.freemail.gather(draw_zipf(rng, len(names.freemail), n, 0.9)),
        "disposable": names.disposable.gather(rng.integers(0, len(names.disposable), n)),
        "own_domain": _build_domain(names.plain_last.gather(last), rng.integers(0, 40, n)),
        "family_domain": _build_family_domains(members, names, last),
        "group_domain": _draw_group_domains(rng, members, names, company),
        "client_domain": _build_domain(names.plain_companies.gather(company % len(names.companies)), company),
    }
    if "market_domain" in email:
        choices["market_domain"] = _draw_rented_domains(rng, members, names)
    # All kinds are drawn for all members, and one is picked: vectors are faster here than a loop over kinds.
    which = pick_indices(rng, email, n)
    return pl.concat([choices[kind] for kind in email]).gather(which * n + np.arange(n))


def _build_family_domains(members: Members, names: Names, last: Ints) -> pl.Series:
    """Build one domain a group, named after its first member's surname."""
    # `unique` sorts by group, so row i belongs to group i.
    _, first = np.unique(members.group, return_index=True)
    number = (mix_bits(np.arange(members.groups), hash_names(members.name)) % np.uint64(900)).astype(np.int64)
    return _build_domain(names.plain_last.gather(last[first]), number).gather(members.group)


def _draw_group_domains(rng: np.random.Generator, members: Members, names: Names, company: Ints) -> pl.Series:
    """Draw group domains. An office has its company's; a campaign buys some, each of meaningless syllables."""
    if not members.campaign:
        number = company // len(names.companies)
        return _build_domain(names.plain_companies.gather(company % len(names.companies)), number)
    # At least one domain, also for a campaign smaller than a domain's usual number of members.
    bought = int(np.ceil(len(members) / members.profile.identity.members_per_domain))
    syllables = rng.integers(0, len(names.syllables), (bought, 4))
    made_up = pl.DataFrame({f"s{i}": names.syllables.gather(syllables[:, i]) for i in range(4)})
    domains = made_up.select(pl.concat_str(pl.all(), pl.lit(".example"))).to_series()
    return domains.gather(rng.integers(0, bought, len(members)))


def _draw_rented_domains(rng: np.random.Generator, members: Members, names: Names) -> pl.Series:
    """Draw a domain on offer at each sign-up: four syllables and a number, the same for all who rent it."""
    manners = members.profile.identity
    offered = draw_offers(rng, manners.domain_markets, members.shelves, members.created)
    # A hash of the offer, not a draw: all who rent it get the same name.
    scattered = mix_bits(offered, 11)
    syllables = [
        names.syllables.gather(
            ((scattered >> np.uint64(16 * i)) % np.uint64(len(names.syllables))).astype(np.int64)
        )
        for i in range(4)
    ]
    name = (
        pl.DataFrame({f"s{i}": s for i, s in enumerate(syllables)})
        .select(pl.concat_str(pl.all()))
        .to_series()
    )
    return _build_domain(name, get_stock_places(offered))


def _make_distinct(members: Members, values: Ints) -> Ints:
    """Make numbers of a population distinct from those of the others. Rented values stay unchanged."""
    return np.where(is_rented(values), values, values + (hash_names(members.name) << 28))


def _build_domain(name: pl.Series, number: Ints) -> pl.Series:
    """Build `name.example`, or `name7.example` for the seventh of that name."""
    frame = pl.DataFrame({"name": name, "number": number})
    digits = pl.when(pl.col("number") > 0).then(pl.col("number").cast(pl.String)).otherwise(pl.lit(""))
    return frame.select(pl.concat_str("name", digits, pl.lit(".example"))).to_series()


def _draw_phones(rng: np.random.Generator, members: Members, country: Ints) -> pl.Series:
    """Draw phone numbers in international notation, null for members who gave none."""
    pool = members.profile.identity.phones
    filled, pooled = fill_slots(rng, members, np.arange(len(members)), pool, np.arange(len(members)))
    salt = int(rng.integers(2**32))
    filled = rent_in_passing(rng, members, pool, filled, ~pooled, members.created)
    rented = is_rented(filled)
    scattered = np.where(rented, mix_bits(filled, 0), mix_bits(_make_distinct(members, filled), salt))
    line = (scattered % np.uint64(10**9)).astype(np.int64)
    pooled |= rented
    # Pooled numbers come from one country, where they were bought in bulk.
    calling = np.array([c.calling for c in COUNTRIES])[np.where(pooled, 0, country)]
    given = rng.random(len(members)) < members.profile.identity.phone
    frame = pl.DataFrame({"calling": calling, "line": line, "given": given | pooled})
    number = pl.format("+{}{}", "calling", pl.col("line").cast(pl.String).str.zfill(9))
    return frame.select(pl.when("given").then(number)).to_series()
