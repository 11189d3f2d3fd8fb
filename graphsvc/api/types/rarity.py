"""The rarity of a signal, and the bits that sharing it is worth."""

import strawberry

from graphsvc.api.context import Info
from graphsvc.linkage.bits import sharing_bits
from graphsvc.linkage.rule import CROWDED
from graphsvc.signals.kinds import kind_of
from graphsvc.store.queries import relations


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
    return await info.context.loaders.load_row(relations.ACCOUNTS_COUNTED, "accounts") or 0
