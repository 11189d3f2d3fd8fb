"""API keys, without their secrets."""

from datetime import datetime

import strawberry

from graphsvc.api.auth import keys
from graphsvc.api.auth.keys import Role
from graphsvc.api.types.enums import describe_enum

describe_enum(
    Role,
    "Role",
    "The rights of a principal; each role includes the ones before it, but scorers and viewers report no outcomes.",
    {
        Role.REPORTER: "Report outcomes of enforcement, and nothing else.",
        Role.SCORER: "Score sign-ups, and nothing else.",
        Role.VIEWER: "Read, and score sign-ups.",
        Role.ANALYST: "Read, decide, and be shown addresses for a reason.",
        Role.ADMIN: "All of it: also keys and the audit log.",
    },
)


@strawberry.type(description="An API key, without its secret.")
class ApiKey:
    id: str = strawberry.field(description="Its id, the part before the dot.")
    role: Role = strawberry.field(description="Its role.")
    name: str = strawberry.field(description="The name that tells it apart.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(
        description="Until when it is valid; null: until it is revoked."
    )
    rotated_at: datetime | None = strawberry.field(description="When it last got a new secret.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")

    @classmethod
    def from_key(cls, key: keys.ApiKey) -> "ApiKey":
        """Build the type from a stored key, without its digests."""
        return cls(
            id=key.id,
            role=key.role,
            name=key.name,
            created_at=datetime.fromisoformat(key.created),
            expires_at=_parse_time(key.expires),
            rotated_at=_parse_time(key.rotated),
            revoked_at=_parse_time(key.revoked),
        )


def _parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@strawberry.type(description="A key with its secret, which is shown this once.")
class NewApiKey:
    secret: str = strawberry.field(
        description="The whole key, `id.secret`: keep it now. Send it as a bearer token."
    )
    key: ApiKey = strawberry.field(description="The key.")
