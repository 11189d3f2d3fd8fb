"""Promise: a burst of sign-ups makes a core of the accounts that are in none, and leaves the cores there are alone."""

import numpy as np
import pytest
from small import members_of

from graphsvc.campaigns.weighing import add_bursts

MINUTE, HOUR = 60_000, 3_600_000
QUIET, BURST = 2_000, 12


@pytest.mark.parametrize(
    "cores", [(), ((0, 1, 2, 3),), ((0, 1, 2, 3), (4, 5, 6, 7))], ids=["none", "one", "two"]
)
def test_a_burst_is_a_core_of_its_own(cores: tuple[tuple[int, ...], ...]) -> None:
    quiet = np.sort(np.random.default_rng(0).integers(0, QUIET * HOUR, QUIET))
    created = np.concatenate([quiet, 1_000 * HOUR + np.arange(1, BURST + 1) * MINUTE // 4])
    before = members_of(*cores)
    found = add_bursts(before, created, 4)
    kept = found.filter(found["cluster"] < len(cores))
    assert kept.equals(before.sort("cluster", "account"))
    added = found.filter(found["cluster"] >= len(cores))
    assert added["cluster"].unique().to_list() == [len(cores)]
    assert set(range(QUIET, QUIET + BURST)) <= set(added["account"])
