"""Entries of the audit log."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from graphsvc.model.audit import LoggedEntry


@strawberry.type(description="One action, or one disclosure of data. Entries never change.")
class AuditEntry:
    number: int = strawberry.field(description="Its number in the log, from 1, without gaps.")
    at: datetime | None = strawberry.field(
        description="When; null, as other fields: the entry was tampered with."
    )
    actor: str | None = strawberry.field(description="The actor.")
    role: str | None = strawberry.field(description="Role of the actor, or `cli`.")
    action: str | None = strawberry.field(description="The action, for example `reveal`.")
    subject: str | None = strawberry.field(description="The subject of the action.")
    reason: str | None = strawberry.field(description="The reason that the actor gave.")
    request: str | None = strawberry.field(description="Id of the request it came with.")
    details: JSON = strawberry.field(description="Further facts about the action; no secrets, no raw values.")
    hash: str = strawberry.field(description="SHA-256 of the entry, as hex; the next entry holds it.")
    signature: str = strawberry.field(description="Signature of the hash: Ed25519, as hex.")
    signer: str = strawberry.field(description="Public key of who signed it, as hex.")

    @classmethod
    def from_entry(cls, logged: LoggedEntry) -> "AuditEntry":
        """Build the type from an entry of the log."""
        entry = logged.entry
        act = entry.act if entry else None
        return cls(
            number=logged.number,
            at=entry.at if entry else None,
            actor=act.actor if act else None,
            role=act.role if act else None,
            action=act.action if act else None,
            subject=act.subject if act else None,
            reason=act.reason if act else None,
            request=act.request if act else None,
            details=JSON(act.details if act else {}),
            hash=logged.hash,
            signature=logged.signature,
            signer=logged.signer,
        )
