"""`graphsvc audit`: the log of people's actions and of the data they were shown."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings
from graphsvc.errors import ExportError, VerificationError

app = typer.Typer(no_args_is_help=True, help="Read the audit log, and check that it is what was written.")


@app.command()
def verify(
    signer: Annotated[
        list[str] | None,
        typer.Option(
            help="Further public key (hex) to trust; repeat it for more.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Check the whole log: no entry was changed, removed, added, moved or cut off.

    Every entry holds the hash of the one before, and has the signature of the installation's key. Number and
    hash of the last are also kept with the keys (audit-head.json). Exit status 0: the log is intact.
    """
    from graphsvc.database import open_store
    from graphsvc.signing import load_or_create_signer
    from graphsvc.store.audit import HEAD_FILE
    from graphsvc.store.audit_log import verify_log as check

    here = load_settings()
    with open_store(here, console.print) as store:
        found = check(store, load_or_create_signer(here), signer or ())
    if as_json:
        typer.echo(json.dumps({"holds": found.holds, **asdict(found)}, indent=2))
    else:
        for fault in found.faults:
            typer.echo(f"Entry {fault.number} {fault.what}.")
    if not found.holds:
        raise VerificationError(
            f"The audit log is not what was written: {len(found.faults)} faults in {found.entries:,} entries.",
            f"If the database is new or restored from a backup, {HEAD_FILE} next to the keys belongs to the "
            "earlier one: keep a copy of it, then delete it.",
        )
    if not as_json:
        typer.echo(f"The audit log holds: {found.entries:,} entries, the last one's hash is {found.head}.")


@app.command("list")
def list_entries(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    actor: Annotated[str | None, typer.Option(help="Only of this one.", show_default=False)] = None,
    subject: Annotated[
        str | None, typer.Option(help="Only on this, or naming it in their details.", show_default=False)
    ] = None,
) -> None:
    """List entries, newest first."""
    from graphsvc.database import open_store
    from graphsvc.signing import load_or_create_signer
    from graphsvc.store.audit_log import LAST, EntryFilter, read_page

    account = load_or_create_signer(load_settings()).derive_pseudonym(subject) if subject else None
    with open_store(load_settings(), console.print) as store:
        for logged in read_page(
            store, LAST, limit, EntryFilter(actor=actor, subject=subject, account=account)
        ):
            act = logged.entry.act if logged.entry else None
            if logged.entry is None or act is None:
                typer.echo(f"{logged.number}  was changed: `graphsvc audit verify`")
                continue
            said = f"{logged.number}  {logged.entry.at:%Y-%m-%d %H:%M:%S}  {act.actor} ({act.role})  "
            typer.echo(said + f"{act.action}  {act.subject}" + (f": {act.reason}" if act.reason else ""))


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="File to write: one entry a line, JSON (NDJSON).")],
) -> None:
    """Write all entries to a file, with their hashes and signatures, so that others can check them."""
    from graphsvc.database import open_store
    from graphsvc.store.audit_log import format_line, stream_entries

    count = 0
    with open_store(load_settings(), console.print) as store:
        try:
            # Never overwrite an earlier export, which may be evidence.
            file = out.open("x", encoding="utf-8")
            try:
                with file:
                    for logged in stream_entries(store):
                        file.write(format_line(logged) + "\n")
                        count += 1
            except BaseException:
                out.unlink(missing_ok=True)  # half of a log would be taken for all of it
                raise
        except OSError as error:
            raise ExportError(f"{out} cannot be written: {error.strerror}.", "Choose a new file.") from None
    typer.echo(f"{count:,} entries in {out}")
