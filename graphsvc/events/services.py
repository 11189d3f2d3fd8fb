"""The services of chat and e-mail that events are sent to as messages, through plugins of `apprise`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from graphsvc.errors import WebhookError
from graphsvc.events.targets import LONGEST_URL, is_plain

MAIL = "email"
"""Module of the plugin that sends by SMTP."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service of chat or e-mail.

    Attributes:
        module: of `apprise.plugins`.
        plugin: class in it.
        options: that an address may have after its `?`. Others would read files of this machine as templates or keys,
            or leave certificates unchecked.
        has_host: whether the address names the host that is reached. Without one, a token is in its place.
        is_encrypted: whether it is always reached by TLS; of e-mail the address decides.
    """

    module: str
    plugin: str
    options: frozenset[str] = frozenset()
    has_host: bool = False
    is_encrypted: bool = True


_MATTERMOST = Service(
    "mattermost",
    "NotifyMattermost",
    frozenset(("to", "channel", "channels", "team", "botname", "mode", "image")),
    has_host=True,
)
_ROCKET = Service(
    "rocketchat", "NotifyRocketChat", frozenset(("to", "mode", "webhook", "avatar")), has_host=True
)
_TEAMS = Service(
    "workflows",
    "NotifyWorkflows",
    frozenset(("workflow", "id", "signature", "sig", "api-version", "ver", "pa", "powerautomate", "route", "routeid")),
    has_host=True,
)  # fmt: skip
_MAIL = Service(
    MAIL,
    "NotifyEmail",
    frozenset(
        ("smtp", "mode", "from", "name", "to", "cc", "bcc", "reply", "user", "pass", "password", "port")
    ),
    has_host=True,
    is_encrypted=False,
)
_WEBEX = Service("webexteams", "NotifyWebexTeams", frozenset(("to", "mode", "token")))
SERVICES: Mapping[str, Service] = {
    "slack": Service("slack", "NotifySlack", frozenset(("to", "mode", "token", "blocks", "timestamp"))),
    "workflows": _TEAMS,
    "workflow": _TEAMS,
    "mailto": _MAIL,
    "mailtos": _MAIL,
    "discord": Service("discord", "NotifyDiscord", frozenset(("thread", "botname", "tts"))),
    "gchat": Service(
        "google_chat",
        "NotifyGoogleChat",
        frozenset(("workspace", "key", "token", "thread", "threadkey")),
    ),
    "mmosts": _MATTERMOST,
    "mmost": replace(_MATTERMOST, is_encrypted=False),
    "rockets": _ROCKET,
    "rocket": replace(_ROCKET, is_encrypted=False),
    "tgram": Service("telegram", "NotifyTelegram", frozenset(("to", "topic", "thread", "silent"))),
    "webex": _WEBEX,
    "wxteams": _WEBEX,
}
"""Service by the scheme of its addresses. The plugins of apprise 2.3 were read for this list: they connect to the host
of the address or of the service, run no command, and open files only for attachments and for options that are not here.
`apprise` has 130 more, among them ones that write to the system's log, reach the desktop, or post to any address."""
_RETIRED = "msteams"
"""Connectors of Microsoft Teams, which Microsoft ended; `apprise` has them no more."""


def find_scheme(url: str) -> str:
    """Return the scheme of an address in small letters; '' without one."""
    scheme, mark, _ = url.partition("://")
    return scheme.lower() if mark else ""


def find_service(url: str) -> Service | None:
    """Return the service that an address is of; None: it is of a webhook or a topic, or of nothing known.

    Raises:
        WebhookError: the address has characters or a length that none has, or is of a service that was ended.
    """
    scheme = find_scheme(url)
    if scheme == _RETIRED:
        raise WebhookError(
            "Microsoft ended the connectors of Teams that msteams:// addressed.",
            "Make a workflow in Teams and write workflows://HOST:443/WORKFLOW/SIGNATURE.",
        )
    service = SERVICES.get(scheme)
    if service and not is_plain(url):
        raise WebhookError(
            f"This is no address of {scheme}.",
            f"Write it in ASCII without spaces, at most {LONGEST_URL:,} characters; %20 is a space.",
        )
    return service


def find_refused(service: Service, parsed: Mapping[str, object]) -> list[str]:
    """Find the options of an address that the service may not have, sorted.

    Args:
        service: of the address.
        parsed: by its plugin. An option is in `qsd`, and in another mapping if it begins with `+`, `-` or `:`.
    """
    known = parsed.get("qsd")
    names: Collection[str] = known if isinstance(known, dict) else ()
    extra = [mark for mark in ("+", "-", ":") if parsed.get(f"qsd{mark}")]
    return sorted({*names} - service.options) + extra
