"""The process that sends one message to a service of chat or e-mail: `python -m graphsvc.delivery.notify_process`.

`apprise` and the libraries below it resolve hosts and connect by themselves. So they run in a process of their own, in
which a hook of the interpreter sees each address at the moment of connecting, and which can be ended at any time.
It reads a job as JSON from standard input, and writes what came of it as JSON. It logs nothing.
"""

import importlib
import json
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from graphsvc.errors import WebhookError
from graphsvc.events.services import MAIL, SERVICES, Service, find_refused, find_scheme
from graphsvc.events.targets import is_public

_CONNECTIONS = frozenset(("socket.connect", "socket.sendto", "socket.sendmsg"))
_COMMANDS = ("subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "pty.")
"""Beginnings of events of the interpreter that start a program."""
_FILES = ("os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink",
          "os.truncate", "shutil.", "tempfile.")  # fmt: skip
"""Beginnings of those that change files, besides `open`."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Guard:
    """Refuses connections to addresses that are not public, commands, and changes of files."""

    def __init__(self, allowed: frozenset[str]) -> None:
        """Initialize.

        Args:
            allowed: hosts whose addresses need not be public.
        """
        self._allowed = allowed
        self._addresses = {each for each in allowed if _is_address(each)}
        """Addresses that may be reached although they are not public: of hosts that are allowed."""
        self._resolve = socket.getaddrinfo
        self.is_refused = False

    def install(self) -> None:
        """Install it for the life of the process: a hook cannot be removed."""
        socket.getaddrinfo = self._resolve_host
        sys.addaudithook(self._check)

    def _resolve_host(self, host: Any, *args: Any, **kwargs: Any) -> Any:
        """Resolve a host, and remember the addresses of one that is allowed."""
        found = self._resolve(host, *args, **kwargs)
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str) and name.lower() in self._allowed:
            self._addresses.update(str(each[4][0]) for each in found)
        return found

    def _check(self, event: str, args: tuple[Any, ...]) -> None:
        """Refuse an event of the interpreter by an error."""
        if event in _CONNECTIONS:
            # Without an address it is a message over a connection that was checked.
            if args[1] is not None and not self._may_reach(args[1]):
                self.is_refused = True
                raise PermissionError("refused address")
        elif event.startswith((*_COMMANDS, *_FILES)) or (event == "open" and args[2] & _WRITING):
            raise PermissionError(event)

    def _may_reach(self, address: Any) -> bool:
        """Return whether an address of a socket may be reached. Names and paths of local sockets may not."""
        host = address[0] if isinstance(address, tuple) and address else None
        return isinstance(host, str) and (host in self._addresses or is_public(host))


def _is_address(host: str) -> bool:
    """Return whether a host is given by its address. A name would be resolved again, out of sight of the hook."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def run_job(job: dict[str, Any], guard: Guard) -> dict[str, Any]:
    """Check an address, or send a message to it, and return what came of it.

    Args:
        job: `url`, `allowed` (hosts), and `title` and `text` of a message; without these the address is only checked.
        guard: of this process.

    Returns:
        `place` (scheme and host to show), or `refused` (what is wrong with the address, and what to do). Of a message
        `delivered`, `status` of the last answer by HTTP (0: none), `pause` (its `Retry-After`), and `unreachable` (a
        connection was refused here).
    """
    from requests.adapters import HTTPAdapter

    statuses: list[tuple[int, str]] = []
    send = HTTPAdapter.send

    def note_status(*args: Any, **kwargs: Any) -> Any:
        answer = send(*args, **kwargs)
        statuses.append((answer.status_code, answer.headers.get("retry-after", "")))
        return answer

    # `apprise` tells only whether a message was taken, so the status is read on the way.
    HTTPAdapter.send = note_status  # type: ignore[method-assign]
    scheme = find_scheme(job["url"])
    try:
        target, place = _open_target(job["url"], SERVICES[scheme], frozenset(job["allowed"]))
        if SERVICES[scheme].module != MAIL:
            _limit_recipients(target, job["seconds"])
    except WebhookError as error:
        return {"refused": [error.what, error.todo]}
    if "text" not in job:
        return {"place": place}
    is_delivered = _notify(target, job["title"], job["text"])
    status, pause = statuses[-1] if statuses else (0, "")
    return {"delivered": is_delivered, "status": status, "pause": pause, "unreachable": guard.is_refused}


def _open_target(url: str, service: Service, allowed: frozenset[str]) -> tuple[Any, str]:
    """Make the plugin's object for an address. Return it with the scheme and the host that may be shown.

    Raises:
        WebhookError: the address is none, has an option that is refused, or would be reached without TLS.
    """
    from apprise import AppriseAsset
    from apprise.exception import AppriseException

    scheme = find_scheme(url)
    # No templates, keys or files of this machine, nothing kept, no pictures of its maker, no redirects.
    asset = AppriseAsset(
        app_id="graphsvc", app_desc="graphsvc", app_url="", image_url_mask="", image_url_logo="", async_mode=False,
        http_redirects=False, pgp_autogen=False, pem_autogen=False, allow_templates=False, storage_mode="memory",
    )  # fmt: skip
    plugin = getattr(importlib.import_module(f"apprise.plugins.{service.module}"), service.plugin)
    parsed = plugin.parse_url(url)
    # It must read the same scheme out of the address, since that one says whether there is TLS.
    if not parsed or parsed.get("schema") != scheme:
        raise _describe(scheme)
    refused = find_refused(service, parsed)
    if refused:
        # Only words of the plugin are shown: a part of a token after a `?` looks like an option, too.
        shown = ", ".join(each for each in refused if each in plugin.template_args) or "that it has"
        raise WebhookError(
            f"The option {shown} is not taken in an address of {scheme}.",
            f"It may have: {', '.join(sorted(service.options))}.",
        )
    try:
        # HTML is what e-mail has by default; these are a few plain lines.
        target = plugin(**parsed, asset=asset, **({"format": "text"} if service.module == MAIL else {}))
    except (AppriseException, TypeError, ValueError):
        raise _describe(scheme) from None
    named = str(getattr(target, "smtp_host", "") or target.host or "") if service.has_host else ""
    host = named.lower().strip("[]")
    is_encrypted = service.is_encrypted or getattr(target, "secure_mode", "insecure") != "insecure"
    if not is_encrypted and host not in allowed:
        raise WebhookError(
            f"Messages are sent by TLS, and {host} is given without it.",
            f"Write {scheme.rstrip('s')}s:// or name the host in GRAPHSVC_WEBHOOK_ALLOWED_HOSTS.",
        )
    with suppress(OSError):  # the resolver may know it later; each connection is checked
        if host and host not in allowed:
            _require_public(host)
    return target, f"{scheme}://{host or '…'}"


def _limit_recipients(target: Any, seconds: float) -> None:
    """Refuse an address of chat with so many recipients that a message would be cut off between them, again and again.

    Raises:
        WebhookError: the pauses between them take more than half of the time that a message has.
    """
    pauses = (len(target) - 1) * float(target.request_rate_per_sec)
    if pauses > seconds / 2:
        raise WebhookError(
            f"This address has {len(target)} recipients, and apprise pauses {pauses:.0f} seconds between them.",
            "Add a webhook for some of them each.",
        )


def _require_public(host: str) -> None:
    """Refuse a host whose addresses are not all public, so that a person learns it when the address is added.

    Raises:
        WebhookError: one of them is not.
        OSError: the host is unknown.
    """
    if not all(is_public(str(each[4][0])) for each in socket.getaddrinfo(host, None)):
        raise WebhookError(
            f"The addresses of {host} are not all of the public internet.",
            "Name the host in GRAPHSVC_WEBHOOK_ALLOWED_HOSTS if messages may reach it.",
        )


def _describe(scheme: str) -> WebhookError:
    """Build the error about an address that a plugin does not take. The address is a secret, and its words too."""
    return WebhookError(
        f"This is no address of {scheme} that apprise understands.",
        f"`apprise --details` and its documentation show the forms of {scheme}://.",
    )


def _notify(target: Any, title: str, text: str) -> bool:
    """Send a message, and return whether the service took it."""
    from apprise import Apprise, NotifyFormat, NotifyType

    sender = Apprise(asset=target.asset)
    sender.add(target)
    return bool(
        sender.notify(body=text, title=title, notify_type=NotifyType.INFO, body_format=NotifyFormat.TEXT)
    )


def main() -> None:
    """Do the job on standard input."""
    job = json.loads(sys.stdin.buffer.read())
    # A parent that was killed ends nothing any more.
    signal.setitimer(signal.ITIMER_REAL, job["seconds"])
    logging.disable(logging.CRITICAL)
    guard = Guard(frozenset(job["allowed"]))
    guard.install()
    print(json.dumps(run_job(job, guard)))


if __name__ == "__main__":
    main()
