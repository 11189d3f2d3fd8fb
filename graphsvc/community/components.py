"""Connected components of linked accounts, and those of them that are certainly one community."""

import numpy as np
from numpy.typing import NDArray

from graphsvc.model.arrays import label_components
from graphsvc.model.links import Links
from graphsvc.model.scale import coarse

RESOLVED = 12
"""Accounts of the cliques that must come apart where one link connects them: above the smallest cluster that is
published by default. Measured on development worlds: 8 leaves hard2:22's largest campaign in pieces."""


def find_components(links: Links, within: NDArray[np.bool_] | None = None) -> NDArray[np.int32]:
    """Return the connected component of each account by the links, or by those `within`: int32, (links.nodes,).

    Accounts without a link are components of their own.
    """
    kept = slice(None) if within is None else within
    return label_components(links.nodes, links.source[kept], links.target[kept])


def compute_scale(links: Links) -> int:
    """Compute the total weight for modularity: bits of all links, quantized."""
    total = int(np.ceil(links.bits.sum()))
    # Quantized, so that links made elsewhere leave a component's communities unchanged.
    near = coarse(total)
    # Rounded up, because a smaller total would make communities finer than the resolution asks for.
    return max(near if near >= total else coarse(near + near // 16), 1)


def compute_resolution(links: Links) -> float:
    """Compute the resolution at which modularity tells small cores apart in a graph of any size; at least 1.

    Modularity unites two cliques of c accounts that one link connects, unless γ > 2L / (c(c − 1))² for L links of one
    weight: its limit of resolution grows with the graph (Fortunato & Barthélemy, PNAS 2007, eq. 10). Larger groups
    that come apart are joined again by what they share. The number of links is taken on a grid (`coarse`).

    Returns:
        γ for c = `RESOLVED`.
    """
    return max(1.0, 2.0 * coarse(len(links)) / float(RESOLVED * (RESOLVED - 1)) ** 2)


def find_indivisible(
    links: Links, component: NDArray[np.int32], scale: float, gamma: float
) -> NDArray[np.bool_]:
    """Find components that are best left undivided, whatever an algorithm would find; bool, one a component.

    Of all partitions of a component into communities, leaving it undivided has the highest modularity if γK²
    ≤ 8·M·w, where K is the sum of its accounts' weighted degrees, w the weight of its lightest link, M the
    total weight and γ the resolution.

    Proof: Uniting the communities A₁ … Aᵣ changes modularity by the sum over pairs of (w(Aᵢ, Aⱼ) − γKᵢKⱼ /
    2M) / M. That is half the sum over communities of (cut(Aᵢ) − γKᵢ(K − Kᵢ) / 2M) / M. As the component is
    connected, at least one link leaves each of them, cut(Aᵢ) ≥ w; and Kᵢ(K − Kᵢ) ≤ K²/4. So no term is
    negative if w ≥ γK² / 8M. This applies modularity's limit of resolution (Fortunato & Barthélemy, PNAS
    2007).

    Args:
        links: between accounts.
        component: of each account, numbered from 0.
        scale: M.
        gamma: γ.
    """
    count = int(component.max(initial=-1)) + 1
    of = component[links.source]
    degree = 2.0 * np.bincount(of, links.bits, minlength=count)
    lightest = np.full(count, np.inf)
    np.minimum.at(lightest, of, links.bits)
    found: NDArray[np.bool_] = gamma * degree**2 <= 8.0 * scale * lightest
    return found
