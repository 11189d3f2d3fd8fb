"""The same rows give the same columns, in whatever form, order, cut or repetition they come."""

import gzip
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from exports import assert_same_bundles

from graphsvc.intake import read_bundle
from graphsvc.model.columns import ACCOUNTS, ACTIVITY, EDGES, NETWORKS, BundleColumns, get_values_schema
from graphsvc.signals.tokens import Tokeniser

TOKENS = Tokeniser(b"k" * 32, "test")
START = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = 400


def tables(seed: int = 1) -> dict[str, pl.DataFrame]:
    """A small bundle of good rows with every column in use; times as timestamps."""
    rng = random.Random(seed)
    ids = [f"acct-{i}" for i in range(SIZE)]

    def some(make: object, chance: float = 0.8) -> list[object]:
        return [make() if rng.random() < chance else None for _ in range(SIZE)]  # type: ignore[operator]

    def owners() -> list[str]:
        return [rng.choice(ids) for _ in range(SIZE)]

    def times() -> list[datetime]:
        return [START + timedelta(seconds=rng.randrange(10**6)) for _ in range(SIZE)]

    def spans() -> dict[str, list[datetime]]:
        first = times()
        return {"first_seen": first, "last_seen": [t + timedelta(hours=rng.randrange(48)) for t in first]}

    def address() -> str:
        number = rng.randrange(60)
        return f"198.51.100.{number}" if number < 40 else f"2001:db8::{number:x}"

    return {
        "accounts": pl.DataFrame({
            "account_id": ids, "created_at": times(), "status": some(lambda: rng.choice(["active", "banned"])),
            "status_changed_at": times(), "plan": some(lambda: rng.choice(["free", "pro, \"team\"", "line\nbreak"])),
            "country": some(lambda: rng.choice(["DE", "US"])),
            "email": some(lambda: f"{rng.choice(['anna', 'bob.lee', 'zoë'])}+1@mail{rng.randrange(5)}.example"),
            "phone": some(lambda: f"+1 555 {rng.randrange(10**6):07d}"), "display_name": some(lambda: "Ann Lee"),
            "organization": some(lambda: f"Org {rng.randrange(30)}"), "signup_ip": some(address),
            "signup_device": some(lambda: f"dev{rng.randrange(50)}"), "user_agent": some(lambda: "UA/1 (x; y)"),
        }),
        "payments": pl.DataFrame({
            "account_id": owners(), "instrument": [f"tok_{rng.randrange(99)}" for _ in ids],
            "kind": [rng.choice(["card", "bank"]) for _ in ids], "bin": some(lambda: str(rng.randrange(10**6, 10**7))),
            "issuer_country": some(lambda: "FR"), **spans(), "payments": some(lambda: rng.randrange(9)),
        }),
        "sessions": pl.DataFrame({
            "account_id": owners(), "ip": [address() for _ in ids],
            "asn": some(lambda: rng.randrange(64500, 64510), 0.2),
            "device": some(lambda: f"dev{rng.randrange(50)}"), "user_agent": some(lambda: f"UA/{rng.randrange(4)}"),
            **spans(), "requests": some(lambda: rng.randrange(99)),
        }),
        "prompts": pl.DataFrame({
            "account_id": owners(),
            "text": [f"Explain topic {i % 7} to a child and give {i} examples" if i % 5 else None for i in range(SIZE)],
            "fingerprint": [None if i % 5 else f"fp{i % 11}" for i in range(SIZE)],
            "model": some(lambda: "m-1"), **spans(), "requests": some(lambda: rng.randrange(99)),
        }),
        "activity": pl.DataFrame({
            "account_id": owners(), "hour": [START + timedelta(hours=rng.randrange(200)) for _ in ids],
            "requests": [rng.randrange(99) for _ in ids], "model": some(lambda: rng.choice(["m-1", "m-2"])),
        }),
        "networks": pl.DataFrame({
            "asn": [64499, 64498, 7], "cidr": ["198.51.0.0/16", "2001:db8::/32", None], "name": ["A", None, "C"],
            "network_class": ["hosting", "vpn", "unknown"], "country": ["NL", None, None],
        }),
        "identifiers": pl.DataFrame({
            "account_id": owners(), "kind": [rng.choice(["referral", "TLS fingerprint", "device"]) for _ in ids],
            "value": [f"v{rng.randrange(40)}" for _ in ids], **spans(), "count": some(lambda: rng.randrange(5)),
        }),
    }  # fmt: skip


def text_of(frame: pl.DataFrame, form: str) -> bytes:
    plain = frame.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
    return (plain.write_csv() if form == "csv" else plain.write_ndjson()).encode()


def write(path: Path, bundle: dict[str, pl.DataFrame], form: str) -> Path:
    """Write a bundle as `parquet`, `csv`, `ndjson`, `csv.gz`, `ndjson.gz`, or `parts` (folders of parts)."""
    path.mkdir()
    for table, frame in bundle.items():
        if form == "parquet":
            frame.write_parquet(path / f"{table}.parquet", row_group_size=100)
        elif form == "parts":
            (path / table).mkdir()
            third = frame.height // 3 + 1
            frame[:third].write_parquet(path / table / "part-0.parquet")
            (path / table / "part-1.csv").write_bytes(text_of(frame[third : 2 * third], "csv"))
            (path / table / "part-2.ndjson.gz").write_bytes(
                gzip.compress(text_of(frame[2 * third :], "ndjson"))
            )
        else:
            content = text_of(frame, form.removesuffix(".gz"))
            (path / f"{table}.{form}").write_bytes(
                gzip.compress(content) if form.endswith(".gz") else content
            )
    return path


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> BundleColumns:
    columns = read_bundle(write(tmp_path_factory.mktemp("forms") / "parquet", tables(), "parquet"), TOKENS)
    assert columns.dead_letters.is_empty()
    return columns


def test_columns_are_typed_distinct_and_sorted(reference: BundleColumns) -> None:
    assert reference.accounts.schema == ACCOUNTS
    assert reference.networks.schema == NETWORKS
    assert reference.activity.schema == ACTIVITY
    assert reference.accounts["account_id"].is_sorted()
    assert set(reference.edges) == {
        "instrument", "ip", "device", "user_agent", "email_domain", "email_handle", "phone", "display_name",
        "organization", "prompt", "identifier",
    }  # fmt: skip
    for kind, edges in reference.edges.items():
        values = reference.values[kind]
        assert edges.schema == EDGES
        assert values.schema == get_values_schema(kind)
        assert edges.equals(edges.sort("account_id", "key"))
        assert not edges.select("account_id", "key").is_duplicated().any()
        assert values["key"].is_sorted()
        assert set(values["key"]) == set(edges["key"])
        assert (values["key"] == values["kind"] + ":" + values["value"]).all()


@pytest.mark.parametrize("form", ["csv", "ndjson", "csv.gz", "ndjson.gz", "parts"])
def test_every_form_gives_the_same_columns(tmp_path: Path, reference: BundleColumns, form: str) -> None:
    columns = read_bundle(write(tmp_path / "bundle", tables(), form), TOKENS)
    assert columns.dead_letters.is_empty()
    assert_same_bundles(columns, reference)


@pytest.mark.parametrize("form", ["parquet", "csv", "ndjson"])
def test_order_of_rows_and_columns_and_repetition_change_nothing(
    tmp_path: Path, reference: BundleColumns, form: str
) -> None:
    shuffled = {
        table: pl.concat([frame, frame[::3]])
        .sample(fraction=1, shuffle=True, seed=3)
        .select(frame.columns[::-1])
        for table, frame in tables().items()
    }
    columns = read_bundle(write(tmp_path / "bundle", shuffled, form), TOKENS)
    assert_same_bundles(columns, reference)
    assert columns.tables[0].read == len(shuffled["accounts"])


def test_the_identity_is_of_content_and_key(tmp_path: Path) -> None:
    one, two = (write(tmp_path / name, tables(), "csv") for name in ("one", "two"))
    other = write(tmp_path / "other", tables(seed=2), "csv")
    found = read_bundle(one, TOKENS).id
    assert found == read_bundle(two, TOKENS).id
    assert found != read_bundle(other, TOKENS).id
    assert found != read_bundle(one, Tokeniser(b"j" * 32, "else")).id


def test_progress_ends_at_the_whole(tmp_path: Path) -> None:
    seen: dict[str, tuple[int, int]] = {}

    def report(table: str, done: int, total: int) -> None:
        assert done <= total
        assert done >= seen.get(table, (0, 0))[0]
        seen[table] = (done, total)

    read_bundle(write(tmp_path / "bundle", tables(), "csv"), TOKENS, None, report)
    assert len(set(seen.pop("signals"))) == 1
    assert seen == {table: (frame.height, frame.height) for table, frame in tables().items()}
