"""Weigh the shares of members that are banned, declare an organization and so on, against those of all accounts.

A share is compared with what campaigns show and with what honest groups show. Both follow the population at hand: where
a tenth of all accounts declare an organization, twenty members without one say something, and where no account does,
they say nothing. Members of one group are alike, so shares of groups scatter more than of accounts drawn at random.
"""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.special import betaln

from graphsvc.types import Floats

SELDOM = 0.0015
"""Share of all accounts below which a trait says nothing: it is not recorded, or too rare to expect in a group."""
LEAST_SHARE, MOST_SHARE = 0.002, 0.98
"""The mean share of groups is neither none nor all, whatever the population has."""


@dataclass(frozen=True, slots=True)
class Manner:
    """Meaning of a share: its distributions in campaigns and in honest groups, and the limits of its bits.

    Attributes:
        campaign, honest: mean share of groups, as a multiple of the share of all accounts, and how alike groups are
            (the sum of the beta distribution's parameters: about 1 where each group is all or nothing).
        weight: what the log-likelihood ratio is multiplied by, as parts are not independent.
        least, most: limits of the bits.
        says: the sentence: {share} of members, {usual} of all.
    """

    campaign: tuple[float, float]
    honest: tuple[float, float]
    weight: float
    least: float
    most: float
    says: str


MANNERS = MappingProxyType(
    {
        "bans": Manner(
            (3.0, 1.6), (1.0, 8.0), 5.0, -2.0, 4.0, "{share} were banned or suspended ({usual} of all)"
        ),
        "declared": Manner(
            (0.25, 4.0),
            (2.5, 1.7),
            1.0,
            -8.0,
            2.0,
            "{share} declare an organization ({usual} of all), as businesses do",
        ),
        "domains": Manner(
            (0.5, 8.0),
            (2.5, 1.7),
            0.8,
            -5.0,
            1.5,
            "{share} have an e-mail domain of their own ({usual} of all), as clients of an agency do",
        ),
        "institution": Manner(
            (0.25, 4.0),
            (2.5, 1.4),
            0.7,
            -4.0,
            1.5,
            "{share} of use is from institutions' networks ({usual} of all)",
        ),
        "anonymous": Manner(
            (2.5, 3.8),
            (1.5, 4.0),
            1.7,
            -1.5,
            1.5,
            "{share} of use is from hosting, proxy or VPN networks ({usual} of all)",
        ),
    }
)
"""By the name of the part. Means, likeness and weights are fitted on candidates of development worlds (see
docs/decisions/detection.md). A campaign may declare organizations too: its mean is a quarter of the population's,
though no campaign of these worlds declares any. Bans of honest groups scatter more than fitted (1, 430): at 40 a
reseller of the market with some more bans than usual was a campaign."""


def weigh_share(holding: Floats, size: Floats, usual: float, manner: Manner) -> Floats:
    """Weigh how many members of clusters have something: log2 of the likelihood of a campaign over an honest group's.

    Both likelihoods are beta-binomial (Skellam 1948): each group has a share of its own.

    Args:
        holding: (clusters,) float64, members that have it; whole numbers.
        size: (clusters,) float64, members.
        usual: share of all accounts that have it, 0-1.
        manner: what the share says.

    Returns:
        (clusters,) float64, bits; 0 where hardly any account has it.
    """
    if usual <= SELDOM:
        return np.zeros(len(size))
    # Without the binomial coefficient, which is the same under both hypotheses.
    likelihood = [
        betaln(holding + mean * alike, size - holding + (1.0 - mean) * alike)
        - betaln(mean * alike, (1.0 - mean) * alike)
        for mean, alike in (
            (float(np.clip(ratio * usual, LEAST_SHARE, MOST_SHARE)), alike)
            for ratio, alike in (manner.campaign, manner.honest)
        )
    ]
    bits: Floats = manner.weight * (likelihood[0] - likelihood[1]) / np.log(2.0)
    return np.clip(bits, manner.least, manner.most)
