"""Successions: which new accounts follow the banned ones."""

import strawberry

from graphsvc.api.types.account import Account
from graphsvc.store.connection import Row


@strawberry.type(description="The evidence of one kind for a succession.")
class SuccessionPart:
    name: str = strawberry.field(description="Its name: a family of signals, or what is seen in time.")
    bits: float = strawberry.field(description="Bits that it adds; negative: evidence against.")


@strawberry.type(description="That an account probably follows a banned one.")
class Succession:
    successor: Account = strawberry.field(description="The new account.")
    predecessor: Account = strawberry.field(description="The banned one.")
    probability: float = strawberry.field(description="How likely, 0 to 1.")
    false_rate: float | None = strawberry.field(
        description="Share of pairs as likely as this that chance alone would make, 0 to 1."
    )
    delay_hours: float | None = strawberry.field(description="From ban to sign-up, in hours.")
    bits: float = strawberry.field(description="The evidence in all, in bits.")
    parts: list[SuccessionPart] = strawberry.field(description="The parts of the evidence.")
    description: str = strawberry.field(description="The same in a sentence.")

    @classmethod
    def from_row(cls, row: Row) -> "Succession":
        """Build the type from a row of `query/successions`."""
        return cls(
            successor=Account.from_row(row["successor"]),
            predecessor=Account.from_row(row["predecessor"]),
            probability=row["probability"],
            false_rate=row["false_rate"],
            delay_hours=row["delay_hours"],
            bits=row["bits"],
            parts=[
                SuccessionPart(name=name, bits=bits)
                for name, bits in zip(row["parts"], row["part_bits"], strict=True)
            ],
            description=row["says"],
        )
