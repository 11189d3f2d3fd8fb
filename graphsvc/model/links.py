"""Links between accounts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Links:
    """Pairs of accounts with the evidence that one operator runs both, sorted by source, then target.

    Attributes:
        nodes: number of accounts.
        source: account, int32, the lower number of the pair.
        target: account, int32.
        bits: sum over families of the strongest agreement in each, float64.
        values: number of independent values shared, int64.
    """

    nodes: int
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    bits: NDArray[np.float64]
    values: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.source)
