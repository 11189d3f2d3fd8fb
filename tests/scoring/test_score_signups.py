"""Promise: sign-ups are read by the same intake as a bundle: equal values give equal keys, and what a bundle would
refuse is named and nowhere kept."""

from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.intake import read_bundle
from graphsvc.scoring.signups import list_signup_columns, read_signups
from graphsvc.signals.tokens import Tokeniser

TOKENS = Tokeniser(b"a key for tests, 32 bytes long..", "test")
AT = "2026-01-05T10:00:00Z"
TEXT = "You are a patient teacher. Explain photosynthesis to a child of nine in three short paragraphs."
FULL = {
    "account_id": "mine",
    "created_at": AT,
    "email": "Jane.Doe+x@Example.org",
    "phone": "+1 555 123 4567",
    "display_name": "Jané  Doe",
    "organization": "ACME, Inc.",
    "signup_ip": "203.0.113.9:443",
    "signup_device": " dev-1 ",
    "user_agent": "Mozilla/5.0",
    "instrument": "pm_123",
    "bin": "424242",
    "ip": "2001:db8::1",
    "asn": "AS64500",
    "device": "dev-2",
    "text": TEXT,
    "identifier.referral code": "R-7",
}


def keys_of(frame: pl.DataFrame, account: int = 0) -> set[str]:
    read = read_signups(frame, TOKENS)
    return {each.key for each in (*read.keys, *read.wholes) if each.account == account}


def keys_of_bundle(directory: Path, row: dict[str, str]) -> set[str]:
    """The keys that a load of the same values would write, with what they are part of."""
    spans = {"account_id": "mine", "first_seen": AT, "last_seen": AT}
    names = ("email", "phone", "display_name", "organization", "signup_ip", "signup_device", "user_agent")
    tables = {
        "accounts": {name: row.get(name) for name in ("account_id", "created_at", *names)},
        "payments": {**spans, "kind": "card", **{name: row[name] for name in ("instrument", "bin")}},
        "sessions": {**spans, **{name: row[name] for name in ("ip", "asn", "device")}},
        "prompts": {**spans, "text": row["text"]},
        "identifiers": {**spans, "kind": "referral code", "value": row["identifier.referral code"]},
    }
    for name, fields in tables.items():
        pl.DataFrame([fields]).write_csv(directory / f"{name}.csv")
    columns = read_bundle(directory, TOKENS)
    assert columns.dead_letters.is_empty()
    found = {key for edges in columns.edges.values() for key in edges["key"]}
    for kind, column, prefix in (
        ("ip", "prefix", "prefix:"),
        ("ip", "asn", "system:AS"),
        ("instrument", "bin", "bin:"),
    ):
        found |= {f"{prefix}{value}" for value in columns.values[kind][column].drop_nulls()}
    return found


def test_a_sign_up_has_the_keys_that_a_load_writes(tmp_path: Path) -> None:
    wanted = keys_of_bundle(tmp_path, FULL)
    # Every kind of the contract, what an address and a card are part of, and some bands of the prompt.
    assert len({key.partition(":")[0] for key in wanted}) == 14
    assert keys_of(pl.DataFrame([FULL])) == wanted


def test_sign_ups_of_a_batch_do_not_mix() -> None:
    other = {**dict.fromkeys(FULL), "account_id": "b", "phone": "+49 30 1234567", "instrument": "pm_9"}
    alone = (
        keys_of(pl.DataFrame([FULL])),
        keys_of(pl.DataFrame([other], schema_overrides=dict.fromkeys(FULL, pl.String))),
    )
    frame = pl.DataFrame([FULL, other, FULL], schema_overrides=dict.fromkeys(FULL, pl.String))
    assert [keys_of(frame, place) for place in range(3)] == [alone[0], alone[1], alone[0]]
    assert len(alone[1]) == 2


def test_what_cannot_be_read_is_named_by_its_column() -> None:
    bad = {
        "created_at": "yesterday",
        "email": "no address",
        "phone": "12",
        "signup_ip": "999.1.1.1",
        "ip": "127.0.0.1",
        # A card number is refused, as in a load.
        "instrument": "4242424242424242",
        "identifier.ip": "none",
        "asn": "AS64500",
        "device": "dev-1",
    }
    read = read_signups(pl.DataFrame([{"email": "a@example.org"}, bad]), TOKENS)
    assert sorted(each.column for each in read.unread if each.account == 1) == sorted(
        # The system lies in the table of its address: without one it is no session.
        ["created_at", "email", "phone", "signup_ip", "ip", "instrument", "identifier.ip", "asn"]
    )
    assert [each.kind for each in read.keys if each.account == 1] == ["device"]
    assert {each.account for each in read.unread} == {1}
    assert read.created_at.tolist() == [-1, -1]
    assert "4242424242424242" not in str(read)


def test_kinds_that_no_cluster_knows_cost_nothing_and_declared_ones_always_count() -> None:
    others = pl.DataFrame(
        [(0, "referral", "R-1"), (0, "shoe size", "43"), (0, "phone", "+15551234567"), (0, "a@b", "x")],
        schema=["account", "kind", "value"],
        orient="row",
    )
    read = read_signups(pl.DataFrame({"account_id": ["a"]}), TOKENS, identifiers=others, kinds=["referral"])
    assert sorted(each.kind for each in read.keys) == ["phone", "referral"]
    # A kind is a name; what looks like a value in its place is named as unread.
    assert [each.column for each in read.unread] == ["identifier.a@b"]


def test_parts_of_nothing_are_named() -> None:
    read = read_signups(pl.DataFrame([{"bin": "424242", "asn": "64500", "device": "dev-1"}]), TOKENS)
    assert sorted(each.column for each in read.unread) == ["asn", "bin"]
    assert [each.kind for each in read.keys] == ["device"]


def test_values_under_an_earlier_token_key_are_known_by_both() -> None:
    older = Tokeniser(b"an older key, 32 bytes long.....", "old")
    now = Tokeniser(b"a key for tests, 32 bytes long..", "test", (older,))
    frame = pl.DataFrame([{"instrument": "pm_1", "signup_ip": "203.0.113.9"}])
    read, before = ({each.kind: each for each in read_signups(frame, key).keys} for key in (now, older))
    assert read["instrument"].former == before["instrument"].key
    # An address is no token: its key is the same for ever.
    assert read["ip"].former is None


@given(
    st.lists(
        st.dictionaries(st.sampled_from(list_signup_columns()), st.text(max_size=20)), min_size=1, max_size=4
    )
)
def test_any_text_is_read_or_named(rows: list[dict[str, str]]) -> None:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(list_signup_columns(), pl.String))
    read = read_signups(frame, TOKENS)
    assert read.accounts == len(rows)
    assert {each.column for each in read.unread} <= set(list_signup_columns())
    raw = {
        value
        for row in rows
        for name, value in row.items()
        if name in ("phone", "instrument") and len(value) > 6
    }
    assert not any(value in key for value in raw for _, key, *_ in read.keys)
