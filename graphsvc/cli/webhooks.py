"""`graphsvc webhooks`: send events to other systems: endpoints, their secrets, and what waits for them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.decide import By, make_auditor
from graphsvc.cli.durations import parse_duration
from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings
from graphsvc.model.events import EventType
from graphsvc.model.webhooks import MOST_ACCOUNTS, EventFilter, WebhookFormat

if TYPE_CHECKING:
    from graphsvc.delivery.sender import Sender
    from graphsvc.store import Store

app = typer.Typer(
    no_args_is_help=True,
    help="""Send events to other systems, as Standard Webhooks: signed, at least once, in the order of each cluster.
Or to people, as messages in chat and by e-mail.

`graphsvc serve` sends while it runs. Without it, `graphsvc webhooks deliver` sends once, for example after a run.""",
)

WebhookId = Annotated[str, typer.Argument(metavar="ID", help="Id of a webhook (`graphsvc webhooks list`).")]


@app.command("add")
def add(
    url: Annotated[
        str,
        typer.Argument(
            help="Where events are sent: https://HOST/PATH, kafka://BROKER:9092/TOPIC, or an address of apprise: "
            "slack://, workflows:// (Teams), mailtos://, discord://, gchat://, mmosts://, rockets://, tgram://, webex://."
        ),
    ],
    name: Annotated[str, typer.Option(help="What it is for; default: the host.")] = "",
    types: Annotated[
        list[EventType] | None,
        typer.Option("--type", help="Only events of this type; repeat it for more. Default: all."),
    ] = None,
    form: Annotated[
        WebhookFormat | None,
        typer.Option(
            "--format",
            help="Body: of Standard Webhooks, or CloudEvents as structured JSON. Default: CloudEvents to a topic, "
            "else standard.",
        ),
    ] = None,
    min_size: Annotated[int, typer.Option(min=0, max=MOST_ACCOUNTS, help="Least accounts of a cluster.")] = 0,
    min_growth: Annotated[
        int, typer.Option(min=0, max=MOST_ACCOUNTS, help="Least new accounts, of cluster.grown.")
    ] = 0,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="Least score (hostility) of a cluster, where it is known.")
    ] = 0.0,
    followed: Annotated[
        bool,
        typer.Option("--followed", help="Of clusters only those that someone watches or is assigned to."),
    ] = False,
    quiet: Annotated[
        str,
        typer.Option(
            metavar="HOURS",
            help="Hours in which nothing is sent, for example '22:00-06:00 Europe/Berlin'; without a zone "
            "UTC. What happens then is sent after them.",
        ),
    ] = "",
    by: By = None,
) -> None:
    """Add a webhook for events from now on, and print its secret, once.

    The receiver checks signatures with the secret; it is stored sealed with a key of this installation. Hosts with
    private addresses, and brokers of topics, are refused unless GRAPHSVC_WEBHOOK_ALLOWED_HOSTS names them.

    People in chat or by e-mail get a message of a few lines, without a signature, so no secret is printed:
    `graphsvc webhooks add 'mailtos://user:password@smtp.example.org?to=team@example.org' --type cluster.born`.
    """
    from graphsvc.delivery.sender import check_endpoint, choose_form
    from graphsvc.events.secrets import load_or_create_sealer
    from graphsvc.events.services import find_service
    from graphsvc.store.webhooks import add_webhook

    here = load_settings()
    wanted = EventFilter(types or [], min_size, min_growth, min_score, followed, quiet)
    host = check_endpoint(here, url, wanted)
    chosen = choose_form(url, form)
    is_message = find_service(url) is not None
    with _open_store() as store:
        webhook, secret = add_webhook(
            store,
            make_auditor(by),
            load_or_create_sealer(here),
            url=url,
            host=host,
            name=name.strip() or host,
            form=chosen,
            wanted=wanted,
        )
    if not is_message:
        typer.echo(secret)
    keep = "" if is_message else " Keep the secret now, it is not shown again."
    typer.echo(
        f"Webhook {webhook.id} is added.{keep} `graphsvc webhooks test {webhook.id}` sends a first event.",
        err=True,
    )


@app.command("list")
def print_webhooks(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List webhooks: what each wants, and how many events it took, waits for, or was given up for."""
    from graphsvc.events.filters import describe_filter
    from graphsvc.store.webhooks import list_webhooks

    with _open_store() as store:
        found = list_webhooks(store)
    if as_json:
        hidden = ("sealed", "rule_texts")
        rows = [{name: value for name, value in asdict(each).items() if name not in hidden} for each in found]
        typer.echo(json.dumps(rows, indent=2, default=str))
        return
    for each in found:
        wants = "; ".join(map(describe_filter, [each.filter] if each.rules is None else []))
        failed = f"; the last attempt that failed: {each.last_status}" if each.last_status else ""
        typer.echo(
            f"{each.id}  {each.name}  {_format_place(each.host)}  {each.format.value}  {wants or 'rules of a file:'}\n"
            f"  {each.delivered:,} delivered, {each.pending:,} waiting, {each.dead:,} given up{failed}"
        )
        for rule in each.rules or ():
            typer.echo(f"  {rule.name}: {describe_filter(rule.filter)}")
    if not found:
        typer.echo("There are no webhooks yet: `graphsvc webhooks add https://HOST/PATH`.")


@app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(help="File of rules, for example alerts.toml.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing. Reads no address.")
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Remove webhooks that have rules of a file and are not named in this one, with all that waits.",
        ),
    ] = False,
    by: By = None,
) -> None:
    """Apply a file of rules: which events go to which target, and when. All of it or nothing; twice is as once.

    A file of one target and one rule is two lines:

    `targets.fraud-channel.address_env = "FRAUD_CHANNEL_URL"`

    `rules = [{name = "large", targets = ["fraud-channel"], events = ["cluster.born"], min_size = 50}]`

    Rules also have min_growth, min_score, followed and quiet, as `graphsvc webhooks add` has them. An event that
    several rules select is sent once. A target is a webhook, by its name. One that does not exist yet takes its
    address from a variable (address_env) or a file (address_file); an address is never in the file of rules itself.

    A target gets the rules that the file has for it, and no others. Webhooks that the file does not name stay as they
    are. `graphsvc webhooks export` writes a file to start from.
    """
    from graphsvc.delivery.alerts import apply_changes, load_alerts
    from graphsvc.events.alert_changes import describe_changes, find_changes
    from graphsvc.store.webhooks import list_webhooks

    alerts = load_alerts(file)
    with _open_store() as store:
        webhooks = list_webhooks(store)
        changes = find_changes(alerts, webhooks, prune=prune)
        for line in describe_changes(changes, webhooks):
            typer.echo(line)
        needed = sum(each.is_needed for each in changes)
        if needed and not dry_run:
            apply_changes(store, make_auditor(by), load_settings(), changes, file)
    if not needed:
        typer.echo("Nothing to change.")
    elif dry_run:
        typer.echo(f"{needed:,} webhooks would change; without --dry-run they do.")
    else:
        typer.echo(f"{needed:,} webhooks are changed.")
    if needed and not dry_run and any(each.webhook is None for each in changes):
        typer.echo(
            "`graphsvc webhooks rotate ID` prints a secret for a new target that checks signatures.", err=True
        )


@app.command("export")
def export() -> None:
    """Print what webhooks get as a file of rules, to start from: `graphsvc webhooks export > alerts.toml`.

    Addresses and secrets are never in it.
    """
    from graphsvc.events.alerts import format_alerts
    from graphsvc.store.webhooks import list_webhooks

    with _open_store() as store:
        typer.echo(format_alerts(list_webhooks(store)), nl=False)


@app.command("remove")
def remove(webhook: WebhookId, by: By = None) -> None:
    """Remove a webhook, with all that waits for it."""
    from graphsvc.store.webhooks import remove_webhook

    with _open_store() as store:
        remove_webhook(store, make_auditor(by), webhook)
    typer.echo(f"Webhook {webhook} is removed.")


@app.command("test")
def test(webhook: WebhookId) -> None:
    """Send a test event (`webhook.test`) now, and say what the receiver answered."""
    from graphsvc.store.webhooks import read_webhook

    with _open_store() as store:
        outcome = _build_sender(store).test(read_webhook(store, webhook))
    typer.echo(f"{'Delivered' if outcome.is_delivered else 'Not delivered'}: {outcome.reason}")
    raise typer.Exit(0 if outcome.is_delivered else 1)


@app.command("rotate")
def rotate(
    webhook: WebhookId,
    grace: Annotated[
        timedelta,
        typer.Option(parser=parse_duration, metavar="TIME", help="How long the secret before signs, too."),
    ] = timedelta(days=1),
    by: By = None,
) -> None:
    """Give a webhook a new secret and print it, once. For a day, or --grace, both secrets sign."""
    from graphsvc.events.secrets import load_or_create_sealer
    from graphsvc.store.webhooks import rotate_secret

    with _open_store() as store:
        sealer = load_or_create_sealer(load_settings())
        typer.echo(rotate_secret(store, make_auditor(by), sealer, webhook, datetime.now(UTC), grace))


@app.command("redeliver")
def redeliver(
    webhook: WebhookId,
    event: Annotated[
        str | None, typer.Option(help="Id of one event, also of one that was delivered.")
    ] = None,
    by: By = None,
) -> None:
    """Queue again what was given up or waits for another attempt, or one event."""
    from graphsvc.store.webhooks import queue_again

    with _open_store() as store:
        queued = queue_again(store, make_auditor(by), webhook, event)
    typer.echo(f"{queued:,} events are due now: `graphsvc serve` sends them, or `graphsvc webhooks deliver`.")


@app.command("deliver")
def deliver() -> None:
    """Send what is due to all webhooks, once. Needless while `graphsvc serve` runs, which sends by itself.

    The exit status is 1 if an attempt failed; it is made again the next time it is due.
    """
    with _open_store() as store:
        counts = _build_sender(store).send_once()
    typer.echo(
        f"{counts['delivered']:,} delivered, {counts['failed']:,} to be tried again, {counts['dead']:,} given up"
    )
    raise typer.Exit(1 if counts["failed"] or counts["dead"] else 0)


@contextmanager
def _open_store() -> "Iterator[Store]":
    from graphsvc.database import open_store

    with open_store(load_settings(), console.print) as store:
        yield store


def _build_sender(store: "Store") -> "Sender":
    from graphsvc.delivery.sender import build_sender

    return build_sender(store, load_settings())


def _format_place(host: str) -> str:
    return host if "://" in host else f"https://{host}/…"
