"""`graphsvc backup` and `restore`: all data of an installation in one sealed file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings
from graphsvc.errors import BackupError

if TYPE_CHECKING:
    from pydantic import SecretStr

SHORTEST = 12
"""Characters of a passphrase."""

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help="File whose first line is the passphrase; without: GRAPHSVC_PASSPHRASE, or you are asked.",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]


def write_backup(
    out: Annotated[Path, typer.Option("--out", help="New file to write.")],
    keys_only: Annotated[
        bool, typer.Option("--keys-only", help="Only the keys, not the database: for a Neo4j of your own.")
    ] = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write the database and the keys of this installation into one file, sealed by a passphrase.

    The managed Neo4j is stopped while its database is dumped, and started again. Without the passphrase no
    one can read the file, you included. With GRAPHSVC_NEO4J_URI, back up the database with its own tool.
    """
    from graphsvc.keeping.backup import write_backup

    write_backup(
        load_settings(),
        out,
        _read_passphrase(passphrase_file, twice=True),
        keys_only=keys_only,
        say=console.print,
    )
    typer.echo(
        f"{out}: {out.stat().st_size / 1e6:,.1f} MB, sealed. Keep it and its passphrase in different places."
    )


def restore_backup(
    file: Annotated[
        Path, typer.Argument(help="A file that `graphsvc backup` wrote.", exists=True, dir_okay=False)
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Replace the database and the keys that are there.")
    ] = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Restore a backup into an empty installation.

    The whole file is checked before anything is changed. The present data stay until the restored database is
    ready to replace them. Accounts that were forgotten after the backup are in it: forget them again.
    """
    from graphsvc.keeping.backup import restore_backup as put_back

    done = put_back(
        load_settings(), file, _read_passphrase(passphrase_file, twice=False), force=force, say=console.print
    )
    what = "the keys" if done.audit is None else "the database and the keys"
    typer.echo(f"Restored {what} of {done.backup.made}, written by graphsvc {done.backup.graphsvc}.")
    if done.audit is not None:
        state = "holds" if done.audit.holds else "DOES NOT HOLD: `graphsvc audit verify` says where"
        typer.echo(f"Its audit log of {done.audit.entries:,} entries {state}.")


def _read_passphrase(file: Path | None, *, twice: bool) -> "SecretStr":
    """Read the passphrase from the file, the environment or the terminal.

    Args:
        file: its first line is the passphrase.
        twice: it is a new one, which must be confirmed and long enough.
    """
    from pydantic import SecretStr

    kept = load_settings().passphrase
    if file is not None:
        # Editors end a file with a line break, which is not part of the passphrase.
        text = file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    elif kept is not None:
        text = kept.get_secret_value()
    elif sys.stdin.isatty():
        text = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True)
    else:
        raise BackupError(
            "A passphrase is needed, and there is no terminal to ask for it.",
            "Set GRAPHSVC_PASSPHRASE, or name a file with --passphrase-file.",
        )
    if twice and len(text) < SHORTEST:
        raise BackupError(
            f"The passphrase is shorter than {SHORTEST} characters; nothing was written.",
            "Take five or six words that have nothing to do with each other.",
        )
    return SecretStr(text)
