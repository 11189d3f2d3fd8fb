"""Promise: an answer names the nearest published clusters and why, minds shared values, says what is missing,
recommends by the installation's thresholds, and holds no account and no value."""

import math
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small import graph_of

from graphsvc.errors import ExportError, IndexDamaged, IndexMissing
from graphsvc.linkage.bits import with_levels
from graphsvc.linkage.signals import Incidence
from graphsvc.model.clusters import CLUSTERS, LINKS, MEMBERS, SHARED, Found
from graphsvc.model.graph import SignalGraph
from graphsvc.scoring.answers import Recommendation, Score, Thresholds, score_signups
from graphsvc.scoring.files import IndexFiles
from graphsvc.scoring.index import ScoreIndex, add_predecessors, build_index, digest_keys, find_digests
from graphsvc.scoring.signups import read_signups
from graphsvc.signals.tokens import Tokeniser
from graphsvc.succession.successions import find_successions

TOKENS = Tokeniser(b"a key for tests, 32 bytes long..", "test")
ACCOUNTS, RING = 400, 10
DAY = 86_400_000
GONE, BANNED_AT = 390, 398 * DAY
"""An account that was banned a day before the last sign-up."""


def tokenised(column: str, *values: str) -> list[str]:
    """The keys of values of one column, in their order."""
    return [each.key for each in read_signups(pl.DataFrame({column: values}), TOKENS).keys]


@cache
def known_graph() -> SignalGraph:
    """A ring of ten that shares a card and a device, a class on one campus, and strangers."""
    cards, devices = (
        [tokenised("instrument", each)[0] for each in ("pm_ring", "pm_class", "pm_gone")],
        [tokenised("signup_device", each)[0] for each in ("dev_ring", "dev_shop", "dev_gone")],
    )
    phones = tokenised("phone", *(f"+1555000{i:04}" for i in range(ACCOUNTS)))
    rows = {
        cards[0]: range(RING),
        devices[0]: range(RING),
        cards[1]: range(20, 30),
        "ip:203.0.113.9": range(20, 90),
        devices[1]: range(100, 100 + 250),
        cards[2]: [GONE],
        devices[2]: [GONE],
        **{phone: [i] for i, phone in enumerate(phones)},
    }
    keys = sorted(rows)
    edges = {(account, place) for place, key in enumerate(keys) for account in rows[key]}
    graph = graph_of(
        ACCOUNTS,
        [(key.partition(":")[0], "203.0.113.0/24" if key.startswith("ip:") else "", "") for key in keys],
        edges,
        seen=dict.fromkeys(edges, (0, 2 * DAY)),
        created_at=[DAY * account for account in range(ACCOUNTS)],
        status=["banned" if account < 4 or account == GONE else "active" for account in range(ACCOUNTS)],
        status_changed_at=[BANNED_AT if account == GONE else -1 for account in range(ACCOUNTS)],
    )
    classes = pl.when(pl.col("kind") == "ip").then(pl.lit("education")).otherwise(pl.lit(""))
    signals = graph.signals.with_columns(key=pl.Series(keys)).with_columns(classes.alias("class"))
    return with_levels(replace(graph, signals=signals))


def known_index(assessment: str = "campaign", *, publish: bool = True) -> ScoreIndex:
    graph = known_graph()
    clusters = pl.DataFrame(
        {"cluster": [7], "id": ["cring"], "score": [0.97], "coordination": [0.99], "assessment": [assessment]}
    )
    members = pl.DataFrame({"cluster": [0] * RING, "account": list(range(RING))})
    frames = [
        each.select(
            pl.col(name).cast(dtype) if name in each.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in schema.items()
        )
        for each, schema in ((clusters, CLUSTERS), (members, MEMBERS))
    ]
    if not publish:
        frames = [each.clear() for each in frames]
    grown = pl.DataFrame(
        [(7, account) for account in range(RING)] + [(9, account) for account in range(20, 30)],
        schema={"cluster": pl.Int32, "account": pl.Int32},
        orient="row",
    )
    found = Found(
        *frames,
        pl.DataFrame(schema=SHARED),
        pl.DataFrame(schema=LINKS),
        graph.signals["key"],
        {"membership": 0.8},
        grown,
    )
    kept = find_successions(graph, members.cast({"cluster": pl.Int32, "account": pl.Int32}), keep=True).kept
    assert kept is not None
    return add_predecessors(build_index("r1", Incidence.of(graph), found, signups=True), kept)


def ask(index: ScoreIndex, thresholds: Thresholds | None = None, **values: str | None) -> Score:
    frame = pl.DataFrame([values], schema=dict.fromkeys(values, pl.String))
    (answer,) = score_signups(index, read_signups(frame, TOKENS), thresholds or Thresholds())
    return answer


def test_a_replacement_is_told_its_cluster_and_why() -> None:
    answer = ask(known_index(), instrument="pm_ring", signup_device="dev_ring", phone="+49 30 1234567")
    assert answer.recommendation is Recommendation.REVIEW
    (match,) = answer.matches
    assert (match.cluster, match.hostility, match.coordination) == ("cring", 0.97, 0.99)
    assert (match.size, match.stopped) == (10, 0.4)
    assert match.membership > 0.99
    # Membership is the odds of the sum of its parts.
    assert match.membership == pytest.approx(1 / (1 + 2**-match.bits), abs=1e-6)
    bits = {part.family: part.bits for part in match.families}
    assert bits["payment"] > 3
    assert bits["device"] > 3
    assert bits["prior"] == pytest.approx(math.log2(10 / 390), abs=0.1)
    # The ring shares no phone number, so another one says nothing; and of no moment was anything said.
    assert "phone" not in bits
    assert set(answer.missing) == {"network", "time"}


def test_one_shared_value_is_less_than_two() -> None:
    index = known_index()
    both = ask(index, instrument="pm_ring", signup_device="dev_ring").matches[0].membership
    one = ask(index, instrument="pm_ring", signup_device="another").matches[0].membership
    assert one < both
    # A value that is missing says nothing, and another one speaks against it.
    assert one < ask(index, instrument="pm_ring").matches[0].membership < both


def test_who_shares_nothing_is_allowed_and_told_what_is_missing() -> None:
    answer = ask(known_index(), phone="+49 30 1234567", created_at="1970-02-01T00:00:00Z")
    assert answer.recommendation is Recommendation.ALLOW
    assert answer.matches == ()
    assert set(answer.missing) == {"payment", "device", "network"}


def test_the_same_is_said_of_a_value_in_no_pool_and_of_one_never_seen() -> None:
    index = known_index()
    # The first is a real account's phone number; no answer tells it from one that no account has.
    assert ask(index, phone="+15550000123") == ask(index, phone="+15559999999")


def test_a_group_that_is_not_published_explains_a_sign_up_better() -> None:
    answer = ask(known_index(), instrument="pm_class", ip="203.0.113.9")
    assert answer.recommendation is Recommendation.ALLOW
    assert answer.matches == ()
    assert [(each.kind, "Many people" in each.description) for each in answer.warnings] == [
        ("ip", True),
        ("prefix", True),
    ]


def test_values_of_very_many_are_warned_about() -> None:
    answer = ask(known_index(), signup_device="dev_shop")
    assert [each.kind for each in answer.warnings] == ["device"]
    assert "do not block" in answer.warnings[0].description
    # An address that is seen first is in a network of many people, as its prefix says.
    assert [each.kind for each in ask(known_index(), ip="203.0.113.200").warnings] == ["prefix"]


@pytest.mark.parametrize(
    ("thresholds", "wanted"),
    [
        (Thresholds(), Recommendation.REVIEW),
        (Thresholds(review=1.0), Recommendation.CHALLENGE),
        (Thresholds(challenge=1.0, review=1.0), Recommendation.ALLOW),
    ],
)
def test_thresholds_are_the_installations_own(thresholds: Thresholds, wanted: Recommendation) -> None:
    answer = ask(known_index(), thresholds, instrument="pm_ring", signup_device="dev_ring")
    assert answer.recommendation is wanted


def test_a_likely_business_is_no_reason_to_stop_a_sign_up() -> None:
    answer = ask(known_index("likely_business"), instrument="pm_ring", signup_device="dev_ring")
    assert answer.recommendation is Recommendation.ALLOW
    assert answer.matches[0].membership > 0.99
    assert "business" in answer.reason


def come_back(index: ScoreIndex, thresholds: Thresholds | None = None, **values: str) -> Score:
    """A sign-up two days after the ban, with what the banned account had unless it says otherwise."""
    had = {"phone": f"+1555000{GONE:04}", "instrument": "pm_gone", "signup_device": "dev_gone"}
    return ask(index, thresholds, **{"created_at": "1971-02-05T00:00:00Z", **had, **values})


def test_who_comes_back_after_a_ban_is_challenged(tmp_path: Path) -> None:
    files = IndexFiles(tmp_path)
    files.keep(known_index())
    files.switch("r1")
    index = files.load()
    answer = come_back(index)
    (found,) = answer.predecessors
    assert (found.account, found.cluster, found.delay_hours) == (f"a{GONE:05}", None, 48.0)
    assert found.probability > 0.5
    assert found.probability == pytest.approx(1 / (1 + 2 ** -sum(part.bits for part in found.families)))
    assert {part.family for part in found.families[:3]} == {"phone", "payment", "device"}
    assert answer.recommendation is Recommendation.CHALLENGE
    # As mapped from the files, and as built.
    assert come_back(known_index()) == answer
    assert come_back(index, created_at="1971-02-07T00:00:00Z").predecessors == ()
    assert ask(index, instrument="pm_gone", signup_device="dev_gone").predecessors == ()
    # What one ring shares is no sign of whom it follows.
    assert come_back(index, phone="+15550000001", instrument="pm_ring", signup_device="x").predecessors == ()


def test_a_forgotten_account_is_in_no_file_and_no_answer(tmp_path: Path) -> None:
    files, gone = IndexFiles(tmp_path), f"a{GONE:05}"
    files.keep(known_index())
    files.switch("r1")
    before = files.load()
    files.forget(["a99999"])
    assert files.find_current() == "r1"  # it names no such account
    files.forget([gone])
    assert files.find_current() != "r1"
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and gone.encode() in path.read_bytes()]
    after = files.load()
    assert after.run == "r1"
    assert come_back(after).predecessors == ()
    ring = {"instrument": "pm_ring", "signup_device": "dev_ring"}
    assert ask(after, **ring) == ask(before, **ring)
    files.forget([gone])
    files.switch("r1~1")  # nothing more was written


def test_an_unreadable_index_goes_when_an_account_is_forgotten(tmp_path: Path) -> None:
    files = IndexFiles(tmp_path / "score")
    files.keep(known_index())
    files.switch("r1")
    (tmp_path / "score" / "r1" / "manifest.json").write_text("{}")
    files.forget([f"a{GONE:05}"])
    with pytest.raises(IndexMissing):
        files.load()


def test_what_explains_a_sign_up_explains_one_that_follows_a_ban() -> None:
    ring = {"instrument": "pm_ring", "signup_device": "dev_ring", "device": "dev_gone"}
    easily = Thresholds(challenge=0.01)
    for assessment, wanted in (
        ("likely_business", Recommendation.ALLOW),
        ("campaign", Recommendation.REVIEW),
    ):
        answer = come_back(known_index(assessment), easily, **ring)
        assert answer.predecessors[0].probability > 0.01
        assert answer.recommendation is wanted
        assert "banned" not in answer.reason
    own = {"instrument": "pm_own", "signup_device": "dev_own", "device": "dev_gone"}
    unexplained = come_back(known_index("likely_business"), easily, **own)
    assert unexplained.recommendation is Recommendation.CHALLENGE


def test_answers_and_indexes_hold_no_value_and_indexes_name_members_and_banned_ones_alone(
    tmp_path: Path,
) -> None:
    files = IndexFiles(tmp_path)
    files.keep(known_index())
    files.switch("r1")
    index = files.load()
    answer = str(asdict(ask(index, instrument="pm_ring", signup_device="dev_ring", ip="203.0.113.9")))
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "a00001" not in answer  # a member
    for secret in ("a00200", "203.0.113.9", "pm_ring", tokenised("instrument", "pm_ring")[0][11:]):
        assert secret not in answer
        assert secret.encode() not in content


def test_an_index_comes_back_as_it_was_and_is_switched_at_once(tmp_path: Path) -> None:
    files = IndexFiles(tmp_path / "score")
    first, second = known_index(), replace(known_index(publish=False), run="r2")
    with pytest.raises(IndexMissing, match="graphsvc detect"):
        files.load()
    files.keep(first)
    with pytest.raises(IndexMissing):
        files.load()  # kept, and not current before its run is published
    files.switch("r1")
    mapped = files.load()
    files.keep(second)
    assert files.load().run == "r1"
    files.switch("r2")
    assert files.load().run == "r2"
    assert [path.name for path in (tmp_path / "score").iterdir() if path.is_dir()] == ["r2"]
    # A process that has mapped the one before goes on with it.
    values = {"instrument": "pm_ring", "signup_device": "dev_ring"}
    assert ask(mapped, **values) == ask(first, **values)
    assert ask(files.load(), **values).matches == ()


def test_damage_is_seen(tmp_path: Path) -> None:
    files = IndexFiles(tmp_path)
    files.keep(known_index())
    files.switch("r1")
    names = sorted(path.name for path in (tmp_path / "r1").iterdir())
    assert len(names) > 15
    for name in names:
        path = tmp_path / "r1" / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(IndexDamaged):
            files.load()
        path.write_bytes(whole)
    assert files.load().run == "r1"
    (tmp_path / "r1" / "worth.npy").unlink()
    with pytest.raises(IndexDamaged):
        files.load()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="GRAPHSVC_DATA_DIR"):
        IndexFiles(tmp_path / "file" / "score").keep(known_index())


def test_digests_are_found_where_they_are_and_nowhere_else() -> None:
    keys = [f"device:{i}" for i in range(1_000)]
    table = digest_keys(keys)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    place = find_digests(table, digest_keys(keys))
    assert sorted(place.tolist()) == list(range(1_000))
    assert (find_digests(table, digest_keys(f"ip:{i}" for i in range(1_000))) == -1).all()
    # Half of a digest is not enough.
    assert find_digests(table, table[:3] + np.array([0, 1], dtype=np.uint64)).tolist() == [-1, -1, -1]
    assert find_digests(table[:0], table[:3]).tolist() == [-1, -1, -1]
