"""Worlds of sign-up times, e-mail addresses and display names: people, families, offices, and generators of names."""

import numpy as np
import polars as pl

from graphsvc_lab.worlds.identity import Names, draw_identities
from graphsvc_lab.worlds.members import Members
from graphsvc_lab.worlds.profiles import Campaign, Series
from graphsvc_lab.worlds.streams import Ints, Streams, draw_between, draw_zipf, pick_indices
from graphsvc_lab.worlds.tables import Everyone, to_times

DOTTED = 13
"""Letters of a handle in which dots are put: 4,096 places for them."""


def build_accounts(people: Everyone, streams: Streams, names: Names) -> pl.DataFrame:
    """Build `accounts`: `account_id`, `created_at`, `email` and `display_name`.

    No two accounts have one address.
    """
    frames = []
    for members, place in zip(people.parts, people.place, strict=True):
        rng = streams.rng("identity", members.name)
        declared = draw_identities(rng, members, names, np.zeros(len(members), np.int64))
        declared = declared.select("email", "display_name")
        if isinstance(members.profile, Campaign):
            declared = generate_names(
                streams.rng("series", members.name), members, members.profile.series, names, declared
            )
        frames.append(
            declared.select(
                pl.Series("account", place),
                pl.Series("created_at", to_times(members.created)),
                "email",
                "display_name",
            )
        )
    return people.finish_table(_make_distinct(pl.concat(frames).sort("account")))


def generate_names(
    rng: np.random.Generator, members: Members, series: Series, names: Names, declared: pl.DataFrame
) -> pl.DataFrame:
    """Replace people's own `email` and `display_name` in `declared` by those of the campaign's generator.

    One pattern, one domain, a few stems and one short list of names serve all accounts of the campaign.
    """
    n = len(members)
    made = rng.random(n) < draw_between(rng, series.share, 1)[0]
    domain = _draw_domain(rng, names, bought=bool(rng.random() < series.bought))
    # One pattern, one domain and few stems for the campaign: this is what gives a generator away.
    pattern = list(series.patterns)[int(pick_indices(rng, series.patterns, 1)[0])]
    email = pl.select(
        pl.concat_str(_build_handles(rng, pattern, members, series, names), pl.lit("@" + domain))
    ).to_series()
    listed = made & (rng.random(n) < series.listed)
    shown = _draw_display_names(rng, n, series, names)
    return declared.with_columns(
        email=email.zip_with(pl.Series(made), declared["email"]),
        display_name=shown.zip_with(pl.Series(listed), declared["display_name"]),
    )


def _build_handles(
    rng: np.random.Generator, pattern: str, members: Members, series: Series, names: Names
) -> pl.Series:
    """Build handles of one pattern, numbered in the order of sign-up, shape (n,)."""
    n = len(members)
    stems = _draw_stems(rng, int(rng.integers(series.stems[0], series.stems[1] + 1)), names)
    # The rank of each sign-up: generators count upwards.
    order = np.argsort(np.argsort(members.created, kind="stable"), kind="stable")
    number = pl.Series(int(rng.integers(1, 600)) + order).cast(pl.String).str.zfill(int(rng.integers(1, 5)))
    stem = stems.gather(rng.integers(0, len(stems), n))
    separator = ("", ".", "_")[int(rng.integers(3))]
    if pattern == "dots":
        return insert_dots(stem, order)
    if pattern == "words":
        words = names.plain_first.gather(rng.integers(0, len(names.plain_first), 12))
        return _join_texts(stem, separator, words.gather(rng.integers(0, 12, n)), "", number)
    return _join_texts(stem, "+" if pattern == "plus" else separator, number)


def _draw_stems(rng: np.random.Generator, count: int, names: Names) -> pl.Series:
    """Draw the beginnings of a campaign's handles: a first name and part of a surname, too long to be common."""
    first = names.plain_first.gather(rng.integers(0, len(names.plain_first), count))
    last = names.plain_last.gather(rng.integers(0, len(names.plain_last), count))
    syllables = names.syllables.gather(rng.integers(0, len(names.syllables), count))
    return _join_texts(first, "", last, "", syllables).str.slice(0, DOTTED)


def insert_dots(stem: pl.Series, number: Ints) -> pl.Series:
    """Insert dots into `stem` where the bits of `number` are set (never two, never at an end)."""
    frame = pl.DataFrame({"stem": stem, "number": number + 1})
    parts = []
    for i in range(DOTTED):
        last = pl.col("stem").str.len_chars() <= i + 1
        dot = ~last & ((pl.col("number") // 2**i) % 2 == 1)
        parts += [pl.col("stem").str.slice(i, 1), pl.when(dot).then(pl.lit(".")).otherwise(pl.lit(""))]
    return frame.select(pl.concat_str(parts)).to_series()


def _draw_domain(rng: np.random.Generator, names: Names, *, bought: bool) -> str:
    """Draw one domain for a campaign, under `example` as all are."""
    if bought:
        return "".join(names.syllables.gather(rng.integers(0, len(names.syllables), 4))) + ".example"
    return str(names.freemail[int(draw_zipf(rng, len(names.freemail), 1, 0.9)[0])])


def _draw_display_names(rng: np.random.Generator, size: int, series: Series, names: Names) -> pl.Series:
    """Draw names from a short list, some with one typing error, shape (size,)."""
    choice = int(rng.integers(series.names[0], series.names[1] + 1))
    first = names.first.gather(rng.integers(0, len(names.first), choice))
    last = names.last.gather(rng.integers(0, len(names.last), choice))
    name = _join_texts(first, " ", last).gather(rng.integers(0, choice, size))
    slip = np.where(rng.random(size) < series.typos, rng.integers(1, 4, size), 0)
    letters = name.str.len_chars().to_numpy().astype(np.int64)
    at = 1 + (rng.random(size) * np.maximum(letters - 2, 1)).astype(
        np.int64
    )  # neither the first nor the last letter
    text = pl.col("name").str
    frame = pl.DataFrame({"name": name, "slip": slip, "at": at})
    dropped = pl.concat_str(text.slice(0, pl.col("at")), text.slice(pl.col("at") + 1))
    doubled = pl.concat_str(text.slice(0, pl.col("at") + 1), text.slice(pl.col("at")))
    swapped = pl.concat_str(
        text.slice(0, pl.col("at")),
        text.slice(pl.col("at") + 1, 1),
        text.slice(pl.col("at"), 1),
        text.slice(pl.col("at") + 2),
    )
    chosen = pl.when(pl.col("slip") == 1).then(dropped).when(pl.col("slip") == 2).then(doubled)
    return frame.select(chosen.when(pl.col("slip") == 3).then(swapped).otherwise("name")).to_series()


def _join_texts(*parts: pl.Series | str) -> pl.Series:
    """Join texts row by row. A plain string is part of every row."""
    return pl.select(pl.concat_str([pl.lit(part) for part in parts])).to_series()


def _make_distinct(accounts: pl.DataFrame) -> pl.DataFrame:
    """Give numbers to handles that were already taken, until each address belongs to one account."""
    # Repeated, since a numbered address may be taken, too.
    while accounts["email"].is_duplicated().any():
        taken = pl.int_range(pl.len()).over("email")
        numbered = pl.col("email").str.replace("@", pl.format("{}@", taken + 1), literal=True)
        accounts = accounts.with_columns(email=pl.when(taken > 0).then(numbered).otherwise("email"))
    return accounts
