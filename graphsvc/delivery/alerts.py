"""Apply a file of rules: read the addresses of new targets from where it says, and make all changes at once."""

import os
from collections.abc import Sequence
from pathlib import Path

from graphsvc.delivery.sender import check_endpoint, choose_form
from graphsvc.errors import AlertsError, WebhookError
from graphsvc.events.alert_changes import AlertChange
from graphsvc.events.alerts import AlertFile, FileTarget, parse_alerts
from graphsvc.events.secrets import load_or_create_sealer
from graphsvc.model.webhooks import EventFilter
from graphsvc.settings import Settings
from graphsvc.store import Store
from graphsvc.store.audit import Auditor
from graphsvc.store.webhooks import NewEndpoint, RuleChange, apply_rules


def load_alerts(path: Path) -> AlertFile:
    """Load a file of rules.

    Raises:
        AlertsError: it cannot be read or used.
    """
    try:
        return parse_alerts(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise AlertsError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from None
    except UnicodeDecodeError:
        raise AlertsError(f"{path} is no TOML: it is not UTF-8.", "Save it as UTF-8.") from None


def apply_changes(
    store: Store, auditor: Auditor, settings: Settings, changes: Sequence[AlertChange], path: Path
) -> None:
    """Make the changes of a file of rules in one transaction.

    Args:
        store: the database.
        auditor: the person.
        settings: which hosts are allowed, and where the key of webhooks is.
        changes: of `find_changes`; those that are not needed are left out.
        path: of the file, next to which files of addresses are looked for.

    Raises:
        AlertsError: the address of a new target cannot be read or used.
        Conflict: webhooks were changed meanwhile; nothing was changed.
    """
    made = []
    for each in changes:
        if each.webhook is not None and each.is_needed:
            made.append(RuleChange(each.webhook, each.rules))
        elif each.webhook is None:
            made.append(RuleChange(_build_endpoint(settings, each, path), each.rules))
    apply_rules(store, auditor, load_or_create_sealer(settings), made)


def _build_endpoint(settings: Settings, change: AlertChange, path: Path) -> NewEndpoint:
    """Build the endpoint of a new target.

    Raises:
        AlertsError: its address cannot be read or used.
    """
    url = _read_address(change.target, change.name, path)
    try:
        host = check_endpoint(settings, url, EventFilter())
        form = choose_form(url, change.target.format)
    except WebhookError as error:
        raise AlertsError(f"{path.name}, target {change.name}: {error.what}", error.todo) from None
    return NewEndpoint(change.name, url, host, form)


def _read_address(target: FileTarget, name: str, path: Path) -> str:
    """Read an address from the variable or the file that a target names.

    Raises:
        AlertsError: there is none.
    """
    where = f"{path.name}, target {name}"
    if target.address_env:
        found = os.environ.get(target.address_env, "").strip()
        if not found:
            raise AlertsError(
                f"{where}: the variable {target.address_env} is not set.", "Set it to the address."
            )
        return found
    file = path.parent / target.address_file
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise AlertsError(
            f"{where}: {file} cannot be read: {reason}.", "Write the address into it."
        ) from None
    if not found:
        raise AlertsError(f"{where}: {file} is empty.", "Write the address into it.")
    return found
