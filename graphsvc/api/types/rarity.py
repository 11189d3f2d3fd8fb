"""The rarity of a signal, and the bits that sharing it is worth."""

import strawberry

from graphsvc.api.context import Info
from graphsvc.linkage.bits import sharing_bits
from graphsvc.linkage.rule import CROWDED
from graphsvc.signals.kinds import family_of, kind_of
from graphsvc.store.connection import Row


@strawberry.type(description="How rare a signal is.")
class Rarity:
    bits: float = strawberry.field(
        description="Evidence for one operator if two accounts share it, in bits, before anything else is known "
        "of them."
    )
    share: float = strawberry.field(description="Share of all accounts that use it, 0 to 1.")
    is_hub: bool = strawberry.field(
        description="Whether more accounts use it than the detection takes for one operator's; by itself "
        "it makes no link then."
    )
    is_crowded: bool = strawberry.field(
        description="Whether it is an address of a network where strangers come to share one, such as a carrier's."
    )

    @classmethod
    def compute(cls, kind: str, degree: int, network_class: str | None, accounts: int) -> "Rarity":
        """Compute the rarity of a signal of a kind that `degree` of all `accounts` use."""
        (bits,) = sharing_bits([kind], [degree], accounts)
        return cls(
            bits=bits,
            share=degree / max(accounts, 1),
            is_hub=degree > kind_of(kind).hub_degree,
            is_crowded=network_class in CROWDED,
        )


async def count_accounts(info: Info) -> int:
    """Return the number of all accounts. It is read once a request."""
    row = await info.context.loaders.load_row("query/population", "accounts")
    return int(row["accounts"]) if row else 0


def sum_strongest(signals: list[Row]) -> float:
    """Sum the bits of shared signals (`kind`, `bits`): families add up, and in a family the strongest counts."""
    best: dict[str, float] = {}
    for signal in signals:
        family = family_of(signal["kind"])
        best[family] = max(best.get(family, 0.0), signal["bits"])
    return sum(best.values())
