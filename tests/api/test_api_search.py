"""Promise: whatever an investigator has of an account, a cluster or a signal finds it; raw values are found by their
tokens and are nowhere afterwards."""

import json
import logging
import re
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from api import Api, examples
from around import counted, served
from graphs import write_bundle
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.api.auth import keys
from graphsvc.intake import read_bundle
from graphsvc.intake.terms import LEAST_BITS, TooWide, build_range, has_card_number, parse_terms
from graphsvc.loading import load_bundle
from graphsvc.scoring.scalar_keys import make_keys
from graphsvc.settings import Settings
from graphsvc.signals.kinds import KINDS
from graphsvc.signals.tokens import Tokeniser, load_or_create_key
from graphsvc.statements import list_names, load_statement
from graphsvc.store import Store

MADE = "2026-03-01T05:00:00Z"
SEEN = {"account_id": "raw-1", "first_seen": MADE, "last_seen": MADE}
PROMPT = "Write a long and warm review of the little hotel by the sea, as a guest who stayed for a week."
RAW = {
    "email_handle": "Maria.Canary+7@mail.example.org",
    "phone": "+49 (170) 555-0123",
    "device": "canary device 0815",
    "instrument": "fp canary 4711",
    "display_name": "Canary, María",
    "organization": "Canary & Sons Ltd.",
    "user_agent": "Canary/5.0 (X11; Linux)",
    "prompt": PROMPT,
}
"""Raw values as people write them, by the kind of signal that they make."""
ADDRESSES = ["192.0.2.77", "2001:db8:0:1::5", "2001:db8::9", "2001:db8:1::2", "2001:db8:1:2::3", "192.0.3.1"]


@pytest.fixture(scope="module")
def api(
    open_database: Store, installation: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    with served(open_database, installation) as api:
        bundle = write_bundle(
            tmp_path_factory.mktemp("raw") / "bundle",
            accounts=[
                {
                    "account_id": "raw-1",
                    "created_at": MADE,
                    "email": RAW["email_handle"],
                    "phone": RAW["phone"],
                    "display_name": RAW["display_name"],
                    "organization": RAW["organization"],
                    "user_agent": RAW["user_agent"],
                }
            ],
            payments=[{**SEEN, "instrument": RAW["instrument"], "kind": "card"}],
            sessions=[
                {**SEEN, "ip": address, "device": RAW["device"], "requests": 1} for address in ADDRESSES
            ],
            prompts=[{**SEEN, "text": PROMPT, "requests": 1}],
            identifiers=[{**SEEN, "kind": "tls_fingerprint", "value": "canary-ja4", "count": 1}],
        )
        tokens = load_or_create_key(installation)
        load_bundle(open_database, bundle, tokens, tmp_path_factory.mktemp("dead"))
        yield api


QUERY = """query Find($text: String!, $kinds: [SearchKind!], $first: Int = 20) {
  search(text: $text, kinds: $kinds, first: $first) { hasMore hits { match description found {
    __typename ... on Account { id } ... on Cluster { clusterId: id } ... on Run { runId: id }
    ... on Signal { key kind value degree } ... on AddressRange { cidr } ... on AutonomousSystem { asn } } } } }"""


def search(api: Api, text: str, **how: object) -> list[tuple[str, str]]:
    """Why, and what: its id, kind, CIDR or number."""
    found = []
    for hit in api.data(QUERY, text=text, **how)["search"]["hits"]:
        what = hit["found"]
        kind = what.pop("__typename")
        name = {"Account": "id", "Cluster": "clusterId", "Run": "runId", "Signal": "kind"}.get(kind)
        found.append((hit["match"], str(what[name or ("cidr" if kind == "AddressRange" else "asn")])))
        assert hit["description"]
    return found


def test_ids_and_how_they_begin(api: Api) -> None:
    assert search(api, "a09") == [("ID", "a09")]
    assert search(api, " a09 ") == [("ID", "a09")]
    assert search(api, "a0", kinds=["ACCOUNT"]) == [("ID_PREFIX", f"a0{i}") for i in range(1, 10)]
    assert search(api, "c-large") == [("ID", "c-large")]
    assert search(api, "c-") == [("ID_PREFIX", "c-large"), ("ID_PREFIX", "c-small")]
    assert search(api, "c-old") == [("FORMER_ID", "c-small")]
    assert search(api, "run-2") == [("ID", "run-2")]
    assert search(api, "nobody") == []


def test_signals_by_key_handle_value_and_domain(api: Api) -> None:
    assert search(api, "instrument:k1.c4") == [("KEY", "instrument")]
    assert search(api, "k1.c4") == [("VALUE", "instrument")]
    handle = api.data(QUERY, text="203.0.113.7")["search"]["hits"][0]["found"]["key"]
    assert handle.startswith("ip:~")
    assert search(api, handle) == [("KEY", "ip")]
    assert ("DOMAIN", "email_domain") in search(api, "Example.COM")
    assert ("DOMAIN", "email_domain") in search(api, "somebody@example.com")
    assert search(api, "email_domain:example.com") == [("KEY", "email_domain")]


@pytest.mark.parametrize("kind", sorted(RAW))
def test_raw_values_are_found_as_loading_made_them(api: Api, kind: str) -> None:
    hits = search(api, RAW[kind])
    assert ("RAW", kind) in hits
    assert all(match in ("RAW", "DOMAIN") for match, _ in hits)


def test_raw_values_are_found_however_they_are_written(api: Api) -> None:
    assert ("RAW", "phone") in search(api, "0049 170 5550123")
    assert ("RAW", "email_handle") in search(api, "maria.canary@other.example")
    assert ("RAW", "display_name") in search(api, "canary  MARÍA")
    assert ("RAW", "device") in search(api, f"device:{RAW['device']}")
    assert ("RAW", "tls_fingerprint") in search(api, "tls_fingerprint:canary-ja4")
    other = PROMPT.replace("a week", "three days")
    assert ("RAW", "prompt") in search(api, other)  # most of the template is the same


def test_every_tokenised_kind_can_be_looked_for() -> None:
    assert {kind.name for kind in KINDS if kind.tokenised} - {"identifier"} == set(RAW)


def test_addresses_ranges_and_systems(api: Api) -> None:
    assert search(api, "203.0.113.7") == [("ADDRESS", "ip"), ("HOLDS", "203.0.113.0/24")]
    assert search(api, "::ffff:203.0.113.7")[0] == ("ADDRESS", "ip")
    assert search(api, "203.0.113.99") == [("HOLDS", "203.0.113.0/24")]
    assert search(api, "203.0.113.0/24") == [("IN_RANGE", "ip")] * 2 + [("HOLDS", "203.0.113.0/24")]
    assert search(api, "203.0.113.0/28") == [("IN_RANGE", "ip"), ("HOLDS", "203.0.113.0/24")]
    assert search(api, "192.0.2.0/23") == [("IN_RANGE", "192.0.2.0/24"), ("IN_RANGE", "192.0.3.0/24")]
    assert search(api, "192.0.3.0/24", kinds=["RANGE"]) == [("HOLDS", "192.0.3.0/24")]
    assert search(api, "192.0.0.0/8", kinds=["RANGE"], first=1) == [("IN_RANGE", "192.0.2.0/24")]
    assert search(api, "AS64500") == search(api, "as64500") == [("NUMBER", "64500")]
    assert search(api, "AS1") == []


def test_a_viewer_names_handles_and_networks_but_no_address(api: Api, installation: Settings) -> None:
    """Else 256 questions would tell which address of a /24 a handle stands for."""
    viewer = Api(api.client, keys.create_key(installation.keys_dir, keys.Role.VIEWER))
    handle = api.data(QUERY, text="203.0.113.7")["search"]["hits"][0]["found"]["key"]
    assert search(viewer, handle) == [("KEY", "ip")]
    assert search(viewer, "203.0.113.0/24") == [("IN_RANGE", "ip")] * 2 + [("HOLDS", "203.0.113.0/24")]
    assert search(viewer, "2001:db8::/64", kinds=["RANGE"]) == [("HOLDS", "2001:db8::/48")]
    asked = [(QUERY, {"text": text}) for text in (
        "203.0.113.7", "ip:203.0.113.7", "203.0.113.7/32", "203.0.113.6/31", "::ffff:203.0.113.7", "2001:db8:0:1::5",
        "203.0.113.250",  # nobody's: a refusal must not tell
    )]  # fmt: skip
    asked += [("query($k: String!) { signal(key: $k) { key } }", {"k": "ip:203.0.113.7"})]
    asked += [("query($k: String!) { signal(key: $k) { key } }", {"k": "ip:203.0.113.250"})]
    asked += [
        (
            "query($k: String!) { clusters(filter: {signalKey: $k}) { edges { node { id } } } }",
            {"k": "ip:203.0.113.7"},
        )
    ]
    asked += [
        (
            'query($k: String!) { counterfactual(cluster: "c-large", withoutSignals: [$k]) { descriptions } }',
            {"k": "ip:203.0.113.7"},
        )
    ]
    for query, values in asked:
        error = viewer.error(query, **values)
        assert error["extensions"]["code"] == "forbidden", values
        assert "analyst" in error["message"]


def test_ranges_of_ipv6(api: Api) -> None:
    """What is shown is the /48 of each; how many there are tells which were found."""
    for text, expected in {
        "2001:db8::/32": 4,
        "2001:db8::/48": 2,
        "2001:db8:1::/48": 2,
        "2001:db8::/64": 1,
        "2001:db8:0:1::/64": 1,
        "2001:db8::/33": 4,
        "2001:db8:8000::/33": 0,
        "2001:db8:1:2:aaaa::1": 1,
    }.items():
        assert len(search(api, text, kinds=["RANGE"])) == expected, text
    assert search(api, "2001:DB8:0:1:0::5")[0] == ("ADDRESS", "ip")


def test_too_wide_ranges_and_empty_texts_are_refused(api: Api) -> None:
    for text in ("11.0.0.0/7", "2000::/3", "", "   ", "x" * 20_001):
        error = api.error(QUERY, text=text)
        assert error["extensions"]["code"] == "bad_input"


def test_there_is_more(api: Api) -> None:
    page = api.data(QUERY, text="a", first=3)["search"]
    assert (len(page["hits"]), page["hasMore"]) == (3, True)
    page = api.data(QUERY, text="a09", first=1)["search"]
    assert (len(page["hits"]), page["hasMore"]) == (1, False)


def test_a_search_is_a_few_statements(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    statements = counted(monkeypatch)
    for text in ("a", "203.0.113.0/24", PROMPT, RAW["email_handle"], "c-large"):
        statements.clear()
        search(api, text)
        assert set(statements.values()) == {1}
        assert len(statements) <= 6


def operators(plan: dict[str, Any]) -> set[str]:
    return {plan["operatorType"].split("@")[0]}.union(*(operators(each) for each in plan.get("children", [])))


@pytest.mark.parametrize("name", [name for name in list_names() if name.startswith("query/search_")])
def test_every_part_of_a_search_is_a_seek_in_an_index(api: Api, open_database: Store, name: str) -> None:
    parameters = dict.fromkeys(re.findall(r"\$(\w+)", load_statement(name).text))
    result = open_database.driver.execute_query(
        f"EXPLAIN {load_statement(name).text}", parameters, database_=open_database.address.database
    )
    used = operators(result.summary.plan or {})
    assert any("Seek" in each for each in used), used
    assert not [each for each in used if each.endswith("Scan")], used


CARDS = ["4111 1111 1111 1111", "instrument:4111111111111111", "4111-1111-1111-1111", " 5500005555555559 "]


def bare(text: str) -> str:
    return "".join(each for each in text if each.isalnum())


def test_card_numbers_are_refused_before_anything_is_asked(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    statements = counted(monkeypatch)
    caplog.set_level(logging.DEBUG)
    for card in CARDS:
        answer = api.post(QUERY, text=card).text
        assert "card number" in answer
        digits = "".join(each for each in card if each.isdigit())
        assert digits not in bare(answer)
        assert digits not in bare(caplog.text)
    assert not statements


def canaries() -> list[str]:
    """What must be nowhere: the local part, the digits and the words of the raw values."""
    return [
        "Maria.Canary",
        "maria.canary",
        "mariacanary",
        "5550123",
        "555-0123",
        "canary device",
        "fp canary",
    ]


def test_raw_values_are_nowhere_after_a_search(
    api: Api,
    open_database: Store,
    installation: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    parameters: list[Any] = []
    counted(monkeypatch, parameters)
    answers = [api.post(QUERY, text=value).text for value in RAW.values()]
    # In documents that fail, each in its own way: by type, by shape, by the field, by what is left.
    mail = RAW["email_handle"]
    failing = [
        api.post(QUERY, text=[mail]),
        api.post(QUERY, text={"value": mail}),
        api.post(QUERY, text=mail, first=0),
        api.post(QUERY, text=mail, kinds=[mail]),
        api.post(f'{{ search(text: "{mail}") {{ nothing }} }}'),
        api.post(f'{{ search(text: {{value: "{mail}"}}) {{ hasMore }} }}'),
        api.post(f'{{ search(text: "{mail}" '),
        api.post(f'{{ search("{mail}") }}'),
        api.post(f'{{ search(text: "x", kinds: ["{mail}"]) {{ hasMore }} }}'),
        api.post("query Q($f: ClusterFilter) { clusters(filter: $f) { totalCount } }", f={mail: 1}),
        api.post(
            "query Q($f: ClusterFilter) { clusters(filter: $f) { totalCount } }", f={"joinedSince": mail}
        ),
        api.post(QUERY, text=int("5550123" * 2)),
        api.post("query Q($f: ClusterFilter) { clusters(filter: $f) { totalCount } }", f={f"o'{mail}": 1}),
        api.post(QUERY, text="x", kinds=[f"o'{mail}"]),
    ]
    assert all("errors" in each.json() for each in failing)
    everywhere = {
        "answers": "\n".join(answers),
        "errors": "\n".join(each.text for each in failing),
        "parameters": json.dumps(parameters, default=str),
        "log": caplog.text,
        "output": "".join(capfd.readouterr()),
        "database": "\n".join(str(values) for (values,) in open_database.stream("tests/all_values")),
        "files": "\n".join(
            path.read_text(encoding="utf-8", errors="replace")
            for path in Path(installation.data_dir).rglob("*.log")
        ),
    }
    found = [(where, each) for where, text in everywhere.items() for each in canaries() if each in text]
    assert not found
    assert RAW["prompt"] not in "".join(everywhere.values())


networks = st.one_of(
    st.builds(
        lambda address, bits: ip_network((address, bits), strict=False),
        st.integers(0, 2**32 - 1),
        st.integers(LEAST_BITS[4], 32),
    ),
    st.builds(
        lambda address, bits: ip_network((address + (0x2000 << 112), bits), strict=False),
        st.integers(0, 2**125 - 1),
        st.integers(LEAST_BITS[6], 128),
    ),
)


def place(prefix: IPv4Network | IPv6Network) -> str:
    """What `query/search_ranges` makes of the text of a /24 or /64."""
    separator, groups, digits = (".", 3, 3) if prefix.version == 4 else (":", 4, 4)
    parts = [*str(prefix).split("/")[0].split(separator), "", "", "", ""]
    return "".join(parts[i].zfill(digits) for i in range(groups))


@given(networks, networks, st.booleans())
def test_a_range_of_texts_holds_what_the_range_of_addresses_does(
    wide: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network, inside: bool
) -> None:
    if inside:  # else a pair hardly ever meets
        other = wide
    unit, length = (24, 32) if other.version == 4 else (64, 128)
    size = 1 << (length - unit)
    prefix = ip_network((int(other.network_address) // size * size, unit))
    found = build_range(str(wide))
    widest = 24 if wide.version == 4 else 64
    whole = wide if wide.prefixlen <= widest else wide.supernet(new_prefix=widest)
    holds = whole.version == prefix.version and whole.supernet_of(prefix)  # type: ignore[arg-type]
    by_text = str(prefix).startswith(found.stem) and found.low <= place(prefix) <= found.high
    assert by_text == holds


@given(st.text(min_size=1))
def test_any_text_stands_for_something_or_nothing(text: str) -> None:
    """No text is an error but a range that is too wide; what looks like an e-mail address is never an id. Keys that are
    made value by value are those that the columns make."""
    tokens = Tokeniser(b"a key for tests, 32 bytes long..", "test")
    has_card_number(text)
    try:
        found = parse_terms(text.strip() or "x", tokens)
    except TooWide:
        return
    assert parse_terms(text.strip() or "x", tokens, make_keys) == found
    assert found.id is None or "@" not in found.id
    assert len({key for key, *_ in found.keys}) == len(found.keys) < 20


def test_the_same_normalisers_as_loading(tmp_path: Path) -> None:
    """The keys of what is typed are those that intake makes of the same values."""
    tokens = Tokeniser(b"a key for tests, 32 bytes long..", "test")
    bundle = write_bundle(
        tmp_path / "bundle",
        accounts=[
            {"account_id": "x", "created_at": MADE, "email": RAW["email_handle"], "phone": RAW["phone"]}
        ],
    )
    columns = read_bundle(bundle, tokens)
    loaded = set(pl.concat([each["key"].to_frame() for each in columns.values.values()])["key"])
    typed = {
        key for text in (RAW["email_handle"], RAW["phone"]) for key, *_ in parse_terms(text, tokens).keys
    }
    assert loaded <= typed


def test_every_example_of_the_documentation_answers(api: Api) -> None:
    for data in examples(api, "search", text="a09"):
        assert data["search"]["hits"]
