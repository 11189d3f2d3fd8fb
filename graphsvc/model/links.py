"""Links between accounts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Links:
    """Pairs of accounts with the evidence that one operator runs both.

    `source` < `target` are account indices (int32), `bits` (float64) the sum over families of the strongest
    agreement in each, `values` (int64) how many independent values are shared. Sorted by source, then target. `nodes`
    is the number of accounts.
    """

    nodes: int
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    bits: NDArray[np.float64]
    values: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.source)
