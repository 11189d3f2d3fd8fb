"""Promise: a sign-up that is read value by value is the same, to the last byte, as one that the columns read: keys,
former keys, what they are part of, moment, and what could not be read."""

import ast
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphsvc.intake.bundle import find_files
from graphsvc.intake.nulls import DEVICE_WORDS, WORDS
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.readers import read_chunks
from graphsvc.intake.schemas import SCHEMAS, list_columns
from graphsvc.scoring.scalars import read_signup
from graphsvc.scoring.signups import DEVICE, Signups, join_signups, list_signup_columns, read_signups
from graphsvc.signals.prompts import compute_bands, compute_bands_of_text
from graphsvc.signals.tokens import Tokeniser

OLDER = (
    Tokeniser(b"an older key, 32 bytes long.....", "old"),
    Tokeniser(b"an oldest key, 32 bytes long....", "was"),
)
TOKENS = Tokeniser(b"a key for tests, 32 bytes long..", "test", OLDER)
VALUES = tuple(name for name in list_signup_columns() if name != "account_id")


Row = tuple[dict[str, str], list[tuple[str, str]]]


def by_columns(rows: list[Row]) -> Signups:
    frame = pl.DataFrame(
        [{"account_id": None, **columns} for columns, _ in rows],
        schema=dict.fromkeys(
            ["account_id", *{name: None for columns, _ in rows for name in columns}], pl.String
        ),
    )
    others = pl.DataFrame(
        [(place, *pair) for place, (_, identifiers) in enumerate(rows) for pair in identifiers],
        schema={"account": pl.Int32, "kind": pl.String, "value": pl.String},
        orient="row",
    )
    return read_signups(frame, TOKENS, identifiers=others)


def assert_same(*rows: Row) -> Signups:
    wanted = by_columns(list(rows))
    found = join_signups([read_signup(columns, identifiers, TOKENS) for columns, identifiers in rows])
    assert found.created_at.tolist() == wanted.created_at.tolist()
    for name in ("keys", "wholes", "unread"):
        mine, theirs = (group_by_account(getattr(part, name)) for part in (found, wanted))
        for place, row in enumerate(rows):
            assert mine[place] == theirs[place], (name, row)
    return found


def group_by_account(parts: Iterable[Any]) -> defaultdict[int, list[Any]]:
    groups: defaultdict[int, list[Any]] = defaultdict(list)
    for part in parts:
        groups[part.account].append(part)
    return groups


SPECIAL = [
    "", " ", "\t", "\u00a0", "\x1c", "\x00", "abc\x00\x00", '="4711"', "\\N", "NA", "na", "N/A",
    "NULL", "unknown",
    "0", "00", "000", "0000", "00000000-0000-0000-0000-000000000000", "{00000000000000000000000000000000}",
    "0:0:0:0", "+0000", "1001.0", "1001,0", "411.000", "1.5", "4.47E+11", "1.001E+03", "12e4",
    "4.4E+１１", '{"$oid": "65a"}',
    '{"a": 1}', "[1, 2]", "[2001:db8::1]:443", 'ObjectId("65a4f3b2c1d0e9f8a7b6c5d4")', "dev-1", " Dev-1 ", "ﬁne",
    "9774d56d682e549c", "02:00:00:00:00:00", "İstanbul", "ΣΊΣΥΦΟΣ", "ß", "Jane Doe", "Jané  Doe",
    "Jane\u0301 Doe",
    "李小龙", "Łukasz O'Brien-Smith 3rd", "½ ②", "٣٤٥", "+1 (555) 123-4567", "0049 30 1234567", "٠٠٤٩١٢٣٤٥٦٧",
    "12", "x" * 300, "4242424242424242", "4242 4242 4242 4242", "4242424242424241", "AS64500",
    "64500", "0064500",
    "4294967296", "-5", "5.0", "424242", "42", "12345678", "123456789",
    "203.0.113.9", "203.0.113.9:443", "203.000.113.009", "::ffff:203.0.113.9", "2001:DB8:0:0::1",
    "2001:db8::1%eth0",
    "0.0.0.0",  # noqa: S104 - a value, nothing listens
    "fe80::1", "::", "::1", "127.0.0.1", "10.0.0.1", "10.0.0.1, 203.0.113.9",
    "for=203.0.113.9;proto=https",
    "255.255.255.255", "224.0.0.1", "169.254.1.1", "ff02::1", "::203.0.113.9",
    "64:ff9b::203.0.113.9", "999.1.1.1",
    "203.0.113.9/32", "1.2.3", "64::/64", "::1:0:0", "0:0:0:0:1::",
    "jane.doe+x@example.org", "Jane.Doe@EXAMPLE.org.", "Jane <jane@example.org>", "mailto:jane@example.org",
    "MAILTO:jane@example.org", "4711+jane@users.example", "a@b", "a@@b.c", "jane@bücher.example",
    "jane@xn--bcher-kva.example",
    "jane@xn--zz.example", "jané@example.org", "j@[203.0.113.9]", "<jane@example.org>",
    "ab@example.org", "a1b2@example.org",
    "jane@exa_mple.org", "jane@example。org", "+@example.org", "Σίσυφος@example.org",
    "referral code", "Referral-Code", "phone", "ip", "email_domain", "instrument", "prompt",
    "prefix", "bin", "a@b",
    "1234567890x", "_x_", "a__b", "email domain", "système",
]  # fmt: skip
TIMES = [
    "2026-01-05T10:00:00Z", "2026-01-05T10:00:00+00:00", "2026-01-05T10:00:00.123456+05:30",
    "2026-01-05 10:00:00",
    "2026-01-05T10:00:00.1234567Z", "2026-01-05T10:00:60Z", "2026-02-30T10:00:00Z", "1767607200",
    "1767607200000",
    "1969-12-31T23:59:59.999999+00:00", "1970-01-01T00:00:00Z", "9999-12-30T00:00:00Z",
    "9999-12-31T23:00:00-05:00",
    "05/01/2024", "13/01/2024", "Jan 5, 2026 10:00 PM", "yesterday", "2026-01-05T10:00:00+24:00", "null", " ",
    " 2026-01-05T10:00:00Z ", "2026-01-05T10:00:00+01:00[Europe/Berlin]", "2026-01-05T10:00Z",
    "20260105T100000Z",
    "1700-01-01T00:00:00Z", "2026-01-05T24:00:00Z", "2026-01-05t10:00:00z", "１３/01/2024",
    "2026-01-05T１0:00:00Z", "２０２６-01-05T10:00:00Z",
]  # fmt: skip
PROMPTS = [
    "You are a patient teacher. Explain photosynthesis to a child of nine in three short paragraphs.",
    "Fix this:\n```py\nprint(1)\n```\nand `this` too", "```open\nnever closed",
    "    indented\n\tcode\nand text here",
    "See https://example.org/a?b=c or www.example.org, mail jane@example.org",
    "“Quoted text” and «other» 'one' don’t",
    "C:\\temp\\x.txt ~/src/main.py ./run.sh ../up", "id 123e4567-e89b-12d3-a456-426614174000 and v1.2.3 ½ ② Ⅷ",
    "翻译这句话", "Übersetze „Grüße“ ins Englische – bitte.", "word " * 300, "x" * 500, "1 2 3", "!?",
    "Τι κάνεις ΣΊΣΥΦΟΣ;",
    "zero\u200bwidth and no\u00a0break", "emoji 👩\u200d🚀 and 🎉 words", "e\u0301tude de cas",
    "a b c a b c a b c", "\\N",
    "Переведи текст на английский язык, пожалуйста, и сократи его до трёх предложений.",
    "İ ı ſ K words", "İttp://example.org and more words",
]  # fmt: skip


def list_plain_texts() -> Iterator[str]:
    yield from SPECIAL
    yield from TIMES
    yield from sorted(WORDS | DEVICE_WORDS)
    yield from (word.upper() for word in sorted(WORDS))


@pytest.mark.parametrize("name", VALUES)
def test_any_value_of_a_column_is_read_alike(name: str) -> None:
    texts = PROMPTS + SPECIAL if name == "text" else list(list_plain_texts())
    found = assert_same(*(({name: text}, []) for text in texts))
    # Parts of nothing are unread; of all other columns some values are read, and others are not.
    read = len(texts) - len({each.account for each in found.unread})
    assert (read == 0) if name in ("bin", "asn") else 5 < read < len(texts)


def test_any_value_of_an_identifier_is_read_alike() -> None:
    kinds = ("referral", "ip", "email_domain", "instrument", "phone", "prompt", "prefix", "user_agent")
    pairs = [(kind, text) for kind in kinds for text in SPECIAL]
    assert_same(*(({}, [pair]) for pair in [*pairs, *((kind, "R-7") for kind in list_plain_texts())]))


def test_values_that_depend_on_each_other_are_read_alike() -> None:
    others = [("ip", "203.0.113.9"), ("phone", "+1 555 123 4567"), ("device", "d")]
    alike: defaultdict[frozenset[str], list[Row]] = defaultdict(list)
    for columns in (
        {"instrument": "pm_1", "bin": "424242"},
        {"instrument": "4242424242424242", "bin": "424242"},
        {"instrument": "none", "bin": "424242", "signup_device": "d"},
        {"bin": "424242", "asn": "64500"},
        {"ip": "203.0.113.9", "asn": "AS64500", "signup_ip": "203.0.113.9"},
        {"ip": "203.0.113.9", "asn": "64500", "signup_ip": "198.51.100.7"},
        {"ip": "127.0.0.1", "asn": "64500"},
        {"ip": "203.0.113.9", "asn": "0"},
        {"text": "Some words here", "fingerprint": "fp"},
        {"text": "Some words here", "fingerprint": " "},
        {"text": "Some words here", "fingerprint": "none"},
        {"text": "Some words here", "fingerprint": "\x00"},
        {"text": "\\N", "fingerprint": "fp"},
        {"text": "  ", "fingerprint": "fp"},
        {"signup_device": "d", "device": "d"},
    ):
        alike[frozenset(columns)] += [(columns, []), (columns, others)]
    for rows in alike.values():  # as tables: of those with the same columns, none lacks a value
        assert_same(*rows)
    systems = [({"ip": f"203.0.113.{i}", "asn": text}, []) for i, text in enumerate(SPECIAL)]
    assert_same(*systems)
    assert_same(*(({"instrument": f"pm_{i}", "bin": text}, []) for i, text in enumerate(SPECIAL)))


ALPHABET = st.one_of(
    st.sampled_from("aZ09 .,:;@+-_/\\\"'`{}[]()<>=%|\n\t\r\0ßİΣς½②Ⅷ李ถ\u0301\u200d\u00a0\u1c89"),
    st.characters(max_codepoint=0x24F),
    st.characters(exclude_categories=["Cs"]),
)
TEXTS = st.text(ALPHABET, max_size=24)
PIECES = st.lists(
    st.one_of(st.sampled_from([*SPECIAL, *TIMES, *PROMPTS]), TEXTS), min_size=1, max_size=3
).map("".join)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(VALUES), st.one_of(TEXTS, st.sampled_from([*SPECIAL, *TIMES]), PIECES)),
    st.lists(
        st.tuples(st.one_of(st.sampled_from(["referral", "ip", "phone", "email_domain"]), TEXTS), PIECES),
        max_size=3,
    ),
)
def test_any_sign_up_is_read_alike(columns: dict[str, str], identifiers: list[tuple[str, str]]) -> None:
    assert_same((columns, identifiers))


@given(st.one_of(TEXTS, PIECES, st.lists(TEXTS, max_size=12).map(" ".join)))
@example("a" * 64)
@example("don't don’t ''a")
def test_any_prompt_has_the_same_bands(text: str) -> None:
    found = compute_bands_of_text(text) if text.isprintable() else None
    assert found in (None, compute_bands(pl.Series([text]))["band"].to_list())


def test_sign_ups_that_are_joined_are_those_of_a_table() -> None:
    rows = [{"instrument": "pm_1", "phone": "12"}, {}, {"signup_ip": "203.0.113.9", "created_at": TIMES[0]}]
    joined = join_signups([read_signup(row, [], TOKENS) for row in rows])
    table = read_signups(pl.DataFrame(rows, schema=dict.fromkeys(VALUES, pl.String)), TOKENS)
    assert (joined.keys, joined.wholes, joined.unread) == (table.keys, table.wholes, table.unread)
    assert joined.created_at.tolist() == table.created_at.tolist()


def test_characters_that_print_are_known_alike() -> None:
    """Every character that is read value by value is a letter, number, mark, digit, blank and word alike."""
    known = [chr(code) for code in range(0x110000) if chr(code).isprintable()]
    frame = pl.DataFrame({"text": known})
    for pattern in (r"\p{L}", r"\p{N}", r"\p{M}", r"\d", r"\s", r"\w", r"[\p{L}\p{N}_]", r"(?i)[a-z]"):
        mine = regex.compile(pattern)
        theirs = frame["text"].str.contains(f"^(?:{pattern})$").to_list()
        different = [
            c for c, there in zip(known, theirs, strict=True) if (mine.fullmatch(c) is not None) != there
        ]
        # Of prompts with this letter the columns find the bands.
        assert different == (["İ"] if pattern == "(?i)[a-z]" else []), pattern
    for change, theirs in (
        (str.lower, pl.col("text").str.to_lowercase()),
        (lambda c: unicodedata.normalize("NFKC", c), pl.col("text").str.normalize("NFKC")),
        (lambda c: unicodedata.normalize("NFC", c), pl.col("text").str.normalize("NFC")),
    ):
        changed = frame.select(theirs).to_series().to_list()
        assert [c for c, there in zip(known, changed, strict=True) if change(c) != there] == []


def list_exports(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the texts of the columns that a sign-up has, too, in the bundles below a directory."""
    same = {"device": DEVICE, "first_seen": "created_at", "last_seen": "created_at", "value": "instrument"}
    for directory in sorted({path.parent for path in root.rglob("*.*")}):
        for table, files in find_files(directory, list(SCHEMAS)).tables.items():
            for file in files:
                for chunk in read_chunks(file, list(list_columns(table)), ReadOptions()):
                    for column in chunk.frame.iter_columns():
                        name = same.get(column.name, column.name)
                        if name in VALUES and column.dtype in (pl.String, pl.Binary):
                            texts = (
                                column.cast(pl.String, strict=False).drop_nulls().unique(maintain_order=True)
                            )
                            if len(texts):
                                yield name, texts.to_list()


def test_values_of_exports_are_read_alike() -> None:
    columns: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for name, texts in list_exports(Path(__file__).parents[1] / "fixtures" / "exports"):
        columns[name] |= dict.fromkeys(texts)
    assert {"email", "created_at", "ip", "instrument"} <= set(columns)
    for name, values in columns.items():
        assert_same(*(({name: text}, []) for text in values))


@pytest.mark.slow
@pytest.mark.parametrize("name", VALUES)
def test_values_in_tests_of_the_intake_are_read_alike(name: str) -> None:
    texts: dict[str, None] = {}
    for path in sorted((Path(__file__).parents[1] / "intake").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts |= dict.fromkeys([node.value, *re.split(r"[,;\t\n]", node.value)])
    known = [text for text in texts if not any(0xD800 <= ord(each) <= 0xDFFF for each in text)]
    assert len(known) > 1_000
    assert_same(*(({name: text}, []) for text in known))
