"""Show the addresses behind pseudonyms to an analyst who gives a reason.

The audit log is written first. If that fails, no address is shown.
"""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.roles import require_role
from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.errors import NotFound
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Store

MAX_KEYS = 50
REASON = (10, 500)


@strawberry.type(description="The value behind a pseudonym.")
class RevealedAddress:
    pseudonym: strawberry.ID = strawberry.field(description="The pseudonym.")
    key: str = strawberry.field(description="Key of the signal as it is stored: `ip:` and the address.")
    value: str = strawberry.field(description="The address.")


@strawberry.type(description="Reveals.")
class RevealMutations:
    @strawberry.mutation(
        description="Shows the addresses behind pseudonyms. Who was shown which, and why, is in the audit log for "
        "good; when the log cannot be written, nothing is shown.",
        extensions=[require_role(Role.ANALYST)],
    )
    async def reveal(
        self,
        info: Info,
        keys: Annotated[
            list[strawberry.ID], strawberry.argument(description=f"Pseudonyms, `ip:~…`; 1 to {MAX_KEYS}.")
        ],
        reason: Annotated[
            str,
            strawberry.argument(
                description=f"The reason, in {REASON[0]} to {REASON[1]} characters; no addresses or names in it."
            ),
        ],
    ) -> list[RevealedAddress]:
        if not 1 <= len(keys) <= MAX_KEYS:
            raise BadInput(f"`keys` are {len(keys)}, they must be from 1 to {MAX_KEYS}.")
        said, veil = info.context.veil.redact_text(reason.strip()), info.context.veil
        if not REASON[0] <= len(said) <= REASON[1] or not said.isprintable():
            raise BadInput(f"`reason` is {REASON[0]} to {REASON[1]} characters that print, in one line.")
        info.context.budget.charge(len(keys))
        # A caller may name the address itself. It is hidden first, so that the log never holds it.
        handles = [veil.hide(str(key)) for key in dict.fromkeys(keys)]
        opened = {handle: veil.open(handle) for handle in handles}
        if unknown := sum(handle == key for handle, key in opened.items()):
            raise NotFound(
                f"{unknown} of `keys` are no pseudonyms of addresses.", "Only addresses can be revealed."
            )
        await info.context.worker.run(_log_reveal, info.context.auditor, handles, said)
        return [
            RevealedAddress(pseudonym=strawberry.ID(handle), key=key, value=key.removeprefix("ip:"))
            for handle, key in opened.items()
        ]


def _log_reveal(store: Store, auditor: Auditor, handles: list[str], reason: str) -> None:
    subject = handles[0] if len(handles) == 1 else f"{len(handles)} signals"
    auditor.write(store, "reveal", subject, reason=reason, details={"handles": handles})
