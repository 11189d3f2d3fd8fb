"""Names and e-mail addresses compared by their words: what speaks for one operator, what against, and what does not."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from bench.worlds import graph_of_bundle, tokens
from graphsvc.intake import read_bundle
from graphsvc.linkage.names import TextLinks, group_texts, link_texts
from graphsvc.linkage.texts import COMPARISONS, DISAGREE, SAME, SAME_ONE, compare_candidates, read_texts
from graphsvc.model.graph import SignalGraph
from graphsvc.signals import normalise

FIRST = ["ada", "berta", "carla", "dora", "emil", "fritz", "gustav", "hanna", "ida", "jonas"]
SYLLABLES = [one + two for one in "bdfgklmnprstvz" for two in ("a", "e", "i", "o", "u")]


def graph_of(path: Path, people: list[tuple[str | None, str | None]]) -> SignalGraph:
    """The graph of accounts with these e-mail addresses and names, in this order."""
    path.mkdir(exist_ok=True)
    columns = {"email": [each[0] for each in people], "display_name": [each[1] for each in people]}
    ids = [f"a{number:05d}" for number in range(len(people))]
    made = pl.Series(["2026-01-05T00:00:00Z"] * len(people)).str.to_datetime(time_zone="UTC")
    pl.DataFrame({"account_id": ids, "created_at": made, **columns}).write_parquet(path / "accounts.parquet")
    return graph_of_bundle(path, tokens())


def surname(rng: np.random.Generator) -> str:
    """A name that hardly any other has."""
    return "".join(rng.choice(SYLLABLES, 4))


def strangers(count: int, seed: int) -> list[tuple[str | None, str | None]]:
    """People of common first names, and surnames of which no two need be the same."""
    rng = np.random.default_rng(seed)
    found: list[tuple[str | None, str | None]] = []
    for _ in range(count):
        first, last = str(rng.choice(FIRST)), surname(rng)
        found.append((f"{first}.{last}@mail.example", f"{first.title()} {last.title()}"))
    return found


def bits_of(links: TextLinks, one: int, other: int) -> float | None:
    """Log2 odds of a pair; None where it is no candidate."""
    row = np.flatnonzero((links.source == one) & (links.target == other))
    return float(links.bits[row[0]]) if len(row) else None


def levels_of(graph: SignalGraph) -> dict[tuple[int, int], dict[str, int]]:
    """Level of each comparison by pair."""
    found = compare_candidates(read_texts(graph), 1 << 20)
    names = [comparison.name for comparison in COMPARISONS]
    return {
        (int(one), int(other)): dict(zip(names, map(int, row), strict=True))
        for one, other, row in zip(found.source, found.target, found.pairs.levels, strict=True)
    }


def together(group: NDArray[np.int32], *accounts: int) -> bool:
    """Whether accounts are of one group."""
    return len({int(group[each]) for each in accounts}) == 1 and group[accounts[0]] >= 0


def marked(words: pl.DataFrame) -> list[str]:
    """The words, each behind its mark."""
    return (words["mark"] + words["word"]).to_list()


def test_words_of_names() -> None:
    forms = ["~doejane", "~janedoe", "~janevan", "~janevandoe", "~vandoe"]
    initials = ["^djane", "^doej", "^janed", "^jdoe", "^jvandoe"]
    jane = marked(normalise.split_name(pl.Series(["Jane van Doe"])))
    assert sorted(jane) == sorted(["doe", "jane", "van", "=janevandoe", *forms, *initials])
    others = normalise.split_name(pl.Series(["Świgoń", "王小明", "4711", None, "x"]))
    assert others["row"].to_list() == [0, 0, 1, 1]
    assert marked(others) == ["swigon", "=swigon", "王小明", "=王小明"]


@pytest.mark.parametrize(
    ("email", "words", "handle"),
    [
        ("Jane.Doe+7@x.example", ["=janedoe", "doe", "jane"], "janedoe"),
        ("4711+jane@users.example", ["=jane", "jane"], "jane"),
        ("40090643@qq.example", ["=40090643"], "40090643"),
        ("w-hobi3@x.example", ["=whobi", "hobi"], "whobi"),
        ("a1@x.example", [], None),
    ],
)
def test_words_of_email_addresses(email: str, words: list[str], handle: str | None) -> None:
    assert sorted(marked(normalise.split_email(pl.Series([email])))) == words
    assert pl.DataFrame({"e": [email]}).select(normalise.normalize_email_handle(pl.col("e"))).item() == handle


def test_no_word_is_readable_in_the_graph(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, [("canary.finch@mail.example", "Canary Finch"), (None, "Finch")])
    columns = read_bundle(tmp_path, tokens(), lambda ids: ids.clear())
    held = [column.str.join(" ").item().lower() for column in graph.signals.iter_columns()]
    held += [frame.write_csv().lower() for frame in columns.values.values()]
    assert not any(word in text for text in held for word in ("canary", "finch", "canaryfinch", "cfinch"))
    # Each word alone is hashed: the two names have one in common.
    name = graph.signals.filter(pl.col("kind") == "display_name")["parent"].to_list()
    assert (
        len({word.lstrip("=") for word in name[0].split()} & {word.lstrip("=") for word in name[1].split()})
        == 1
    )
    assert all(re.fullmatch(r"[=~^]?[\w-]{8}", word) for text in name for word in text.split())


def test_of_two_divisions_of_a_handle_the_longer_counts(tmp_path: Path) -> None:
    people = [("janedoe@a.example", None), ("jane.doe@b.example", None)]
    words = [
        graph_of(tmp_path / str(number), order)
        .signals.filter(pl.col("kind") == "email_handle")["parent"]
        .item()
        for number, order in enumerate((people, people[::-1], people[1:]))
    ]
    assert words[0] == words[1] == words[2]
    assert len(words[0].split()) == 3


def test_names_compare_by_their_words(tmp_path: Path) -> None:
    people = [
        (None, "Jane Dorewu"), (None, "Dorewu, Jane"), (None, "Jane Q. Dorewu"), (None, "J. Dorewu"),
        (None, "Karl Dorewu"), ("jdorewu@mail.example", None), ("dorewu@mail.example", "Karl Meier"),
    ]  # fmt: skip
    levels = levels_of(graph_of(tmp_path, people + strangers(300, 1)))
    assert [levels[0, other]["name"] for other in range(1, 5)] == [SAME, SAME, 3, 4]
    assert levels[0, 5]["name_and_email"] == 3
    assert (levels[0, 6]["name"], levels[0, 6]["name_and_email"]) == (DISAGREE, 3)
    assert (0, 7) not in levels


def test_people_with_two_addresses_are_groups_of_two(tmp_path: Path) -> None:
    people: list[tuple[str | None, str | None]] = []
    rng = np.random.default_rng(12)
    for number in range(30):
        first, last = surname(rng), surname(rng)
        people.append((f"{first}.{last}@mail.example", f"{first} {last}"))
        other = (f"{last}.{first[0]}{number}@work.example", f"{last}, {first}")
        people.append(other if number % 2 else (f"77+{first}{last}@users.example", f"{first}{last}"))
    group = group_texts(link_texts(graph_of(tmp_path, people + strangers(600, 2))))
    assert sum(together(group, at, at + 1) for at in range(0, 60, 2)) >= 20
    assert (group[60:] >= 0).sum() <= 2


def test_full_names_that_disagree_are_evidence_against(tmp_path: Path) -> None:
    """The same rare handle, under the same name, no name, and another full name."""
    rest = strangers(600, 3)
    bits = []
    for number, name in enumerate(("Tibor Kovelasu", None, "Berta Zumirova")):
        people = [("kovelasu9@a.example", "Tibor Kovelasu"), ("kovelasu@b.example", name)]
        found = bits_of(link_texts(graph_of(tmp_path / str(number), people + rest)), 0, 1)
        assert found is not None
        bits.append(found)
    assert bits[0] > bits[1] > bits[2]


def test_a_common_surname_links_no_one(tmp_path: Path) -> None:
    """Twenty people of one surname, and of ten first names: some have one full name, and all that is chance."""
    rng = np.random.default_rng(4)
    people: list[tuple[str | None, str | None]] = []
    for number in range(20):
        first = str(rng.choice(FIRST))
        people.append((f"{first}{number}@mail.example", f"{first} Miller"))
    links = link_texts(graph_of(tmp_path, people + strangers(600, 5)))
    alike = (links.source < 20) & (links.target < 20)
    assert alike.sum() > 100
    assert not links.linked()[alike].any()


def test_an_address_of_many_people_links_no_one(tmp_path: Path) -> None:
    people = strangers(12, 6)
    shared = [("root@localhost.example", name) for _, name in people]
    links = link_texts(graph_of(tmp_path, shared + strangers(600, 7)))
    assert not links.linked().any()


def test_strangers_are_not_linked_however_many(tmp_path: Path) -> None:
    """Two thousand people, names of few words: hundreds share a full name, and no one is anyone's double."""
    rng = np.random.default_rng(8)
    last = [surname(rng) for _ in range(120)]
    people: list[tuple[str | None, str | None]] = []
    for number in range(2000):
        one, two = str(rng.choice(FIRST)), str(rng.choice(last))
        people.append((f"{one}.{two}{number}@mail.example", f"{one} {two}"))
    links = link_texts(graph_of(tmp_path, people))
    names = np.array([name for _, name in people])
    assert (names[links.source] == names[links.target]).sum() > 500
    assert links.linked().sum() < 5


def test_bits_are_the_sum_of_their_parts(tmp_path: Path) -> None:
    links = link_texts(graph_of(tmp_path, strangers(600, 9) + strangers(30, 9)))
    assert links.names[:2] == ("prior", "rarity")
    np.testing.assert_allclose(links.parts.sum(axis=1), links.bits, atol=1.0 / 8)
    assert (links.source < links.target).all()
    assert links.linked().sum() >= 25


def test_one_link_between_two_groups_joins_none() -> None:
    """Two triples whose members all agree, one pair between them that does too, and eight that disagree."""
    source, target, bits = [], [], []
    for one in range(6):
        for other in range(one + 1, 6):
            source.append(one)
            target.append(other)
            bits.append(6.0 if one // 3 == other // 3 or (one, other) == (2, 3) else -4.0)
    links = TextLinks(
        7, np.array(source, np.int32), np.array(target, np.int32), np.array(bits), np.zeros((15, 0)), (),
        None,  # type: ignore[arg-type]
    )  # fmt: skip
    assert group_texts(links).tolist() == [0, 0, 0, 1, 1, 1, -1]


@pytest.mark.parametrize("people", [[], [(None, None)] * 3, [("a.b@mail.example", "Ann Lee")]])
def test_nothing_to_compare_gives_no_links(
    tmp_path: Path, people: list[tuple[str | None, str | None]]
) -> None:
    links = link_texts(graph_of(tmp_path, [*people, (None, "Karl Meier")]))
    assert len(links) == 0
    assert (group_texts(links) == -1).all()


def test_names_alike_in_another_order_of_accounts(tmp_path: Path) -> None:
    people = strangers(200, 10) + strangers(20, 10)
    one, other = (
        link_texts(graph_of(tmp_path / str(number), order))
        for number, order in enumerate((people, people[::-1]))
    )
    last = len(people) - 1
    mirrored = {
        (last - int(b), last - int(a)): x
        for a, b, x in zip(other.source, other.target, other.bits, strict=True)
    }
    assert {(int(a), int(b)) for a, b in zip(one.source, one.target, strict=True)} == set(mirrored)
    for a, b, x in zip(one.source, one.target, one.bits, strict=True):
        assert mirrored[int(a), int(b)] == pytest.approx(x, abs=1e-6)


def test_single_words_alike(tmp_path: Path) -> None:
    people: list[tuple[str | None, str | None]] = [(None, "kovelasu77"), (None, "Kovelasu")]
    assert levels_of(graph_of(tmp_path, people + strangers(100, 11)))[0, 1]["name"] == SAME_ONE
