"""A small world in which a ring shares prompts and one popular address, and nothing else.

It is made for one question: are twelve accounts found among three hundred by eight prompt templates? The words come
from `seed`; all else is drawn here, because a scenario of `seed` needs more accounts than that.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from bench.worlds import World, graph_of_bundle, tokens
from graphsvc_lab.worlds.phrases import SLOTS, Phrases, Templates
from graphsvc_lab.worlds.pools import draw_pools
from graphsvc_lab.worlds.streams import Streams
from graphsvc_lab.worlds.text import LETTERS
from graphsvc_lab.worlds.text import make_tokens as opaque

ACCOUNTS = 300
RING = 12
RING_TEMPLATES = 8
POPULAR_TEMPLATES = 6
POPULAR_COPIES = (0, 3)
"""Popular templates that an honest account copies."""
OWN_PROMPTS = (2, 8)
POPULAR_ADDRESSES = 4
ADDRESS_SHARE = 0.15
"""Share of the honest accounts that each popular address is used by: 43 of 288 on average, and never fewer than 30."""
ADDRESS_LEAST = 30
MAIL_DOMAINS = 5
DAYS = 200
END = 1_767_225_600
"""The world's present, 2026-01-01, in seconds since 1970."""
CAMPAIGN = "ring"


def make_small_world(seed: int) -> World:
    """Return a world of 300 accounts, read from a bundle's files through intake.

    288 are honest. Each has an address, an e-mail handle and two to eight prompts of its own, and up to three popular
    prompts; some use one of four popular addresses. Each of the twelve has an address and a handle of its own too. Its
    prompts are of eight templates that only the twelve use, and it is seen at the first popular address.
    """
    with TemporaryDirectory() as directory:
        bundle = Path(directory)
        for name, table in make_tables(seed).items():
            table.write_parquet(bundle / f"{name}.parquet")
        truth = pl.read_parquet(bundle / "truth.parquet")
        return World(f"small:{seed}", graph_of_bundle(bundle, tokens()), truth)


def make_tables(seed: int) -> dict[str, pl.DataFrame]:
    """Return the tables accounts, sessions, prompts and truth of the small world of a seed."""
    streams = Streams(seed)
    rng = streams.rng("small")
    ring = np.zeros(ACCOUNTS, dtype=np.bool_)
    ring[rng.choice(ACCOUNTS, RING, replace=False)] = True
    ids = opaque(np.arange(ACCOUNTS), salt=seed << 8)
    created = END - rng.integers(1, DAYS * 86_400, ACCOUNTS)
    handles = opaque(np.arange(ACCOUNTS), (seed << 8) + 1, LETTERS)
    domains = [f"mail{number}.example" for number in rng.integers(0, MAIL_DOMAINS, ACCOUNTS)]
    accounts = pl.DataFrame({"account_id": ids, "created_at": created}).with_columns(
        email=handles + "@" + pl.Series(domains)
    )
    where, address = _addresses(rng, ring)
    who, text = _prompts(rng, streams, ring)
    return {
        "accounts": accounts.with_columns(_as_time("created_at")),
        "sessions": _uses(rng, created, where, "ip", address, ids),
        "prompts": _uses(rng, created, who, "text", text, ids),
        "truth": pl.DataFrame(
            {
                "account_id": ids,
                "campaign_id": [CAMPAIGN if member else None for member in ring],
                "role": ["member" if member else None for member in ring],
                "decoy": [None] * ACCOUNTS,
            },
            schema=dict.fromkeys(("account_id", "campaign_id", "role", "decoy"), pl.String),
        ),
    }


def _addresses(rng: np.random.Generator, ring: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Accounts and addresses of sessions: one of its own for each, and the popular ones."""
    # Each account's network is its own too: 300 of the 2¹⁶ below 93.0.0.0/8.
    networks = rng.choice(1 << 16, ACCOUNTS + POPULAR_ADDRESSES, replace=False)
    hosts = rng.integers(1, 255, len(networks))
    text = [f"93.{n >> 8}.{n & 255}.{h}" for n, h in zip(networks.tolist(), hosts.tolist(), strict=True)]
    who = [np.arange(ACCOUNTS)]
    which = [np.arange(ACCOUNTS)]
    honest = np.flatnonzero(~ring)
    for popular in range(POPULAR_ADDRESSES):
        count = max(ADDRESS_LEAST, int(rng.binomial(len(honest), ADDRESS_SHARE)))
        users = rng.choice(honest, count, replace=False)
        users = np.concatenate([users, np.flatnonzero(ring)]) if popular == 0 else users
        who.append(users)
        which.append(np.full(len(users), ACCOUNTS + popular))
    return np.concatenate(who), [text[i] for i in np.concatenate(which).tolist()]


def _prompts(rng: np.random.Generator, streams: Streams, ring: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Accounts and texts of prompts."""
    phrases = Phrases(streams, draw_pools(streams))
    popular = phrases.make_templates(rng, POPULAR_TEMPLATES)
    own = phrases.make_templates(rng, RING_TEMPLATES)
    who: list[int] = []
    texts: list[str] = []
    for account, member in enumerate(ring.tolist()):
        if member:
            written = [_fill_template(rng, phrases, own, number) for number in range(RING_TEMPLATES)]
        else:
            copies = int(rng.integers(POPULAR_COPIES[0], POPULAR_COPIES[1] + 1))
            copied = rng.choice(POPULAR_TEMPLATES, copies, replace=False).tolist()
            sentences = int(rng.integers(OWN_PROMPTS[0], OWN_PROMPTS[1] + 1))
            written = [_fill_template(rng, phrases, popular, number) for number in copied]
            written += [_write_sentence(rng, phrases) for _ in range(sentences)]
        who += [account] * len(written)
        texts += written
    return np.array(who), texts


def _fill_template(rng: np.random.Generator, phrases: Phrases, templates: Templates, number: int) -> str:
    """Return a template with each slot filled from its own list."""
    text = templates.literals[0][number]
    for slot in range(SLOTS):
        kind = templates.slots[number, slot]
        filling = phrases.slot_first[kind] + rng.integers(phrases.slot_size[kind])
        text += phrases.fillings[int(filling)] + templates.literals[slot + 1][number]
    return str(text)


def _write_sentence(rng: np.random.Generator, phrases: Phrases) -> str:
    """Return a prompt of an account's own: one of the layouts, each name replaced by a word of its list."""
    layout = phrases.layouts[int(rng.integers(len(phrases.layouts)))]
    words = {name: values[int(rng.integers(len(values)))] for name, values in phrases.own.items()}
    return layout.format(**words)


def _uses(
    rng: np.random.Generator,
    created: np.ndarray,
    account: np.ndarray,
    column: str,
    values: list[str],
    ids: pl.Series,
) -> pl.DataFrame:
    """A table of uses: account_id, the value, and times between the account's sign-up and the present."""
    moments = np.sort(rng.random((2, len(account))), axis=0)
    first, last = created[account] + (moments * (END - created[account])).astype(np.int64)
    frame = pl.DataFrame(
        {"account_id": ids.gather(account), column: values, "first_seen": first, "last_seen": last}
    )
    return frame.with_columns(_as_time("first_seen", "last_seen"))


def _as_time(*columns: str) -> pl.Expr:
    return (pl.col(*columns) * 1_000_000).cast(pl.Datetime("us", "UTC"))
