"""Mutations of webhooks: add, remove, rotate, test, redeliver."""
# mypy: disable-error-code=untyped-decorator

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import strawberry

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.roles import require_role
from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.mutations.decisions import clean_text
from graphsvc.api.types.arguments import Id
from graphsvc.api.types.webhook import NewWebhook, Webhook, WebhookAttempt
from graphsvc.delivery.sender import check_endpoint
from graphsvc.events.secrets import Sealer, load_or_create_sealer
from graphsvc.model.events import EventType
from graphsvc.model.webhooks import LONGEST_NAME, EventFilter, WebhookFormat
from graphsvc.settings import Settings
from graphsvc.store import Store
from graphsvc.store.audit import Auditor
from graphsvc.store.webhooks import add_webhook, queue_again, read_webhook, remove_webhook, rotate_secret

MAX_HOURS = 24 * 30
_ADMIN = [require_role(Role.ADMIN)]


@strawberry.input(description="A webhook that is to be added.")
class WebhookInput:
    url: str = strawberry.field(
        description="Where events are sent: `https://HOST/PATH`, `kafka://BROKER:9092/TOPIC`, or an address of chat or "
        "e-mail, such as `slack://…` or `mailtos://…`."
    )
    name: str = strawberry.field(default="", description="What it is for; empty: the host.")
    format: WebhookFormat = strawberry.field(default=WebhookFormat.STANDARD, description="Form of the body.")
    types: list[EventType] | None = strawberry.field(default=None, description="Only these; null: all.")
    min_size: int = strawberry.field(default=0, description="Least accounts of a cluster.")
    min_growth: int = strawberry.field(default=0, description="Least new accounts, of `cluster.grown`.")
    min_score: float = strawberry.field(default=0.0, description="Least hostility of a cluster, 0 to 1.")
    followed: bool = strawberry.field(
        default=False, description="Of clusters only those that someone watches or is assigned to."
    )
    quiet: str = strawberry.field(
        default="", description="Hours in which nothing is sent, like `22:00-06:00 Europe/Berlin`."
    )


@strawberry.type(description="Mutations of webhooks.")
class WebhookMutations:
    @strawberry.mutation(
        description="Adds a webhook for events from now on; its secret is in this answer and nowhere else.",
        extensions=_ADMIN,
    )
    async def add_webhook(
        self,
        info: Info,
        input: Annotated[WebhookInput, strawberry.argument(description="The webhook.")],
    ) -> NewWebhook:
        if min(input.min_size, input.min_growth) < 0 or not 0 <= input.min_score <= 1:
            raise BadInput("Sizes and growth are 0 or more, and scores from 0 to 1.")
        wanted = EventFilter(
            input.types or [], input.min_size, input.min_growth, input.min_score, input.followed, input.quiet
        )
        asked = replace(input, name=clean_text(input.name, LONGEST_NAME))
        settings = info.context.services.settings
        # Not in a thread of the worker: hosts are resolved, and addresses of chat are checked by a process.
        host = await asyncio.to_thread(check_endpoint, settings, asked.url, wanted)
        return await info.context.worker.run(
            _add_webhook, info.context.auditor, settings, asked, wanted, host
        )

    @strawberry.mutation(
        description="Removes a webhook with all that waits for it, and returns its id.", extensions=_ADMIN
    )
    async def remove_webhook(self, info: Info, id: Id) -> str:
        await info.context.worker.run(remove_webhook, info.context.auditor, id)
        return id

    @strawberry.mutation(
        description="Gives a webhook a new secret, which is in this answer and nowhere else. Both sign until the grace "
        "is over.",
        extensions=_ADMIN,
    )
    async def rotate_webhook(
        self,
        info: Info,
        id: Id,
        grace_hours: Annotated[
            int,
            strawberry.argument(description=f"How long the secret before signs, too: 0 to {MAX_HOURS}."),
        ] = 24,
    ) -> NewWebhook:
        if not 0 <= grace_hours <= MAX_HOURS:
            raise BadInput(f"`graceHours` is from 0 to {MAX_HOURS}.")
        sealer = load_or_create_sealer(info.context.services.settings)
        return await info.context.worker.run(
            _rotate_secret, info.context.auditor, sealer, id, timedelta(hours=grace_hours)
        )

    @strawberry.mutation(
        description="Sends a test event to a webhook now, and says what came of it.", extensions=_ADMIN
    )
    async def test_webhook(self, info: Info, id: Id) -> WebhookAttempt:
        webhook = await info.context.worker.run(_log_test, info.context.auditor, id)
        # Not in a thread of the worker: a receiver may hang.
        outcome = await asyncio.to_thread(info.context.services.sender.test, webhook)
        return WebhookAttempt(is_delivered=outcome.is_delivered, reason=outcome.reason)

    @strawberry.mutation(
        description="Queues again what was given up or waits for another attempt, or one event, and returns how many.",
        extensions=_ADMIN,
    )
    async def redeliver_webhook(
        self,
        info: Info,
        id: Id,
        event_id: Annotated[
            str | None, strawberry.argument(description="Id of one event, also of one that was delivered.")
        ] = None,
    ) -> int:
        return await info.context.worker.run(queue_again, info.context.auditor, id, event_id)


def _add_webhook(
    store: Store, auditor: Auditor, settings: Settings, asked: WebhookInput, wanted: EventFilter, host: str
) -> NewWebhook:
    webhook, secret = add_webhook(
        store,
        auditor,
        load_or_create_sealer(settings),
        url=asked.url,
        host=host,
        name=asked.name or host,
        form=asked.format,
        wanted=wanted,
    )
    return NewWebhook(secret=secret, webhook=webhook)


def _rotate_secret(
    store: Store, auditor: Auditor, sealer: Sealer, webhook: str, grace: timedelta
) -> NewWebhook:
    secret = rotate_secret(store, auditor, sealer, webhook, datetime.now(UTC), grace)
    return NewWebhook(secret=secret, webhook=read_webhook(store, webhook))


def _log_test(store: Store, auditor: Auditor, webhook: str) -> Webhook:
    found = read_webhook(store, webhook)
    auditor.write(store, "testWebhook", webhook)
    return found
