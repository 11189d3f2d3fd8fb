"""Markets: values that several operators and honest people rent, such as exits, cards, device images, mail domains.

A rented value is a number that no population has for itself: -2^62, plus the key of its market (32 bits) << 28, plus
its place in the market's stock (28 bits).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graphsvc_lab.worlds.streams import Bools, Ints, draw_zipf, hash_names, mix_bits, pick_indices

if TYPE_CHECKING:
    from graphsvc_lab.worlds.scenario import Market, Scenario

RENTED = -(1 << 62)
_PLACE = (1 << 28) - 1


@dataclass(frozen=True, slots=True)
class Shelf:
    """The offer of a market over time. Times are seconds since 1970."""

    number: int
    market: "Market"
    start: int
    end: int

    def draw(self, rng: np.random.Generator, moments: Ints) -> Ints:
        """Draw a value on offer at each of `moments`, the newest the most popular, shape as given."""
        stock = self.market.values
        # The offer is a window that moves over the stock as time passes.
        width = max(1, round(self.market.shelf * stock))
        passed = np.clip((moments - self.start) / (self.end - self.start), 0, 1)
        oldest = (passed * (stock - width)).astype(np.int64)
        place = oldest + width - 1 - draw_zipf(rng, width, len(moments), self.market.exponent)
        return RENTED + (self.number << 28) + place


def open_shelves(scenario: "Scenario", seed: int) -> dict[str, Shelf]:
    """Open the markets of a world by name; those of another seed have other values."""
    return {
        name: Shelf(hash_names("market", name, str(seed)), market, scenario.start, scenario.end)
        for name, market in scenario.markets.items()
    }


def draw_offers(
    rng: np.random.Generator, markets: Mapping[str, float], shelves: Mapping[str, Shelf], moments: Ints
) -> Ints:
    """Draw a market by weight and then a value on offer there, for each of `moments`, shape as given."""
    which = pick_indices(rng, markets, len(moments))
    drawn = np.empty(len(moments), dtype=np.int64)
    for i, name in enumerate(markets):
        mine = which == i
        drawn[mine] = shelves[name].draw(rng, moments[mine])
    return drawn


def is_rented(values: Ints) -> Bools:
    """Tell which values are rented, shape as given."""
    # Keys of markets are positive, so rented values lie between -2^62 and -2^61; own ones are far above.
    return values < RENTED // 2


def get_market_keys(values: Ints) -> Ints:
    """Return the key of the market that each rented value belongs to, shape as given."""
    return (values - RENTED) >> 28


def get_stock_places(values: Ints) -> Ints:
    """Return the place of each rented value in its market's stock, shape as given."""
    return (values - RENTED) & _PLACE


def scatter_values(values: Ints, capacity: int) -> Ints:
    """Map rented values to places below `capacity`, the same for one value always, shape as given."""
    return (mix_bits(values, 7) % np.uint64(capacity)).astype(np.int64)
