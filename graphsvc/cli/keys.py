"""`graphsvc keys`: API keys, created, listed, revoked."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from graphsvc.api import keys
from graphsvc.settings import settings

app = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.")


@app.command()
def create(
    role: Annotated[keys.Role, typer.Option(help="What the key may do.")],
    name: Annotated[str, typer.Option(help="What or whom the key is for, to tell keys apart.")] = "",
) -> None:
    """Create a key and print it, once; only a keyed hash of it is kept."""
    typer.echo(keys.create(settings().keys_dir, role, name))
    typer.echo("Keep it now, it is not shown again. Send it as: Authorization: Bearer KEY", err=True)


@app.command("list")
def list_keys() -> None:
    """List all keys, without their secrets."""
    table = Table("id", "role", "name", "created", "revoked")
    for key in keys.read(settings().keys_dir):
        table.add_row(key.id, key.role.value, key.name, key.created, key.revoked or "")
    Console().print(table)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The part of the key before the dot.")],
) -> None:
    """Revoke a key; a running service refuses it from the next request on."""
    key = keys.revoke(settings().keys_dir, key_id)
    typer.echo(f"{key.id} is revoked since {key.revoked}")
