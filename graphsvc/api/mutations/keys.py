"""Mutations of API keys: create, rotate, revoke.

The audit log is written first, so that it knows every key.
"""
# mypy: disable-error-code=untyped-decorator

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import strawberry

from graphsvc.api.auth import keys
from graphsvc.api.auth.roles import require_role
from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.types.arguments import Id
from graphsvc.api.types.key import ApiKey, NewApiKey
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Store

MAX_DAYS = 3_650
MAX_HOURS = 24 * 30
MAX_NAME = 100

Days = Annotated[
    int | None, strawberry.argument(description=f"How many days it is valid from now on: 1 to {MAX_DAYS}.")
]


@strawberry.type(description="Mutations of keys.")
class KeyMutations:
    @strawberry.mutation(
        description="Makes an API key; its secret is in this answer and nowhere else.",
        extensions=[require_role(keys.Role.ADMIN)],
    )
    async def create_api_key(
        self,
        info: Info,
        role: Annotated[keys.Role, strawberry.argument(description="Its role.")],
        name: Annotated[
            str, strawberry.argument(description=f"The name that tells it apart; 1 to {MAX_NAME} characters.")
        ],
        expires_in_days: Days = None,
    ) -> NewApiKey:
        if not 1 <= len(name.strip()) <= MAX_NAME or not name.isprintable():
            raise BadInput(f"A key has a name of 1 to {MAX_NAME} characters that print.")
        lasts, key_id = _parse_days(expires_in_days), keys.generate_id()
        details = {"role": role.value, "name": name.strip(), "days": expires_in_days}
        return await info.context.worker.run(
            _make_key,
            info.context.auditor,
            "createApiKey",
            key_id,
            details,
            lambda directory: keys.create_key(directory, role, name.strip(), lasts, key_id),
            info.context.keys_dir,
        )

    @strawberry.mutation(
        description="Gives a key a new secret, which is in this answer and nowhere else; id, role and name stay.",
        extensions=[require_role(keys.Role.ADMIN)],
    )
    async def rotate_api_key(
        self,
        info: Info,
        id: Id,
        grace_hours: Annotated[
            int,
            strawberry.argument(description=f"How long the secret before is still taken: 0 to {MAX_HOURS}."),
        ] = 0,
        expires_in_days: Days = None,
    ) -> NewApiKey:
        if not 0 <= grace_hours <= MAX_HOURS:
            raise BadInput(f"`graceHours` is from 0 to {MAX_HOURS}.")
        lasts, grace = _parse_days(expires_in_days), timedelta(hours=grace_hours)
        keys.find_valid_key(info.context.keys_dir, id)
        return await info.context.worker.run(
            _make_key,
            info.context.auditor,
            "rotateApiKey",
            id,
            {"graceHours": grace_hours, "days": expires_in_days},
            lambda directory: keys.rotate_key(directory, id, grace, lasts),
            info.context.keys_dir,
        )

    @strawberry.mutation(
        description="Revokes a key for good; it is refused from the next request on. Once more changes nothing.",
        extensions=[require_role(keys.Role.ADMIN)],
    )
    async def revoke_api_key(self, info: Info, id: Id) -> ApiKey:
        keys.find_key(info.context.keys_dir, id)
        return await info.context.worker.run(_revoke_key, info.context.auditor, info.context.keys_dir, id)


def _make_key(
    store: Store,
    auditor: Auditor,
    action: str,
    key_id: str,
    details: Mapping[str, object],
    make: Callable[[Path], str],
    directory: Path,
) -> NewApiKey:
    # If the log cannot be written, no key is made.
    auditor.write(store, action, key_id, details=details)
    secret = make(directory)
    return NewApiKey(secret=secret, key=ApiKey.from_key(keys.find_key(directory, key_id)))


def _revoke_key(store: Store, auditor: Auditor, directory: Path, key_id: str) -> ApiKey:
    auditor.write(store, "revokeApiKey", key_id)
    return ApiKey.from_key(keys.revoke_key(directory, key_id))


def _parse_days(days: int | None) -> timedelta | None:
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise BadInput(f"`expiresInDays` is from 1 to {MAX_DAYS}.")
    return timedelta(days=days) if days is not None else None
