"""Promise: a share is weighed by how groups of either sort scatter; what is seldom recorded says nothing; more of what
campaigns show never says less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom

from graphsvc.campaigns.shares import LEAST_SHARE, MANNERS, MOST_SHARE, SELDOM, Manner, weigh_share

PLAIN = Manner((3.0, 2.0), (1.0, 10.0), 1.0, -100.0, 100.0, "")


def weigh(holding: int, size: int, usual: float, manner: Manner = PLAIN) -> float:
    return float(weigh_share(np.array([float(holding)]), np.array([float(size)]), usual, manner)[0])


@given(st.integers(1, 500), st.floats(0.0, 1.0), st.floats(0.002, 0.9))
def test_the_bits_are_the_likelihood_ratio_of_two_beta_binomials(
    size: int, part: float, usual: float
) -> None:
    holding = round(part * size)

    def likelihood(ratio: float, alike: float) -> float:
        mean = min(max(ratio * usual, LEAST_SHARE), MOST_SHARE)
        return float(betabinom.logpmf(holding, size, mean * alike, (1.0 - mean) * alike))

    bits = (likelihood(*PLAIN.campaign) - likelihood(*PLAIN.honest)) / np.log(2.0)
    assert weigh(holding, size, usual) == pytest.approx(bits, abs=1e-6)


@pytest.mark.parametrize("name", sorted(MANNERS))
def test_what_hardly_any_account_has_says_nothing(name: str) -> None:
    assert weigh(5, 10, SELDOM, MANNERS[name]) == 0.0
    assert weigh(5, 10, 0.05, MANNERS[name]) != 0.0


@pytest.mark.parametrize(
    ("name", "speaks"), [("bans", 1), ("declared", -1), ("domains", -1), ("institution", -1)]
)
@given(size=st.integers(8, 300), usual=st.floats(0.01, 0.3))
def test_all_members_say_more_than_none_and_within_limits(
    name: str, speaks: int, size: int, usual: float
) -> None:
    none, every = (weigh(holding, size, usual, MANNERS[name]) for holding in (0, size))
    assert speaks * (every - none) > 0.0
    assert MANNERS[name].least <= min(none, every) <= max(none, every) <= MANNERS[name].most
