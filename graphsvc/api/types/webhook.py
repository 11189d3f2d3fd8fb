"""Webhooks, without their addresses and secrets."""

import strawberry

from graphsvc.api.types.enums import describe_enum
from graphsvc.api.types.event import EventType
from graphsvc.api.types.models import describe_model
from graphsvc.api.types.run import BigInt
from graphsvc.model.webhooks import AlertRule, EventFilter, Webhook, WebhookFormat

# The filter has types of events, so these are described first.
__all__ = ["EventType", "NewWebhook", "Webhook", "WebhookAttempt"]

describe_enum(
    WebhookFormat,
    "WebhookFormat",
    "Forms of what is sent. Both are signed alike.",
    {
        WebhookFormat.STANDARD: "Of Standard Webhooks: type, timestamp and data.",
        WebhookFormat.CLOUDEVENTS: "CloudEvents 1.0, as structured JSON.",
    },
)
describe_model(EventFilter)
describe_model(AlertRule)
describe_model(Webhook, types={"position": BigInt})


@strawberry.type(description="A webhook with its secret, which is shown this once.")
class NewWebhook:
    secret: str = strawberry.field(
        description="What signs: keep it now. Receivers verify with it; messages in chat and by e-mail are not signed."
    )
    webhook: Webhook = strawberry.field(description="The webhook.")


@strawberry.type(description="What came of a test.")
class WebhookAttempt:
    is_delivered: bool = strawberry.field(description="Whether the receiver took it.")
    reason: str = strawberry.field(description="The status, or why there was none, for example `timed out`.")
