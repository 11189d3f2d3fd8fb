"""Numbers of accounts of each population and campaign in a world of N accounts."""

import numpy as np

from graphsvc.errors import SettingsError
from graphsvc_lab.worlds.profiles import Campaign
from graphsvc_lab.worlds.scenario import Scenario
from graphsvc_lab.worlds.streams import Streams


def plan_campaign_sizes(scenario: Scenario, accounts: int, streams: Streams) -> dict[str, tuple[str, int]]:
    """Return campaign id -> (style, accounts).

    Sizes are absolute at and above the scenario's reference size. Below it, styles that scale by `size`
    shrink in proportion to N, but not below `smallest`. Styles that scale by `count` keep their sizes up to
    N/50 and become fewer with the square root of N. Above it, those that scale by `count` become more, with
    N^0.7.
    """
    ratio = accounts / scenario.reference_accounts
    sizes: dict[str, tuple[str, int]] = {}
    for name, style in scenario.campaigns.items():
        count = _scale_count(style, ratio)
        for i, size in enumerate(_draw_sizes(style, count, streams.rng("sizes", name)), start=1):
            shrunk = size * min(1.0, ratio) if style.scale == "size" else min(size, accounts / 50)
            campaign = name if style.count == 1 else f"{name}-{i:02d}"
            sizes[campaign] = (name, max(style.smallest, round(shrunk)))
    return sizes


def _scale_count(style: Campaign, ratio: float) -> int:
    if style.scale == "size" or style.count == 0:
        return style.count
    return max(1, round(style.count * float(ratio ** (0.5 if ratio < 1 else 0.7))))


def _draw_sizes(style: Campaign, count: int, rng: np.random.Generator) -> list[int]:
    """Draw sizes evenly over the logarithm of the range, so that every world has small and large ones."""
    steps = (np.arange(count) + rng.random(count)) / max(count, 1)
    low, high = np.log(style.size[0]), np.log(style.size[1] + 1)
    return [int(s) for s in np.exp(low + steps * (high - low))]


def plan_population_sizes(scenario: Scenario, honest: int) -> dict[str, int]:
    """Return population -> accounts. The one with the share "rest" takes the remainder."""
    sizes = {name: int(p.share * honest) for name, p in scenario.populations.items() if p.share != "rest"}
    rest = next(name for name, p in scenario.populations.items() if p.share == "rest")
    sizes[rest] = honest - sum(sizes.values())
    return sizes


def check_accounts(accounts: int, campaigns: int, smallest: int) -> None:
    """Check that a world can hold its campaigns and twice as many legitimate accounts.

    Raises:
        SettingsError: too few accounts.
    """
    needed = max(smallest, 2 * campaigns)
    if accounts < needed:
        raise SettingsError(
            f"A world of {accounts} accounts is too small for this scenario.", f"Ask for at least {needed}."
        )
