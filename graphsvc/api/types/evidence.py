"""Evidence by family: for a membership, and for a link between two accounts."""
# mypy: disable-error-code=untyped-decorator

from collections.abc import Callable

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types.models import describe_model
from graphsvc.api.types.signal import Signal
from graphsvc.campaigns import sentences
from graphsvc.store.connection import Row
from graphsvc.store.queries import nodes
from graphsvc.store.queries.relations import Belonging

EXPLANATION = "Why, by family of evidence: what adds most first, what speaks against last."


@strawberry.type(description="The evidence of one family for a membership or a link.")
class FamilyEvidence:
    family: str = strawberry.field(
        description="A family of signals, for example `payment`, or what is of no signal, for example `prior`."
    )
    bits: float = strawberry.field(description="Bits that it adds; negative: evidence against.")
    signal_key: str | None = strawberry.field(
        description="Key of the strongest signal shared in it, or of what a signal is part of, such as an address "
        "range; null: no one signal."
    )
    sharers: int | None = strawberry.field(
        description="Other members of the cluster who have that signal; null: not of a membership, or no one signal."
    )
    description: str = strawberry.field(description="The same in a sentence.")

    @classmethod
    def from_evidence(
        cls, evidence: sentences.Evidence, describe: Callable[[sentences.Evidence], str]
    ) -> "FamilyEvidence":
        """Build the type from evidence and its sentence."""
        return cls(
            family=evidence.family,
            bits=evidence.bits,
            signal_key=evidence.signal or None,
            sharers=evidence.sharers,
            description=describe(evidence),
        )

    @strawberry.field(description="That signal; null: no one signal, or none that accounts have themselves.")
    async def signal(self, info: Info) -> Signal | None:
        if self.signal_key is None:
            return None
        info.context.budget.charge_page(1)
        return await info.context.loaders.load_row(nodes.SIGNAL, self.signal_key)


class _BelongingFields(Belonging):
    @strawberry.field(description="The reason for the membership, in a sentence.")
    def summary(self) -> str:
        return sentences.membership(self.membership, parse_evidence(self.row))

    @strawberry.field(description=EXPLANATION)
    def explanation(self) -> list[FamilyEvidence]:
        return [
            FamilyEvidence.from_evidence(row, sentences.family_of_member) for row in parse_evidence(self.row)
        ]


describe_model(Belonging, resolvers=_BelongingFields)


def parse_evidence(row: Row) -> list[sentences.Evidence]:
    """Return the evidence in a row of a membership or a link."""
    return sentences.unpacked(row["families"], row["family_bits"], row["signals"], row.get("sharers"))
