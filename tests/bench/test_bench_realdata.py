"""Promise: the converters read what the repositories hold, and no name or address of theirs is in the bundle."""

import os
import subprocess
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measures.outside import join_equal
from bench.realdata import identities, sybil
from bench.realdata.__main__ import write_bundle
from bench.realdata.pseudonyms import Pseudonyms, fold
from bench.worlds import graph_of_bundle, tokens

KEY = b"a key for tests"
A, B, C, D, E, HUB = (f"0x{digit * 40}" for digit in "aBcdef")
NAMES = Pseudonyms(KEY)


def git(directory: Path, *arguments: str, author: str = "Test <test@example.org>", day: int = 1) -> None:
    name, email = author.rstrip(">").split(" <")
    date = f"2020-01-{day:02}T00:00:00Z"
    environment = os.environ | {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": email,
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.org",
        "GIT_COMMITTER_DATE": date,
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    command = ["git", "-C", str(directory), *arguments]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def commit(
    directory: Path, files: dict[str, str], author: str = "Test <test@example.org>", day: int = 1
) -> None:
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, encoding="utf-8")
    git(directory, "add", "-A")
    git(directory, "commit", "-m", "change", author=author, day=day)


@pytest.fixture
def airdrop(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    groups = f"""export const groups = [
  {{
    note: 'https://example.org/issues/1',
    preliminaryAddresses: [
      '{A}', '{B}'
    ]
  }},
  {{
    note: 'found by ourselves',
    preliminaryAddresses: ['{C}', '{D}']
  }},
  {{
    note: `issue 2`,
    preliminaryAddresses: ['{E}']
  }}
]"""
    commit(
        tmp_path,
        {
            "src/data/customGroups.ts": groups,
            "src/data/preliminaryAddresses.ts": f"export default ['{A}', '{B}', '{C}', '{D}', '{E}']",
            "src/data/eligibleAddresses.txt": f"{C}\n{D.upper().replace('X', 'x')}\n",
            "src/data/hopUserTimestamps.ts": f"{{ '{A}': 1600000000, '{B}': 1600000060, '{C}': 1500000000 }}",
            "src/data/transfers/one/batch_0.csv": f"from,to\n{A},{B}\n{A},{B}\n{C},{C}\n",
            "src/data/transfers/two/batch_0.csv": f"from,to,n\n\\x{HUB[2:]},{D},1\n",
        },
    )
    return tmp_path


def test_the_sybil_list_holds_reported_groups_and_those_reviewed(airdrop: Path) -> None:
    tables = sybil.convert(airdrop, NAMES)
    ids = {address: NAMES.replace_value(address.lower(), "acc_") for address in (A, B, C, D, E)}
    truth = {row["account_id"]: (row["campaign_id"], row["role"]) for row in tables["truth"].to_dicts()}
    assert truth == {
        ids[A]: ("h000", "operator"),
        ids[B]: ("h000", "operator"),
        ids[C]: (None, "eligible"),
        ids[D]: (None, "eligible"),
    }
    assert sorted(tables["accounts"]["account_id"]) == sorted(ids.values())
    created = dict(tables["accounts"].select("account_id", pl.col("created_at").dt.epoch("s")).rows())
    # An address whose first use is not known is as old as the oldest.
    assert (created[ids[B]], created[ids[E]]) == (1_600_000_060, 1_500_000_000)
    counterparty = {address: NAMES.replace_value(address.lower(), "x_") for address in (A, B, C, D, E, HUB)}
    uses = {(a, v): n for a, v, n in tables["identifiers"].select("account_id", "value", "count").rows()}
    own = {(ids[address], counterparty[address]): 1 for address in ids}
    assert uses == {
        **own,
        (ids[A], counterparty[B]): 2,
        (ids[B], counterparty[A]): 2,
        (ids[D], counterparty[HUB]): 1,
    }


def test_a_converted_set_goes_through_intake_and_names_no_address(airdrop: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    tables = sybil.convert(airdrop, NAMES)
    write_bundle(tables, bundle)
    graph = graph_of_bundle(bundle, tokens())
    assert (graph.accounts.height, len(graph.account)) == (5, 8)
    text = " ".join(str(table.rows()) for table in tables.values()).lower()
    assert not any(address[2:].lower() in text for address in (A, B, C, D, E, HUB))


def test_identities_are_people_by_the_mailmap(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    ada, ada_home, bob = "Ada Byron <ada@work.example>", "ada <Ada@gmail.com>", "Bob <bob@gmail.com>"
    commit(
        tmp_path,
        {".mailmap": "Ada Byron <ada@work.example> ada <ada@gmail.com>\n", "core/a/x.py": "1"},
        ada,
        1,
    )
    commit(tmp_path, {"core/a/x.py": "2", "core/a/y.py": "1"}, ada_home, 2)
    commit(tmp_path, {"core/a/x.py": "3"}, ada, 3)
    commit(tmp_path, {"docs/index.md": "1"}, bob, 4)
    tables = identities.convert(tmp_path, NAMES)
    people = tables["accounts"].join(tables["truth"], on="account_id").sort("created_at")
    assert people.height == 3
    groups = people["campaign_id"].to_list()
    assert groups[0] is not None
    assert groups[0] == groups[1]
    assert groups[2] is None
    assert people["role"].to_list() == ["operator", "operator", "single"]
    paths = tables["identifiers"].filter(pl.col("kind") == "path")
    shared = paths.filter(pl.len().over("value") > 1).join(people, on="account_id").sort("created_at")
    assert shared["count"].to_list() == [2, 1]
    assert shared["first_seen"].dt.day().to_list() == [1, 2]
    # A folder that one account changed is no signal; both of Ada's changed the first.
    assert tables["identifiers"].filter(pl.col("kind") == "folder").height == 2
    domains = people["email"].str.split("@").list.last().to_list()
    assert domains[1:] == ["gmail.com", "gmail.com"]
    assert domains[0] not in {"work.example", "gmail.com"}
    text = str([table.rows() for table in tables.values()]).lower()
    assert not any(word in text for word in ("byron", "bob", "core/", "index"))


@given(st.text(max_size=40))
def test_a_pseudonym_keeps_the_shape_of_a_text(text: str) -> None:
    replaced = NAMES.replace_tokens(text)
    assert replaced == NAMES.replace_tokens(text)
    assert [c for c in replaced if not c.isalnum()] == [c for c in text if not c.isalnum()]
    assert (replaced == "") == (text == "")


def test_pseudonyms_agree_where_values_do_and_only_under_one_key() -> None:
    assert NAMES.replace_tokens("José") == NAMES.replace_tokens("Jose").capitalize()
    assert NAMES.replace_tokens("J. Smith") != NAMES.replace_tokens("J. Smyth")
    assert len(NAMES.replace_tokens("J.")) == 2
    assert len(NAMES.replace_tokens("abc123").lstrip("abcdefghijklmnopqrstuvwxyz")) <= 3
    other = Pseudonyms(b"another key")
    assert other.replace_tokens("Smith") != NAMES.replace_tokens("Smith")
    assert other.replace_value("x") != NAMES.replace_value("x")
    assert NAMES.replace_domain("gmail.com") == "gmail.com"
    assert NAMES.replace_domain("mit.edu").endswith(".edu")
    assert NAMES.replace_domain("my-mac.local").endswith(".local")
    assert (fold("Éa"), fold("王")) == ("ea", "王")


def test_equal_addresses_or_names_make_one_group() -> None:
    rows = [
        ("1", "a@x.example", "Ada Byron"),
        ("2", "A@x.example", "ada"),
        ("3", "b@x.example", "Ada B. Yron"),
        ("4", None, "4711"),
        ("5", None, "4711"),
        ("6", "c@x.example", None),
    ]
    accounts = pl.DataFrame(rows, schema=["account_id", "email", "display_name"], orient="row")
    members = join_equal(accounts)
    # A name without a letter is none.
    assert members["account_id"].to_list() == ["1", "2", "3"]
    assert members["cluster_id"].n_unique() == 1
