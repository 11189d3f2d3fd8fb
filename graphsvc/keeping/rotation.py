"""Rotation of the token key: a new key becomes current, earlier ones are known until nothing has tokens of theirs.

Raw values are not stored. So a signal moves to the current key when a bundle brings its value again
(`store.loads.build_steps`). Until then loads and searches find it by its old token.
"""

import secrets
from dataclasses import dataclass

from graphsvc.errors import KeepingError, NotFound
from graphsvc.files import lock_in_turn
from graphsvc.keyfile import KEY_BYTES
from graphsvc.settings import Settings
from graphsvc.signals.kinds import KINDS
from graphsvc.signals.tokens import compute_key_id, load_or_create_key, make_current, remove_older
from graphsvc.store import Store
from graphsvc.store.audit import Auditor
from graphsvc.store.forgetting import write_unless_loading
from graphsvc.store.retention import count_tokens
from graphsvc.store.snapshots import Snapshots

_LOCK = "token.lock"


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A token key by its id: `state` is current, earlier, or lost (there are tokens of it and no key)."""

    id: str
    state: str
    signals: int


def list_token_keys(store: Store, settings: Settings) -> list[TokenKey]:
    """List the keys, the current one first, with the number of signals that have tokens of each."""
    # Values of these kinds may look like a token, with a dot in it.
    raw = [kind.name for kind in KINDS if not kind.tokenised]
    counts = count_tokens(store, raw)
    tokens = load_or_create_key(settings)
    states = {tokens.key_id: "current", **{each.key_id: "earlier" for each in tokens.older}}
    lost = {name: "lost" for name in counts if name not in states}
    return [TokenKey(name, state, counts.get(name, 0)) for name, state in {**states, **lost}.items()]


def rotate_key(store: Store, auditor: Auditor, settings: Settings) -> str:
    """Make a new key the current one, and return its id.

    Raises:
        KeepingError: a load is open; it would not recognize its own tokens.
        SettingsError: the key files cannot be used.
    """
    with lock_in_turn(settings.keys_dir / _LOCK):
        key, before = secrets.token_bytes(KEY_BYTES), load_or_create_key(settings).key_id
        after = compute_key_id(key)
        # The entry is written first: a key that was changed without one could not be explained later.
        write_unless_loading(store, auditor, "rotateTokenKey", before, details={"to": after})
        # In the same lock, so that two rotations cannot both put their key first.
        make_current(settings, key)
    # Their signals have the keys that the next loads replace.
    Snapshots(settings.runs_dir, settings.keep_runs).drop_clusters()
    return after


def retire_key(store: Store, auditor: Auditor, settings: Settings, key_id: str, *, force: bool) -> int:
    """Remove an earlier key for good, and return the number of signals that still have its tokens.

    Raises:
        NotFound: there is no earlier key of this id.
        KeepingError: signals have tokens of it and `force` is false, or a load is open.
    """
    with lock_in_turn(settings.keys_dir / _LOCK):
        found = {each.id: each for each in list_token_keys(store, settings) if each.state == "earlier"}
        if key_id not in found:
            raise NotFound(f"There is no earlier token key {key_id}.", "`graphsvc tokens status` lists them.")
        left = found[key_id].signals
        # Tokens without a key cannot be recognised in later bundles: their signals would split in two.
        if left and not force:
            raise KeepingError(
                f"{left:,} signals have tokens of the key {key_id}; without it later bundles do not find them.",
                "Load the bundles that bring their values again, let retention remove them, or use --force.",
            )
        # The entry first, as for a rotation.
        write_unless_loading(store, auditor, "retireTokenKey", key_id, details={"signals": left})
        remove_older(settings, key_id)
    return left
