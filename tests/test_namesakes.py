"""Promise: pairs and triples of one person are published where small clusters are asked for, each account in one
cluster, the surer one; where only large clusters are asked for, names change nothing."""

import polars as pl
from small import graph_of

from graphsvc.campaigns.judgement import _part_namesakes
from graphsvc.campaigns.namesakes import NAMES, describe_namesakes, find_namesakes
from graphsvc.campaigns.score import score


def make_claims(*rows: tuple[int, int]) -> pl.DataFrame:
    """Make a frame of cluster and account."""
    return pl.DataFrame(list(rows), schema={"cluster": pl.Int32, "account": pl.Int32}, orient="row")


def test_an_account_goes_where_the_score_is_higher_and_pins_stay() -> None:
    assessed = pl.DataFrame(
        {"cluster": [0, 1, 2, 3], "score": [0.8, 0.99, 0.9, 0.9]},
        schema={"cluster": pl.Int32, "score": pl.Float64},
    )
    chosen = make_claims((0, 1), (0, 2), (0, 3), (0, 4), (1, 5), (1, 6))
    people = make_claims((2, 1), (2, 2), (3, 5), (3, 7))
    stay, apart = _part_namesakes(chosen, people, make_claims((0, 8)), assessed, 2)
    assert stay.rows() == [(0, 3), (0, 4), (1, 5), (1, 6)]
    # The pair 5 and 7 lost 5 to the surer cluster, and one account is no group.
    assert apart.rows() == [(2, 1), (2, 2)]
    stay, apart = _part_namesakes(chosen, make_claims((2, 8), (2, 9)), make_claims((0, 8)), assessed, 2)
    assert stay.height == chosen.height
    assert apart.is_empty()


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
