"""The audit log, and the API keys: for admins."""
# mypy: disable-error-code=untyped-decorator

import asyncio
from datetime import datetime
from typing import Annotated

import strawberry

from graphsvc.api.auth import keys
from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.roles import require_role
from graphsvc.api.context import Info
from graphsvc.api.types import arguments
from graphsvc.api.types.audit import AuditEntry
from graphsvc.api.types.key import ApiKey
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.model.audit import LoggedEntry
from graphsvc.store.audit_log import LAST, EntryFilter, read_page


@strawberry.input(description="Entries that meet all that is given.")
class AuditFilter:
    actor: str | None = strawberry.field(default=None, description="By this one.")
    action: str | None = strawberry.field(default=None, description="This action, for example `reveal`.")
    subject: str | None = strawberry.field(
        default=None,
        description="On this, or naming it in the details, for example a handle that was revealed.",
    )
    since: datetime | None = strawberry.field(default=None, description="From this moment on.")


@strawberry.type(description="Queries of the audit log and of keys, for admins.")
class AuditQueries:
    @strawberry.field(
        description="Actions and disclosures of data, newest first. `graphsvc audit verify` checks that all are there.",
        extensions=[require_role(Role.ADMIN)],
    )
    async def audit_log(
        self,
        info: Info,
        filter: Annotated[
            AuditFilter | None, strawberry.argument(description="Only entries that meet this.")
        ] = None,
        first: arguments.First = 50,
        after: arguments.After = None,
    ) -> Connection[AuditEntry]:
        limit = info.context.budget.charge_page(first) + 1
        (before,) = decode_cursor("auditLog", after, (LAST,))
        where = filter or AuditFilter()
        account = info.context.signer.derive_pseudonym(where.subject) if where.subject else None
        wanted = EntryFilter(where.actor, where.action, where.subject, where.since, account)
        found = await info.context.worker.run(read_page, min(int(before), LAST), limit, wanted)
        logged: list[LoggedEntry] = info.context.veil.redact_rows(found)  # a reason may quote an address
        return build_connection(
            [AuditEntry.from_entry(entry) for entry in logged],
            first,
            after,
            lambda entry: encode_cursor("auditLog", (entry.number,)),
        )

    @strawberry.field(
        description="All API keys in order of creation, those that are revoked or expired too; never a secret.",
        extensions=[require_role(Role.ADMIN)],
    )
    async def api_keys(self, info: Info) -> list[ApiKey]:
        found = await asyncio.to_thread(keys.read_keys, info.context.keys_dir)
        info.context.budget.charge(len(found))
        return [ApiKey.from_key(key) for key in found]
