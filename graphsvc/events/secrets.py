"""Secrets of webhooks: made here, and sealed with a key of the installation before they are stored."""

import base64
import json
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from graphsvc.errors import WebhookError
from graphsvc.keyfile import load_or_create
from graphsvc.settings import Settings

_FILE = "webhooks.key"
_NONCE_BYTES = 12
SECRET_BYTES = 32
"""Random bytes of a secret; Standard Webhooks takes 24 to 64."""


@dataclass(frozen=True, slots=True)
class Target:
    """The confidential part of a webhook.

    Attributes:
        url: address, which may hold a secret of its receiver.
        secret: `whsec_…`, which signs.
        before: the secret before it, or ''.
        before_until: until when that one signs too (ISO 8601, UTC), or ''.
    """

    url: str = field(repr=False)
    secret: str = field(repr=False)
    before: str = field(default="", repr=False)
    before_until: str = ""

    def list_secrets(self, moment: datetime) -> list[str]:
        """List the secrets that sign at a time, the current one first."""
        also = self.before and moment < datetime.fromisoformat(self.before_until)
        return [self.secret, *([self.before] if also else [])]

    def rotate(self, moment: datetime, grace: timedelta) -> "Target":
        """Return the target with a new secret. The one before signs too until `grace` is over."""
        until = (moment + grace).isoformat()
        return replace(self, secret=generate_secret(), before=self.secret, before_until=until)


class Sealer:
    """Seals targets: ChaCha20-Poly1305 (RFC 8439), bound to the id of their webhook."""

    def __init__(self, key: bytes) -> None:
        """Initialize with `key`, 32 secret bytes."""
        self._cipher = ChaCha20Poly1305(key)

    def seal(self, webhook: str, target: Target) -> str:
        """Return a sealed target as base64."""
        # Random nonces of 96 bits: a collision needs billions of rotations.
        nonce = secrets.token_bytes(_NONCE_BYTES)
        text = json.dumps(asdict(target)).encode()
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, text, webhook.encode())).decode()

    def open(self, webhook: str, sealed: str) -> Target:
        """Open what `seal` returned.

        Raises:
            WebhookError: it was sealed with another key, or for another webhook, or changed.
        """
        try:
            content = base64.b64decode(sealed, validate=True)
            nonce, text = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
            return Target(**json.loads(self._cipher.decrypt(nonce, text, webhook.encode())))
        except (InvalidTag, ValueError, TypeError):
            raise WebhookError(
                f"The address and the secret of webhook {webhook} cannot be opened with this installation's key.",
                f"Restore keys/{_FILE} from a backup, or remove the webhook and add it again.",
            ) from None


def generate_secret() -> str:
    """Return a new secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def load_or_create_sealer(settings: Settings) -> Sealer:
    """Return the sealer of this installation; its key is in `keys_dir/webhooks.key`, created at first use.

    Raises:
        SettingsError: the key file cannot be read or written, is damaged, or others can read it.
    """
    return Sealer(load_or_create(settings.keys_dir / _FILE, "key of webhooks"))
