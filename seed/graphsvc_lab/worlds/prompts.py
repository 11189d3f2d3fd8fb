"""Prompts: people's own words, common greetings, popular templates, and a group's own templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

import numpy as np
import polars as pl

from graphsvc_lab.worlds.markets import Shelf, get_market_keys, get_stock_places, is_rented
from graphsvc_lab.worlds.members import NONE, Members
from graphsvc_lab.worlds.phrases import SLOTS, Phrases, Templates
from graphsvc_lab.worlds.profiles import Campaign
from graphsvc_lab.worlds.sessions import draw_stays
from graphsvc_lab.worlds.slots import (
    assign_values,
    build_layout,
    draw_owners,
    draw_reuse,
    inherit_slots,
    rent_in_passing,
    rent_values,
)
from graphsvc_lab.worlds.streams import Ints, Streams, draw_zipf, hash_names
from graphsvc_lab.worlds.text import make_tokens

MOST_PROMPTS = 10
OWN, COMMON = -1, -2


@dataclass(frozen=True, slots=True)
class Prompts:
    """Rows of a population's prompts, shape (rows,): owner, text or null, fingerprint or null, times in seconds."""

    owner: Ints
    text: pl.Series
    fingerprint: pl.Series
    first: Ints
    last: Ints


@dataclass(frozen=True, slots=True)
class Public:
    """Templates that all may copy: the popular ones first, then the stock of each market of templates.

    `first` has the place where the stock of each market begins, by the market's key.
    """

    templates: Templates
    popular: int
    first: Mapping[int, int]

    def find_places(self, rented: Ints) -> Ints:
        """Return the place among the templates of each rented one, shape as given."""
        begins = np.zeros(len(rented), dtype=np.int64)
        keys = get_market_keys(rented)
        for number, first in self.first.items():
            begins[keys == number] = first
        return begins + get_stock_places(rented)


def publish_templates(
    rng: np.random.Generator, phrases: Phrases, popular: int, markets: Sequence[Shelf]
) -> Public:
    """Make the templates that all may copy: `popular` ones, and the stocks of the `markets` of templates."""
    stocks = [shelf.market.values for shelf in markets]
    begins = popular + np.cumsum([0, *stocks])[:-1]
    first = {shelf.number: int(begin) for shelf, begin in zip(markets, begins, strict=True)}
    return Public(phrases.make_templates(rng, popular + sum(stocks)), popular, first)


def draw_prompts(streams: Streams, members: Members, phrases: Phrases, public: Public) -> Prompts:
    """Draw all prompts of a population. `public` are the templates that all may copy."""
    rng = streams.rng("prompts", members.name)
    manners, popular = members.profile.prompts, public.templates
    sharers = members.group_for(manners)
    owner = draw_owners(rng, members, manners.rows, MOST_PROMPTS)
    counts = None
    if manners.templates is not None:
        counts = rng.integers(manners.templates[0], manners.templates[1] + 1, sharers.groups)
    values = build_layout(sharers, manners, counts)
    # Made once for the population; its groups take some of them.
    own = phrases.make_templates(rng, 0 if manners.from_popular else int(values.count.sum()))

    # What a row is: OWN, COMMON, 0 … a popular template, then the population's own templates.
    what = np.full(len(owner), OWN, dtype=np.int64)
    u = rng.random(len(owner))
    limit = draw_reuse(rng, members, manners)[owner]
    what[(u >= limit) & (u < limit + manners.common)] = COMMON
    copied = (u >= limit + manners.common) & (u < limit + manners.common + manners.popular)
    what[copied] = draw_zipf(rng, public.popular, int(copied.sum()))
    dealt = assign_values(rng, sharers, owner[u < limit], manners, values)
    # Own templates are numbered after the popular ones.
    what[u < limit] = dealt % public.popular if manners.from_popular else len(popular) + dealt
    if manners.rented:
        number = rent_values(rng, sharers, manners, values)[dealt]
        bought = np.flatnonzero(u < limit)[number != NONE]
        what[bought] = public.find_places(number[number != NONE])
    if isinstance(members.profile, Campaign):
        what = inherit_slots(rng, members, owner, what, members.profile.get_inherited_share(manners))

    first = last = None
    if manners.passing:
        first, last = draw_stays(rng, members, owner)
        rented = rent_in_passing(rng, members, manners, what, what == OWN, first)
        what = np.where(is_rented(rented), public.find_places(rented), what)

    text = _draw_texts(rng, what, phrases, popular, own)
    fingerprint = make_tokens(_compute_fingerprints(what, members.name, len(popular)), salt=streams.seed)
    exported = pl.Series(rng.random(len(owner)) < manners.fingerprints)
    nothing = pl.Series([None], dtype=pl.String)
    if first is None or last is None:
        first, last = draw_stays(rng, members, owner)
    return Prompts(
        owner, text.zip_with(~exported, nothing), fingerprint.zip_with(exported, nothing), first, last
    )


def _compute_fingerprints(what: Ints, name: str, popular: int) -> Ints:
    """Compute numbers that an exporter's fingerprint tells apart: templates, greetings, and each own text."""
    common = (what == COMMON) | ((what >= 0) & (what < popular))
    number = np.where(what == OWN, (1 << 27) + np.arange(len(what)), what + 2)
    return (np.where(common, hash_names("popular"), hash_names(name)) << 28) + number


def _draw_texts(
    rng: np.random.Generator, what: Ints, phrases: Phrases, popular: Templates, own: Templates
) -> pl.Series:
    """Draw the text of each row, shape as `what`."""
    rows: list[Ints] = [np.flatnonzero(what == COMMON), np.flatnonzero(what >= 0)]
    parts = [
        phrases.common.gather(draw_zipf(rng, len(phrases.common), len(rows[0]))),
        _fill_templates(rng, what[rows[1]], phrases, popular, own),
    ]
    others = np.flatnonzero(what == OWN)
    which = rng.integers(0, len(phrases.layouts), len(others))
    for i, pattern in enumerate(phrases.layouts):
        rows.append(others[which == i])
        parts.append(_draw_sentences(rng, pattern, phrases, len(rows[-1])))
    # Texts are made kind by kind; this brings them back to the order of rows.
    place = np.empty(len(what), dtype=np.int64)
    place[np.concatenate(rows)] = np.arange(len(what))
    return pl.concat(parts).gather(place)


def _fill_templates(
    rng: np.random.Generator, which: Ints, phrases: Phrases, popular: Templates, own: Templates
) -> pl.Series:
    """Fill the slots of templates, shape as `which` (a number among `popular` and then `own`)."""
    kinds = np.concatenate([popular.slots, own.slots])[which]
    drawn = phrases.slot_first[kinds] + (rng.random(kinds.shape) * phrases.slot_size[kinds]).astype(np.int64)
    columns = [pl.concat([a, b]).gather(which) for a, b in zip(popular.literals, own.literals, strict=True)]
    for i in range(SLOTS):
        columns.insert(2 * i + 1, phrases.fillings.gather(drawn[:, i]))
    return _join_columns(columns)


def _draw_sentences(rng: np.random.Generator, pattern: str, phrases: Phrases, size: int) -> pl.Series:
    """Draw legitimate prompts of one layout, each {name} from its own list, shape (size,)."""
    columns: list[pl.Series] = []
    for literal, name, _, _ in Formatter().parse(pattern):
        if literal:
            columns.append(pl.Series([literal], dtype=pl.String).new_from_index(0, size))
        if name:
            columns.append(phrases.own[name].gather(rng.integers(0, len(phrases.own[name]), size)))
    return _join_columns(columns)


def _join_columns(columns: list[pl.Series]) -> pl.Series:
    frame = pl.DataFrame([c.alias(str(i)) for i, c in enumerate(columns)])
    return frame.select(pl.concat_str(pl.all())).to_series().alias("text")
