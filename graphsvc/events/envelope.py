"""The form that an event is sent in, and its signature: Standard Webhooks 1.0, and CloudEvents 1.0."""

import json
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook as Reference

from graphsvc.model.events import Event
from graphsvc.model.webhooks import WebhookFormat

CONTENT_TYPES = {
    WebhookFormat.STANDARD: "application/json",
    WebhookFormat.CLOUDEVENTS: "application/cloudevents+json",
}
NAMESPACE = "graphsvc."
"""What types of CloudEvents begin with: one stream may carry the events of many systems."""


def build_body(event: Event, form: WebhookFormat, source: str) -> str:
    """Build what is sent: the same bytes at each attempt.

    Args:
        event: to be sent.
        form: of the body.
        source: URI of this installation, for CloudEvents.
    """
    moment = event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {"id": event.id, "number": event.number, "subject": event.subject, **event.data}
    body: dict[str, object] = {"type": event.type.value, "timestamp": moment, "data": data}
    if form is WebhookFormat.CLOUDEVENTS:
        body = {
            "specversion": "1.0",
            "id": event.id,
            "source": source,
            "type": NAMESPACE + event.type.value,
            "time": moment,
            "datacontenttype": "application/json",
            # The extension `sequence` compares as text, so numbers get as many digits as the largest one has.
            "sequence": f"{event.number:019d}",
            "data": data,
        }
        # A subject must not be empty.
        body |= {"subject": event.subject} if event.subject else {}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def build_headers(
    event: str, body: str, form: WebhookFormat, secrets: Sequence[str], moment: datetime
) -> dict[str, str]:
    """Build the headers of an attempt, with a signature for each secret: two while a rotated one is still valid.

    Args:
        event: id of the event.
        body: what is sent.
        form: of the body.
        secrets: `whsec_…`.
        moment: time of the attempt (UTC), which receivers compare with their clock.
    """
    signatures = [Reference(each).sign(event, moment, body) for each in secrets]
    return {
        "content-type": CONTENT_TYPES[form],
        "user-agent": "graphsvc",
        "webhook-id": event,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
