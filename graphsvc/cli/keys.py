"""`graphsvc keys`: create, list, rotate and revoke API keys."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from graphsvc.api.auth import keys
from graphsvc.cli.durations import parse_duration
from graphsvc.cli.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Create, list, rotate and revoke API keys.")

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The part of the key before the dot.")]
Expires = Annotated[
    timedelta | None,
    typer.Option(
        parser=parse_duration, metavar="TIME", help="How long it is valid from now on, for example 90d."
    ),
]


@app.command()
def create(
    role: Annotated[keys.Role, typer.Option(help="What the key may do.")],
    name: Annotated[str, typer.Option(help="What or whom the key is for, to tell keys apart.")] = "",
    expires: Expires = None,
) -> None:
    """Create a key and print it, once; only a keyed hash of it is kept."""
    _print_key(keys.create_key(load_settings().keys_dir, role, name, expires))


@app.command("list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List all keys, without their secrets."""
    shown = ("id", "role", "name", "created", "expires", "rotated", "revoked")
    rows = [
        {name: value for name, value in asdict(key).items() if name in shown}
        for key in keys.read_keys(load_settings().keys_dir)
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*shown)
    for row in rows:
        table.add_row(*(row[name] or "" for name in shown))
    Console().print(table)


@app.command()
def rotate(
    key_id: KeyId,
    grace: Annotated[
        timedelta,
        typer.Option(
            parser=parse_duration, metavar="TIME", help="How long the secret before is still taken."
        ),
    ] = timedelta(0),
    expires: Expires = None,
) -> None:
    """Give a key a new secret and print it, once. Id, role and name stay; without --expires the expiry, too."""
    _print_key(keys.rotate_key(load_settings().keys_dir, key_id, grace, expires))


@app.command()
def revoke(key_id: KeyId) -> None:
    """Revoke a key; a running service refuses it from the next request on."""
    key = keys.revoke_key(load_settings().keys_dir, key_id)
    typer.echo(f"{key.id} is revoked since {key.revoked}")


def _print_key(key: str) -> None:
    typer.echo(key)
    typer.echo("Keep it now, it is not shown again. Send it as: Authorization: Bearer KEY", err=True)
