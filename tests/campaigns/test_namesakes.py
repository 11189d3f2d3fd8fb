"""Promise: pairs and triples of one person are published where small clusters are asked for, each account in one
cluster, the surer one; where only large clusters are asked for, names change nothing."""

import polars as pl
from small import graph_of

from graphsvc.campaigns.judgement import _part_namesakes
from graphsvc.campaigns.namesakes import NAMES, describe_namesakes, find_namesakes
from graphsvc.campaigns.score import score
from graphsvc.model.clusters import Assessment


def make_claims(*rows: tuple[int, int]) -> pl.DataFrame:
    """Make a frame of cluster and account."""
    return pl.DataFrame(list(rows), schema={"cluster": pl.Int32, "account": pl.Int32}, orient="row")


def assess(*scores: float) -> pl.DataFrame:
    """Make a frame of clusters' scores and assessments."""
    schema = {"cluster": pl.Int32, "score": pl.Float64, "assessment": pl.String}
    verdicts = [Assessment.CAMPAIGN if score >= 0.5 else Assessment.LIKELY_BUSINESS for score in scores]
    rows = [(number, score, verdicts[number].value) for number, score in enumerate(scores)]
    return pl.DataFrame(rows, schema=schema, orient="row")


def make_members(*rows: tuple[int, int], membership: float = 1.0) -> pl.DataFrame:
    """Make a frame of cluster, account and membership."""
    return make_claims(*rows).with_columns(membership=pl.lit(membership))


def test_an_account_goes_where_the_claim_is_surer_and_pins_stay() -> None:
    assessed = assess(0.8, 0.99, 0.9, 0.9)
    chosen = make_members((0, 1), (0, 2), (0, 3), (0, 4), (1, 5), (1, 6))
    people = make_claims((2, 1), (2, 2), (2, 9), (3, 5), (3, 7))
    stay, apart = _part_namesakes(chosen, people, make_claims((0, 8)), assessed, 2)
    assert stay.select("cluster", "account").rows() == [(0, 3), (0, 4), (1, 5), (1, 6)]
    # The pair 5 and 7 lost 5 to the surer cluster, and one account is no group.
    assert apart.rows() == [(2, 1), (2, 2), (2, 9)]
    stay, apart = _part_namesakes(chosen, make_claims((2, 8), (2, 9)), make_claims((0, 8)), assessed, 2)
    assert stay.height == chosen.height
    assert apart.is_empty()


def test_a_sure_campaign_claims_a_doubtful_member_no_more_surely_than_it_is_one() -> None:
    people = make_claims((1, 1), (1, 7))
    for membership, claimed in ((0.95, True), (0.6, False)):
        chosen = make_members((0, 1), (0, 2), (0, 3), membership=membership)
        stay, apart = _part_namesakes(chosen, people, make_claims(), assess(0.99, 0.8), 2)
        assert ((0, 1, membership) in stay.rows()) == claimed
        assert apart.is_empty() == claimed


def test_a_campaign_that_uses_each_name_several_times_stays_whole() -> None:
    chosen = make_members(*((0, account) for account in range(12)), membership=0.9)
    people = make_claims(*((1 + account // 4, account) for account in range(12)))
    stay, apart = _part_namesakes(chosen, people, make_claims(), assess(0.7, 0.99, 0.99, 0.99), 2)
    assert stay.equals(chosen)
    assert apart.is_empty()
    # A likely business explains nothing away: who is one person there is published as that.
    stay, apart = _part_namesakes(chosen, people, make_claims(), assess(0.4, 0.99, 0.99, 0.99), 2)
    assert stay.is_empty()
    assert apart.equals(people)


def test_a_group_is_as_sure_as_its_least_sure_account() -> None:
    groups = pl.DataFrame(
        {"cluster": [4, 4, 5], "account": [1, 2, 3], "bits": [3.0, 2.0, 7.0]},
        schema={"cluster": pl.Int32, "account": pl.Int32, "bits": pl.Float64},
    )
    parts = describe_namesakes(groups)
    assert {cluster: [part.name for part in each] for cluster, each in parts.items()} == {
        4: [NAMES],
        5: [NAMES],
    }
    assert score(parts[4]) == 0.8


def test_without_names_there_are_no_namesakes() -> None:
    graph = graph_of(20, [("ip",), ("instrument",)], {(account, account % 2) for account in range(20)})
    assert find_namesakes(graph).is_empty()
