"""Makes a bundle in which good rows stand among rows broken in every way the contract knows."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CARDS = ("4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009", "6011000000000004", "4222222222222")
"""Card numbers of the public test ranges; planted wherever a person might have put one."""
E_MAILS = ("canary.one@leak.example", "canary.two+tag@leak.example")
"""Addresses planted where none belongs; their local parts must appear nowhere."""
CANARIES = (*CARDS, *(card.replace(" ", "").replace("-", "") for card in CARDS), "canary.one", "canary.two")
"""Texts that must be found in nothing that is written."""

DAY, LATER = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"

_GOOD: dict[str, dict[str, Any]] = {
    "accounts": {
        "account_id": "acct-1", "created_at": DAY, "status": "active", "status_changed_at": DAY, "plan": "pro",
        "country": "de", "email": "canary.one@leak.example", "phone": "+49 30 5550100", "display_name": "Ada",
        "organization": "Acme", "signup_ip": "192.0.2.7", "signup_device": "dev-1", "user_agent": "UA/1",
    },
    "payments": {
        "account_id": "acct-1", "instrument": "tok_a", "kind": "card", "bin": "411111", "issuer_country": "US",
        "first_seen": DAY, "last_seen": LATER, "payments": "3",
    },
    "sessions": {
        "account_id": "acct-1", "ip": "2001:db8::1", "asn": "64500", "device": "dev-1", "user_agent": "UA/1",
        "first_seen": DAY, "last_seen": LATER, "requests": "5",
    },
    "prompts": {
        "account_id": "acct-1", "text": "Explain step by step how a bridge carries its load", "fingerprint": None,
        "model": "m-1", "first_seen": DAY, "last_seen": LATER, "requests": "2",
    },
    "activity": {"account_id": "acct-1", "hour": "2026-03-01T05:00:00Z", "requests": "9", "model": "m-1"},
    "networks": {
        "asn": "64500", "cidr": "2001:db8::/32", "name": "Example Net", "network_class": "hosting", "country": "NL",
    },
    "identifiers": {
        "account_id": "acct-1", "kind": "tls_fingerprint", "value": "ja4-1", "first_seen": DAY, "last_seen": LATER,
        "count": "1",
    },
}  # fmt: skip

_ID = [
    ("account_id", "", "missing"),
    ("account_id", E_MAILS[0], "looks_like_email"),
    ("account_id", "x" * 257, "too_long"),
]
_SPAN = [
    ("first_seen", "soon", "not_a_time"),
    ("first_seen", "2026-02-30T00:00:00Z", "not_a_time"),
    ("last_seen", CARDS[0], "not_a_time"),
    ("last_seen", "2025-01-01", "before_first_seen"),
]
FAULTS: dict[str, list[tuple[str, str, str]]] = {
    "accounts": [*_ID, ("created_at", "", "missing"), ("created_at", E_MAILS[1], "not_a_time")],
    "payments": [
        *_ID,
        *_SPAN,
        ("instrument", "", "missing"),
        ("instrument", "NULL", "missing"),
        ("instrument", "4.47E+11", "lost_digits"),
        *(("instrument", card, "card_number") for card in CARDS),
        ("kind", "cash", "not_one_of"),
        ("kind", "", "missing"),
    ],
    "sessions": [
        *_ID,
        *_SPAN,
        ("ip", "", "missing"),
        ("ip", "010.2.3.4", "not_an_ip"),
        ("ip", "fe80::1%eth0", "unusable_ip"),
        ("ip", "unknown", "missing"),
        ("ip", CARDS[3], "not_an_ip"),
    ],
    "prompts": [*_ID, *_SPAN, ("text", "", "missing"), ("fingerprint", CARDS[0], "beside_text")],
    "activity": [
        *_ID,
        ("hour", "2026-03-01T05:00:01Z", "not_start_of_hour"),
        ("hour", "", "missing"),
        ("requests", "", "missing"),
        ("requests", "-1", "negative"),
    ],
    "networks": [
        ("cidr", "192.0.2.0/33", "not_a_cidr"),
        ("cidr", E_MAILS[1], "not_a_cidr"),
        ("network_class", "", "missing"),
        ("network_class", "satellite", "not_one_of"),
    ],
    "identifiers": [
        *_ID,
        ("last_seen", "2025-01-01", "before_first_seen"),
        ("kind", "", "missing"),
        ("kind", E_MAILS[0], "not_a_kind"),
        ("kind", f"card {CARDS[0]}", "not_a_kind"),
        ("value", "", "missing"),
        ("value", "00000000-0000-0000-0000-000000000000", "missing"),
    ],
}
"""Column, value and reason of every way a row of a table can be broken."""

CELLS: dict[str, list[tuple[str, str, str]]] = {
    "accounts": [
        ("status", "frozen", "not_one_of"),
        ("status", CARDS[1], "not_one_of"),
        ("status_changed_at", "yesterday", "not_a_time"),
        ("country", "GER", "not_a_country"),
        ("country", "4", "not_a_country"),
        ("country", "XX", "null_word"),
        ("email", "canary.one at leak.example", "not_an_email"),
        ("email", "canary.one@leak", "not_an_email"),
        ("phone", "12-34", "not_a_phone"),
        ("phone", "4.47E+11", "lost_digits"),
        ("phone", "0000000000", "null_word"),
        ("signup_ip", "192.0.2.256", "not_an_ip"),
        ("signup_ip", E_MAILS[0], "not_an_ip"),
        ("signup_device", "NaN", "null_word"),
        ("signup_device", '{"id": "x"}', "nested_object"),
        ("user_agent", "x" * 65_537, "too_long"),
    ],
    "payments": [
        ("bin", "12345", "not_a_bin"),
        ("bin", CARDS[2], "not_a_bin"),
        ("issuer_country", "USA", "not_a_country"),
        ("payments", "-1", "negative"),
        ("payments", "1.5", "not_a_number"),
        ("payments", "9007199254740992", "too_large"),
    ],
    "sessions": [
        ("asn", "4294967296", "not_an_asn"),
        ("asn", "-5", "not_an_asn"),
        ("asn", "AS 64500 64501", "not_an_asn"),
        ("asn", "AS0", "null_word"),
        ("requests", "many", "not_a_number"),
        ("requests", "-3", "negative"),
    ],
    "prompts": [("requests", "-2", "negative")],
    "networks": [("asn", "4294967296", "not_an_asn"), ("country", "Holland", "not_a_country")],
    "identifiers": [
        ("first_seen", "soon", "not_a_time"),
        ("last_seen", CARDS[0], "not_a_time"),
        ("count", "-7", "negative"),
    ],
}
"""Column, value and reason of every way an optional cell can be unreadable: the cell is null, its row loads."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that must become a dead letter."""

    table: str
    file: str
    row: int
    column: str | None
    reason: str


def write(path: Path, *, broken: int = 1000, good: int = 500, form: str = "csv") -> list[Broken]:
    """Write a bundle with `broken` broken rows, spread over its tables, among `good` good ones each.

    Every fault of `FAULTS` occurs, and in CSV and NDJSON records that cannot be taken apart. Good
    accounts are `acct-0` to `acct-{good - 1}`; all planted values are in `CANARIES`.

    Args:
        form: `csv` or `ndjson`.
    """
    path.mkdir(parents=True, exist_ok=True)
    faults = [(table, *fault) for table, listed in FAULTS.items() for fault in listed]
    faults += [(table, "", "", "malformed_row") for table in FAULTS]
    planned: dict[str, list[tuple[str, str, str]]] = {table: [] for table in FAULTS}
    for i in range(broken):
        table, *fault = faults[i % len(faults)]
        planned[table].append((fault[0], fault[1], fault[2]))
    expected = []
    for table, listed in planned.items():
        records: list[str] = []
        spacing = max(1, good // (len(listed) + 1))
        placed = 0
        for number in range(good):
            records.append(_record(_good(table, number), form))
            while placed < len(listed) and (number % spacing == spacing - 1 or number == good - 1):
                column, value, reason = listed[placed]
                placed += 1
                records.append(_broken(table, number, column, value, reason, form))
                file = f"{table}.{form}"
                expected.append(Broken(table, file, len(records), column or None, reason))
                if number != good - 1:
                    break
        header = [",".join(_GOOD[table])] if form == "csv" else []
        (path / f"{table}.{form}").write_text("\n".join([*header, *records]) + "\n", encoding="utf-8")
    return expected


def write_cells(path: Path, form: str = "csv") -> None:
    """Write a bundle in which each row has one of `CELLS` in the order given, after one good row a table."""
    path.mkdir(parents=True, exist_ok=True)
    for table, listed in CELLS.items():
        records = [_record(_good(table, 0), form)]
        for number, (column, value, _) in enumerate(listed, start=1):
            records.append(_record(_good(table, number) | {column: value}, form))
        header = [",".join(_GOOD[table])] if form == "csv" else []
        (path / f"{table}.{form}").write_text("\n".join([*header, *records]) + "\n", encoding="utf-8")


def _good(table: str, number: int) -> dict[str, Any]:
    row = dict(_GOOD[table])
    if "account_id" in row:
        row["account_id"] = f"acct-{number}"
    if table == "accounts":
        row |= {"plan": f"plan of {E_MAILS[1]}", "display_name": CARDS[0], "organization": E_MAILS[0]}
        row |= {"signup_device": CARDS[1], "user_agent": E_MAILS[1]}
    elif table == "networks":
        row |= {"cidr": f"2001:db8:{number:x}::/48", "name": f"Net {CARDS[3]} {E_MAILS[0]}"}
    elif table == "prompts":
        row |= {
            "text": f"{row['text']}, pay with {CARDS[0]}, write to {E_MAILS[0]}",
            "model": f"m {CARDS[1]}",
        }
    elif table == "identifiers":
        row |= {"value": CARDS[4] if number % 2 else E_MAILS[1]}
    elif table == "sessions":
        row |= {"device": E_MAILS[0], "user_agent": CARDS[2]}
    elif table == "payments":
        row |= {"instrument": f"tok {E_MAILS[0]} {number}"}
    return row


def _broken(table: str, number: int, column: str, value: str, reason: str, form: str) -> str:
    row = _good(table, number)
    if reason == "malformed_row":
        return (
            f"{CARDS[0]},{E_MAILS[0]}"
            if form == "csv"
            else '{"account_id": "' + E_MAILS[0] + '", ' + CARDS[0]
        )
    row[column] = value
    return _record(row, form)


def _record(row: dict[str, Any], form: str) -> str:
    if form == "ndjson":
        return json.dumps({name: value or None for name, value in row.items()})
    return ",".join('"' + str(value).replace('"', '""') + '"' if value else "" for value in row.values())
