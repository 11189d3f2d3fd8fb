"""Promise: our B-cubed over true groups is that of er-evaluation, the field's library, on the same records."""

from hypothesis import given
from hypothesis import strategies as st
from test_evaluation import found, truth

from bench.entity_resolution import bcubed
from graphsvc_lab.evaluation.metrics import evaluate


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40))
def test_ours_and_the_librarys_are_equal(records: list[tuple[int, int]]) -> None:
    # 0 is: in no campaign, in no cluster.
    campaigns: dict[str, list[str]] = {}
    clusters: dict[str, list[str]] = {}
    for account, (campaign, cluster) in enumerate(records):
        if campaign:
            campaigns.setdefault(f"x{campaign}", []).append(str(account))
        if cluster:
            clusters.setdefault(f"p{cluster}", []).append(str(account))
    innocent = [str(account) for account, (campaign, _) in enumerate(records) if not campaign]
    world, members = truth(campaigns, innocent), found(clusters)
    figures = evaluate(world, members)
    ours = (
        figures.bcubed_by_campaign_precision,
        figures.bcubed_by_campaign_recall,
        figures.bcubed_by_campaign_f,
    )
    theirs = bcubed(world, members)
    assert all(abs(a - b) < 1e-9 for a, b in zip(ours, theirs, strict=True)), (ours, theirs)
