"""Promise: what two cores share counts by how unlikely chance makes it; popular values that chance spreads do not join
cores, and rare ones do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from small import evidence, members_of

from graphsvc.campaigns.affinity import collect_uses, measure_affinity
from graphsvc.campaigns.coincidence import measure_coincidence
from graphsvc.campaigns.join import join_cores
from graphsvc.campaigns.membership import Evidence

ACCOUNTS = 60
Rows = set[tuple[int, int, int]]


def measure(given_: Evidence, *groups: range) -> float:
    """Measure the bits of the first two groups."""
    members = members_of(*groups)
    core = members["cluster"].to_numpy().astype(np.int64)
    account = members["account"].to_numpy()
    uses = collect_uses(given_, account)
    one, other = np.array([0]), np.array([1])
    found = measure_coincidence(given_, uses, account, core, one, other)
    assert measure_coincidence(given_, uses, account, core, other, one) == pytest.approx(found)
    return float(found[0])


def everyone_has(family: int) -> Rows:
    """Give each account a value of its own, so that all have the family."""
    return {(account, 1_000 * (family + 1) + account, family) for account in range(ACCOUNTS)}


def test_one_value_is_as_unlikely_as_the_binomial_says() -> None:
    # Value 0 has six users: two of three accounts of one core, three of four of the other, and a stranger.
    rows = everyone_has(0) | {(account, 0, 0) for account in (0, 1, 3, 4, 5, 50)}
    chances = binom.sf(2, 4, 4 / ACCOUNTS), binom.sf(1, 3, 3 / ACCOUNTS)
    assert measure(evidence(rows, ACCOUNTS), range(3), range(3, 7)) == pytest.approx(-np.log2(max(chances)))


def test_two_values_of_two_families_count() -> None:
    def share(values: int, family: int) -> Rows:
        users = (0, 1, 3, 4)
        return {(account, 100 * family + value, family) for account in users for value in range(values)}

    groups = range(3), range(3, 6)
    own = everyone_has(0) | everyone_has(1) | everyone_has(2)
    single = measure(evidence(own | share(1, 0), ACCOUNTS), *groups)
    assert measure(evidence(own | share(2, 0), ACCOUNTS), *groups) == pytest.approx(2 * single)
    assert measure(evidence(own | share(5, 0), ACCOUNTS), *groups) == pytest.approx(2 * single)
    assert measure(evidence(own | share(5, 0) | share(1, 1), ACCOUNTS), *groups) == pytest.approx(3 * single)
    every = own | share(5, 0) | share(5, 1) | share(5, 2)
    assert measure(evidence(every, ACCOUNTS), *groups) == pytest.approx(4 * single)


def test_what_shares_nothing_has_no_bits() -> None:
    assert measure(evidence(everyone_has(0), ACCOUNTS), range(3), range(3, 6)) == 0.0


@given(
    st.integers(2, 5), st.integers(2, 5), st.integers(0, 40), st.integers(1, 10), st.integers(0, 2**32 - 1)
)
def test_more_strangers_who_have_a_value_never_make_it_less_likely(
    here: int, there: int, strangers: int, more: int, seed: int
) -> None:
    users = np.random.default_rng(seed).permutation(np.arange(10, ACCOUNTS))
    both = [*range(here), *range(5, 5 + there)]

    def rows(count: int) -> Rows:
        return everyone_has(0) | {(int(account), 0, 0) for account in [*both, *users[:count]]}

    popular = evidence(rows(strangers + more), ACCOUNTS)
    rare = evidence(rows(strangers), ACCOUNTS)
    groups = range(5), range(5, 10)
    assert measure(popular, *groups) <= measure(rare, *groups) + 1e-9


def test_groups_that_copy_popular_prompts_do_not_join() -> None:
    accounts = 2_000

    def rows(strangers: int) -> Rows:
        """Let two groups of four draw from three values in each of two families, of which others have a part."""
        rng = np.random.default_rng(3)
        found = {
            (account, 10_000 * (family + 1) + account, family)
            for account in range(accounts)
            for family in (0, 1)
        }
        for family in (0, 1):
            for value in range(3):
                others = rng.choice(np.arange(8, accounts), strangers, replace=False)
                users = [*rng.choice(4, 2, replace=False), *rng.choice([4, 5, 6, 7], 2, replace=False)]
                found |= {(int(account), 100 * family + value, family) for account in [*users, *others]}
        return found

    groups = [range(4), range(4, 8), *(range(start, start + 4) for start in range(8, 1_608, 4))]
    rare, popular = (evidence(rows(strangers), accounts) for strangers in (0, 120))
    members = members_of(*groups)
    # Two are as alike as each is to itself either way.
    for given_ in (rare, popular):
        assert measure_affinity(given_, members_of(*groups[:2]))[0, 1] >= 0.5
    assert join_cores(rare, members)["cluster"].to_list()[:8] == [0] * 8
    assert len(set(join_cores(popular, members)["cluster"].to_list()[:8])) == 2
