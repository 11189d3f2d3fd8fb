"""Weigh how members of a cluster live, pay and ask (`spread`), as parts of its score."""

from types import MappingProxyType

import numpy as np
import polars as pl

from graphsvc.campaigns.aspects import Part
from graphsvc.campaigns.spread import measure_spread, measure_usual_country, measure_usual_requests
from graphsvc.linkage.signals import SignalTable
from graphsvc.model.graph import SignalGraph

COUNTRY_BITS, EVEN_COUNTRY = -4.0, 0.125
"""Honest groups live in one place, and operators name the countries of their cards and exits. Bits where all members
name one country, and two strangers never would; and how far above chance says nothing (see `score.PRIOR_BITS`). Bits
fitted on each of four generators by itself: -1.2, -7.9, -7.9 and -11."""
COUNTRY_ALONE = 2.0
"""Factor on them in data without any kind of infrastructure. Classes and events share prompts that no others have, and
hardly anything but the country tells them from a campaign there. On worlds of which prompts and requests alone are
known (nine of two generators that knew nothing of the detection, and the market) 172 campaigns' clusters and 7,495
legitimate accounts are published with it, 179 and 26,216 without, 172 and 10,010 with 1.5."""
ONE_COUNTRY = 0.95
"""Probability that two accounts name the same country, from which countries say nothing."""
DEALT_BITS = MappingProxyType({"payment": -0.65, "device": -0.65})
"""A firm pays for all of its accounts with one card; an operator deals cards and devices out to a few accounts each.
Bits for each doubling of the members that the most shared one of a member has. Fitted on all generators: -.65, -.7."""
TIED_BITS, EVEN_TIED, LEAST_KNOWN = 3.0, 0.9, 0.3
"""Users of one library have its fingerprint, its prompts and its hosts in common, and no card, device or phone number.
Bits a whole share of the members that have one in common, the share that says nothing, and the share that must have
such a thing at all. Fitted 3.2 on all generators, and of the same sign on each."""
LATER_BITS, EVEN_LATER = 1.0, 0.4
"""What customers of a reseller come to use after it has set their accounts up is their own. Bits a whole share of
what came later than two days after sign-up, and the share at which it says nothing. Fitted 3.5, and -2.3 on random
worlds, whose resellers set nothing up; a quarter of bits of the former is granted."""
REQUESTS_BITS, EVEN_REQUESTS, MOST_DOUBLINGS, LEAST_ACTIVE = 1.0, -0.15, 3.0, 0.3
"""Accounts of a campaign are there to be used. Bits for each doubling of a usual account's requests (fitted 1.03), the
doublings that say nothing, how many count, and the share of members with traffic that there must be."""
SIZE_BITS, EVEN_SIZE, LEAST_HALVINGS, MOST_SIZE = -0.55, 16.0, -2.0, 6.0
"""Parts that are tests grow with the number of members, whatever they are: in a group of thousands, chance has no
part in anything. Bits for each doubling (fitted -.57), the number at which it says nothing, and how many count."""
NOUNS = MappingProxyType({"payment": "payment instrument", "device": "device"})
"""How sentences call a value of a family that is dealt out."""


def weigh_spread(
    graph: SignalGraph, signals: SignalTable, members: pl.DataFrame, *, infrastructure: bool
) -> dict[int, list[Part]]:
    """Weigh how members are spread over countries, cards and devices, how much they ask, and how many they are.

    Args:
        graph: the graph that the run reads.
        signals: its signals, among all accounts.
        members: cluster, account (int32), sorted.
        infrastructure: whether the data names any kind of infrastructure.

    Returns:
        The parts, by cluster. Those of figures that are not known are left out.
    """
    found: dict[int, list[Part]] = {}
    factor = 1.0 if infrastructure else COUNTRY_ALONE
    country, requests = measure_usual_country(graph), measure_usual_requests(graph)
    for row in measure_spread(graph, signals, members).iter_rows(named=True):
        doublings = float(np.clip(np.log2(row["size"] / EVEN_SIZE), LEAST_HALVINGS, MOST_SIZE))
        parts = [
            Part(
                "size",
                SIZE_BITS * doublings,
                f"{row['size']:,} members: a large group shows more of everything, whatever it is",
            )
        ]
        if row["one_country"] is not None and country < ONE_COUNTRY:
            alike = float(np.clip((row["one_country"] - country) / (1.0 - country), 0.0, 1.0))
            says = (
                f"{row['one_country']:.0%} of pairs of members name one country ({country:.0%} of all pairs)"
            )
            parts.append(Part("country", factor * COUNTRY_BITS * (alike - EVEN_COUNTRY), says))
        for family, bits in DEALT_BITS.items():
            if row[family] is not None:
                says = (
                    f"the most shared {NOUNS[family]} of a member is used by {2.0 ** row[family]:.1f} members"
                )
                parts.append(Part(f"per_{family}", bits * row[family], says))
        if row["tied"] is not None and row["known"] >= LEAST_KNOWN:
            says = (
                f"{row['tied']:.0%} of members share a card, a device or a phone number with another member"
            )
            parts.append(Part("tied", TIED_BITS * (row["tied"] - EVEN_TIED), says))
        if row["later"] is not None:
            bits = LATER_BITS * (row["later"] - EVEN_LATER) * min(row["later_uses"], 1.0)
            says = f"{row['later']:.0%} of what members came to use later is shared in the group"
            parts.append(Part("later", bits, says))
        if row["requests"] is not None and row["active"] >= LEAST_ACTIVE:
            times = row["requests"] / requests
            doublings = float(
                np.clip(np.log2(max(times, 2.0**-MOST_DOUBLINGS)), -MOST_DOUBLINGS, MOST_DOUBLINGS)
            )
            says = f"a member sends {times:.1f} times the requests of a usual account"
            parts.append(Part("requests", REQUESTS_BITS * (doublings - EVEN_REQUESTS), says))
        found[row["cluster"]] = parts
    return found
