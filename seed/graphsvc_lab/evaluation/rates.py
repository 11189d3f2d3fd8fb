"""A share that keeps what it is a share of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `of`; the rate is null where there is nothing to hit."""

    hits: int
    of: int

    @property
    def rate(self) -> float | None:
        """Return hits / of, 0–1."""
        return self.hits / self.of if self.of else None
