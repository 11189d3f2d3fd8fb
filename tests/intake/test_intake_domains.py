"""E-mail addresses of any script, and one domain however it is written."""

import unicodedata
from pathlib import Path

import idna
import polars as pl
import pytest
from exports import holders, nulls, read
from hypothesis import assume, given
from hypothesis import strategies as st

from graphsvc.intake.emails import read_emails
from graphsvc.signals.normalise import normalize_email_domain

LABELS = st.sampled_from(
    [
        "bücher",
        "почта",
        "उदाहरण",
        "ที่",
        "சிங்கப்பூர்",
        "例え",
        "بوابة",
        "straße",
        "παράδειγμα",
        "한국",
        "café",
        "mail",
        "i-net",
    ]
)


def domain_of(address: str) -> str | None:
    return pl.DataFrame({"e": [address]}).select(normalize_email_domain(pl.col("e"))).item()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user@foo_bar.example", "user@foo_bar.example"),
        ("user_name@example.com", "user_name@example.com"),
        ("user@example.com.", "user@example.com"),
        ("user@[192.0.2.1]", "user@[192.0.2.1]"),
        ("user@[IPv6:2001:db8::1]", "user@[IPv6:2001:db8::1]"),
        ("user@उदाहरण.भारत", "user@उदाहरण.भारत"),
        ("user@ที่.ไทย", "user@ที่.ไทย"),
        ("Jane Doe <jane@example.com>", "jane@example.com"),
        ("mailto:jane@example.com", "jane@example.com"),
        ("<jane@example.com>", "jane@example.com"),
        ("“jane@example.com”", "jane@example.com"),
        ("jane@example.com;", "jane@example.com"),
        ("jane at example.com", None),
        ("jane@example", None),
        ("jane@-x.example", None),
        ("a@b.example, c@d.example", None),
        ("jane", None),
    ],
)
def test_an_address_as_people_write_it(text: str, expected: str | None) -> None:
    given_ = pl.Series([text])
    assert read_emails(given_).to_list() == [expected]
    assert given_.to_list() == [text]


@given(
    st.lists(LABELS, min_size=2, max_size=3),
    st.sampled_from(["NFC", "NFD", "NFKC"]),
    st.booleans(),
    st.booleans(),
)
def test_one_domain_in_unicode_in_punycode_composed_or_not_and_in_any_case(
    labels: list[str], form: str, upper: bool, dotted: bool
) -> None:
    domain = ".".join(labels)
    expected = domain_of(f"a@{domain}")
    assert expected == unicodedata.normalize("NFC", domain).lower()
    written = unicodedata.normalize(form, domain)
    if upper:
        assume(written.upper().lower() == written)
        written = written.upper()
    punycode = idna.encode(domain, uts46=True).decode()
    for text in (written, punycode, punycode.upper()):
        address = f"user@{text}{'.' if dotted else ''}"
        found = read_emails(pl.Series([address])).item()
        assert found is not None, address
        assert domain_of(found) == expected


@pytest.mark.parametrize(
    "domain", ["xn--.example", "xn--a.example", "☕.example", "a_b.example", "xn--bcher-kva.-ü.example"]
)
def test_a_domain_that_idna_does_not_allow_stays(domain: str) -> None:
    assert domain_of(f"a@{domain}") is not None


@given(st.text(max_size=20))
def test_any_domain_comes_out_the_same_again(text: str) -> None:
    domain = domain_of(f"a@{text}") if read_emails(pl.Series([f"a@{text}"])).item() else None
    if domain is not None:
        assert domain_of(f"a@{domain}") == domain


def test_domains_of_a_bundle(tmp_path: Path) -> None:
    rows = {
        "hi": "user@उदाहरण.भारत", "hi-punycode": "user@xn--p1b6ci4b4b3a.xn--h2brj9c", "th": "user@ที่.ไทย",
        "ta": "user@சிங்கப்பூர்.example", "ru": "user@почта.рф", "de": "aaaa@bücher.example",
        "de-punycode": "bbbb@xn--bcher-kva.example", "de-nfd": "cccc@" + unicodedata.normalize("NFD", "bücher.example"),
        "de-capitals": "dddd@BÜCHER.EXAMPLE", "silent": "no address",
    }  # fmt: skip
    text = "account_id,created_at,email\n" + "".join(
        f"{name},2024-01-05,{mail}\n" for name, mail in rows.items()
    )
    columns = read(tmp_path, {"accounts.csv": text})
    assert columns.accounts.height == len(rows)
    assert columns.dead_letters.is_empty()
    assert holders(columns, "email_domain") == [
        {"de", "de-punycode", "de-nfd", "de-capitals"}, {"hi", "hi-punycode"}, {"ru"}, {"ta"}, {"th"},
    ]  # fmt: skip
    assert nulls(columns) == {("email", "not_an_email"): 1}


def test_one_local_part_composed_or_not(tmp_path: Path) -> None:
    composed = "zoë.müller@mail.example"
    rows = [composed, unicodedata.normalize("NFD", composed)]
    text = "account_id,created_at,email\n" + "".join(
        f"a{at},2024-01-05,{mail}\n" for at, mail in enumerate(rows)
    )
    assert holders(read(tmp_path, {"accounts.csv": text}), "email_handle") == [{"a0", "a1"}]


def test_a_domain_as_an_identifier_meets_those_of_addresses(tmp_path: Path) -> None:
    columns = read(
        tmp_path,
        {
            "accounts.csv": "account_id,created_at,email\na,2024-01-05,x@bücher.example\nb,2024-01-05,\n",
            "identifiers.csv": "account_id,kind,value\nb,email_domain,xn--bcher-kva.example\n",
        },
    )
    assert holders(columns, "email_domain") == [{"a", "b"}]
