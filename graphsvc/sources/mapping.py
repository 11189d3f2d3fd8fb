"""Column maps as people write them: `--map TABLE.COLUMN=THEIRS`, and files in TOML."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from graphsvc.errors import MappingError
from graphsvc.files import parse_toml
from graphsvc.intake.column_map import ColumnMap, Entry, suggest_candidates
from graphsvc.intake.schemas import SCHEMAS, list_columns

TABLES = "tables"
"""Section of a mapping file with the source's names of tables."""
_EXAMPLE = "Write for example --map created_at=signup_time or --map accounts.created_at=signup_time."

Contract = Mapping[str, Collection[str]]


def list_contract() -> dict[str, list[str]]:
    """List the columns of each table of a bundle."""
    return {table: list(list_columns(table)) for table in SCHEMAS}


def build_map(words: Sequence[str], file: Path | None = None, contract: Contract | None = None) -> ColumnMap:
    """Build a column map from options and a file. An option goes before the file.

    Args:
        words: `COLUMN=THEIRS` or `TABLE.COLUMN=THEIRS`.
        file: in TOML.
        contract: columns by table; None: those of a bundle.

    Raises:
        MappingError: an entry names no column of the contract, or the file cannot be read.
    """
    contract = contract or list_contract()
    own = [_parse_word(word, contract) for word in words]
    read = read_map(file, contract) if file else ColumnMap()
    said = {(entry.table, entry.ours) for entry in own}
    return ColumnMap(
        (*own, *(entry for entry in read.columns if (entry.table, entry.ours) not in said)), read.tables
    )


def _parse_word(word: str, contract: Contract) -> Entry:
    ours, equals, theirs = word.partition("=")
    ours, theirs = ours.strip(), theirs.strip()
    if not equals or not ours or not theirs:
        raise MappingError(f"{word!r} maps no column.", _EXAMPLE)
    table, dot, column = ours.partition(".")
    # A column may hold a dot itself, as `identifier.referral` of sign-ups does.
    if dot and table in contract:
        return _check_entry(Entry(table, column, theirs), contract)
    if dot and table not in contract and not _is_column(ours, contract):
        raise MappingError(
            f"There is no table {table}, whose {column} is mapped to {theirs}.",
            suggest_candidates(table, contract),
        )
    return _check_entry(Entry(None, ours, theirs), contract)


def _is_column(name: str, contract: Contract) -> bool:
    # A name that ends in a dot stands for all that begin with it.
    columns = {column for columns in contract.values() for column in columns}
    return name in columns or any(column.endswith(".") and name.startswith(column) for column in columns)


def _check_entry(entry: Entry, contract: Contract) -> Entry:
    """Return an entry whose column the contract has.

    Raises:
        MappingError: it has none; names the nearest.
    """
    tables = [entry.table] if entry.table else list(contract)
    if not _is_column(entry.ours, {table: contract[table] for table in tables}):
        known = {column for table in tables for column in contract[table]}
        where = f"The table {entry.table} has" if entry.table else "There is"
        raise MappingError(
            f"{where} no column {entry.ours}, which is mapped to {entry.theirs}.",
            f"{suggest_candidates(entry.ours, known)} The name of the bundle comes first: COLUMN=THEIRS.".strip(),
        )
    return entry


def read_map(file: Path, contract: Contract | None = None) -> ColumnMap:
    """Read a mapping file.

    Raises:
        MappingError: it cannot be read, is no TOML, or an entry names what the contract does not have.
    """
    contract = contract or list_contract()
    columns: list[Entry] = []
    tables: list[tuple[str, str]] = []
    for key, value in load_toml(file).items():
        if isinstance(value, str):
            columns.append(_check_entry(Entry(None, key, value), contract))
        elif isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
            if key != TABLES and key not in contract:
                raise MappingError(
                    f"{file.name} has a section [{key}], which is no table.",
                    suggest_candidates(key, contract),
                )
            if key == TABLES:
                tables += [(_check_table(file, table, contract), theirs) for table, theirs in value.items()]
            else:
                columns += [
                    _check_entry(Entry(key, ours, theirs), contract) for ours, theirs in value.items()
                ]
        else:
            raise MappingError(
                f"{file.name}: {key} is neither a name nor a section of names.",
                'Write [accounts] and below it created_at = "signup_time".',
            )
    return ColumnMap(tuple(columns), tuple(tables))


def _check_table(file: Path, table: str, contract: Contract) -> str:
    if table not in contract:
        raise MappingError(
            f"{file.name}: [{TABLES}] names {table}, which is no table.", suggest_candidates(table, contract)
        )
    return table


def load_toml(file: Path) -> dict[str, object]:
    """Load a file in TOML.

    Raises:
        MappingError: it cannot be read, or is no TOML; names the line.
    """
    try:
        return parse_toml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"{file} cannot be read: {error.strerror}.", "Check the path.") from None
    except ValueError as error:
        where = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise MappingError(f"{file} is no TOML: {where}.", "Correct it.") from None


def format_map(
    tables: Iterable[tuple[str, str]], columns: Iterable[tuple[str, str, str, str]], head: str
) -> str:
    """Format a mapping file.

    Args:
        tables: (table, their name).
        columns: (table, column, their name, remark), grouped by table. Without their name the line is a comment.
        head: first lines.
    """
    lines = [f"# {line}" for line in head.splitlines()]
    renamed = [(table, theirs) for table, theirs in tables if table != theirs]
    if renamed:
        lines += [
            "",
            f"[{TABLES}]",
            *(f"{table} = {_quote(theirs)}" for table, theirs in renamed),
        ]
    last = None
    for table, ours, theirs, remark in columns:
        if table != last:
            lines += ["", f"[{table}]"]
            last = table
        said = f"  # {remark}" if remark else ""
        lines.append(f"{ours} = {_quote(theirs)}{said}" if theirs else f'# {ours} = ""{said}')
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    """Return a text as a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
