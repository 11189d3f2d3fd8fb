"""Values that strangers share without sharing are named in the summary; rings, families and carriers are not."""

import random
from pathlib import Path

import pytest
from exports import holders, read
from graphs import ring_bundle

from graphsvc.intake import read_bundle
from graphsvc.model.columns import Hub
from graphsvc.signals.tokens import Tokeniser


def world(path: Path, placeholder: str, many: int, column: str = "device") -> tuple[Hub, ...]:
    """Return the hubs of 1,000 accounts in households of two, `many` of which have one value."""
    rng = random.Random(5)
    accounts, sessions = ["account_id,created_at,phone"], ["account_id,ip,first_seen,last_seen,device"]
    chosen = set(rng.sample(range(1000), many))
    for number in range(1000):
        phone = placeholder if column == "phone" and number in chosen else f"+1555{number:07}"
        device = placeholder if column == "device" and number in chosen else f"d{number}"
        ip = (
            placeholder
            if column == "ip" and number in chosen
            else f"10.{number // 500}.{number // 2 % 250}.1"
        )
        accounts.append(f"a{number},2024-01-05,{phone}")
        sessions.append(f"a{number},{ip},2024-01-05,2024-01-06,{device}")
    files = {"accounts.csv": "\n".join(accounts), "sessions.csv": "\n".join(sessions)}
    return read(path, files).hubs


@pytest.mark.parametrize(
    ("placeholder", "column", "many"),
    [("default-device", "device", 300), ("default-device", "device", 40), ("+1 555 0000001", "phone", 60),
     ("203.0.113.9", "ip", 500)],
)  # fmt: skip
def test_a_placeholder_is_named_with_its_holders(
    tmp_path: Path, placeholder: str, column: str, many: int
) -> None:
    hubs = world(tmp_path, placeholder, many, column)
    assert [(hub.kind, hub.holders, hub.accounts) for hub in hubs] == [(column, many, 1000)]
    assert placeholder not in repr(hubs) or column == "ip"  # addresses are stored as they are


def test_nothing_is_named_where_nothing_is_odd(tmp_path: Path) -> None:
    assert world(tmp_path, "shared", 3) == ()


def test_rings_are_no_placeholders(tmp_path: Path) -> None:
    bundle = ring_bundle(tmp_path / "bundle", rings=20, size=12, singles=3000)
    assert read_bundle(bundle, Tokeniser(b"k" * 32, "test")).hubs == ()


def test_a_default_that_the_list_does_not_know_can_be_put_on_it(tmp_path: Path) -> None:
    rows = "".join(f"a{n},2024-01-05,NO-DEVICE-ID\n" for n in range(40))
    rows += "".join(f"b{n},2024-01-05,d{n}\n" for n in range(60))
    columns = read(tmp_path, {"accounts.csv": "account_id,created_at,signup_device\n" + rows})
    assert len(holders(columns, "device")[0]) == 40
    (hub,) = columns.hubs
    assert (hub.kind, hub.holders, hub.accounts) == ("device", 40, 100)
    assert hub.key in set(columns.values["device"]["key"])
