"""From JSON to columns of text: one object a line, or records of an array or of a list called `data`."""

import json
import re
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.errors import BundleError
from graphsvc.intake.dialects import match_columns
from graphsvc.intake.files import BundleFile
from graphsvc.intake.streams import Stream
from graphsvc.types import Flags

Found = tuple[pl.DataFrame, pl.Series, pl.Series]
"""Records (n rows of String), their numbers (Int64), and the numbers of those that are no object."""

BLOCK = 32 << 20
"""Bytes of text read at once; no single record may be longer."""
_SAMPLE = 100  # lines looked through for columns that the contract does not have
_BETWEEN = re.compile(r"[\s,]*")
_NOT_A_NUMBER = re.compile(rb"[:,\[]\s*-?(?:NaN|Infinity)\b")
_WRAPPER = re.compile(r'\s*\{(?:\s*"\w+"\s*:\s*(?:"[^"]*"|[\w.+-]+|\[[^\]]*\])\s*,)*\s*"data"\s*:\s*\[')


class Records:
    """The records of a file while they are read. `found` grows with the columns that occur."""

    def __init__(self, blocks: Iterator[tuple[list[bytes], NDArray[np.int64]]]) -> None:
        self._blocks = blocks
        self.found: frozenset[str] = frozenset()

    def read_frames(self, table: str, columns: Sequence[str]) -> Iterator[Found]:
        """Yield the records, block by block; at least one block."""
        names: dict[str, str] | None = None
        for lines, numbers in self._blocks:
            if names is None:
                # The first lines decide how names are matched, so that one column has one name in all blocks.
                there = sorted(_list_keys(lines[:_SAMPLE]))
                matched = {name: there[place] for place, name in match_columns(there, columns, table).items()}
                names = {matched.get(name, name): name for name in columns}
                self.found = frozenset(
                    {*matched, *there} - {key for key, name in names.items() if key != name}
                )
            text = b"\n".join(lines)
            # Columns that begin later. A search for bytes is cheap and may find too much, which does no harm.
            more = {
                name for key, name in names.items() if name not in self.found and f'"{key}"'.encode() in text
            }
            self.found |= more
            frames, good = _parse_objects(lines, dict.fromkeys(names, pl.String))
            frame = pl.concat([pl.DataFrame(schema=dict.fromkeys(names, pl.String)), *frames]).rename(names)
            yield frame, pl.Series(numbers[good], dtype=pl.Int64), pl.Series(numbers[~good], dtype=pl.Int64)


def read_lines(file: BundleFile, stream: Stream) -> Records:
    """Read a file of one object a line. Blank lines keep their number.

    Raises:
        BundleError: the file is one array; raised while the records are read.
    """
    return Records(_split_lines(file, stream))


def read_records(file: BundleFile, stream: Stream) -> Records:
    """Read a file of objects, one a line, one after another, or in an array.

    Raises:
        BundleError: the file is one object that holds columns, or is no JSON; the latter while the records
            are read.
    """
    # Peeked, not read: what follows reads the file from its beginning.
    start = stream.peek(BLOCK).decode(errors="replace").lstrip("\ufeff")
    first = next((line for line in start.split("\n") if line.strip()), "")
    if _is_record(file, first) and not _WRAPPER.match(start):
        return read_lines(file, stream)
    return Records(_split_values(file, stream))


def _is_record(file: BundleFile, line: str) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    if isinstance(value, dict):
        _check_record(file, value)
    return isinstance(value, dict)


def _split_lines(file: BundleFile, stream: Stream) -> Iterator[tuple[list[bytes], NDArray[np.int64]]]:
    before, tail = 0, b""
    while block := stream.read(BLOCK):
        text = tail + block
        if before == 0:
            text = text.removeprefix("\ufeff".encode())
            if text.lstrip()[:1] == b"[" and not _is_line_array(text):
                name = file.name.rpartition(".ndjson")[0] or file.name.partition(".")[0]
                raise BundleError(
                    f"{file.name} holds one JSON array, not one object a line.", f"Rename it to {name}.json."
                )
        # The last piece may be half a line; it waits for the next block.
        *lines, tail = text.split(b"\n")
        given = np.array([bool(line.strip()) for line in lines], dtype=np.bool_)
        numbers = before + 1 + np.flatnonzero(given)
        if not given.all():
            lines = [line for line in lines if line.strip()]
        before += len(given)
        yield lines, numbers


def _is_line_array(text: bytes) -> bool:
    """Return whether a text begins with a bracket and has further lines, so that the first line is a broken record."""
    first, _, rest = text.lstrip().partition(b"\n")
    return first.rstrip().endswith(b"]") and rest.strip() != b""


def _split_values(file: BundleFile, stream: Stream) -> Iterator[tuple[list[bytes], NDArray[np.int64]]]:
    """Yield JSON values one after another, each written in one line."""
    decoder, text, number, opened = json.JSONDecoder(), "", 0, False
    while block := stream.read(BLOCK):
        text += block.decode(errors="replace")
        at = 0
        if not opened:
            text, opened = text.lstrip("\ufeff \t\r\n"), True
            wrapper = _WRAPPER.match(text)
            # A wrapper's other entries, such as counts or pages, are skipped.
            at = wrapper.end() if wrapper else int(text.startswith("["))
        values: list[bytes] = []
        while True:
            at = _find_end(_BETWEEN, text, at)
            if at == len(text) or text[at] in "]}":
                break
            try:
                value, end = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                break
            if isinstance(value, dict) and number + len(values) == 0:
                _check_record(file, value)
            # Line breaks between tokens only: inside of JSON strings they are escaped.
            values.append(text[at:end].replace("\r", " ").replace("\n", " ").encode())
            at = end
        text = text[at:]
        # No value ends in so much text; the error below tells.
        if len(text) > 2 * BLOCK:
            break
        yield values, np.arange(number + 1, number + 1 + len(values), dtype=np.int64)
        number += len(values)
        if text.lstrip()[:1] in ("]", "}"):
            return
    if text.strip() or number == 0:
        raise BundleError(f"{file.name} is not a readable json file.", "Export it again, one object a line.")


def _find_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _check_record(file: BundleFile, value: dict[str, object]) -> None:
    """Check that the first object is a record, not a table by columns.

    Raises:
        BundleError: each of its values is an object by row number, as pandas writes a frame by default.
    """
    # Keys "0", "1", … are row numbers of a data frame.
    by_row = [isinstance(each, dict) and "0" in each for each in value.values()]
    if by_row and all(by_row):
        raise BundleError(
            f"{file.name} holds columns, not records.", "Export records: in pandas to_json(orient='records')."
        )


def _list_keys(lines: Sequence[bytes]) -> set[str]:
    keys: set[str] = set()
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            keys.update(record)
    return keys


def _parse_objects(
    lines: Sequence[bytes], schema: dict[str, type[pl.String]]
) -> tuple[list[pl.DataFrame], Flags]:
    """Parse lines into records, and tell which lines hold one.

    If a line is broken, the halves of the block are tried, and their halves. So a few broken lines among many
    cost little, and one parser judges all.
    """
    if not lines:
        return [], np.zeros(0, dtype=np.bool_)
    try:
        frame = pl.read_ndjson(b"\n".join(lines), schema=schema)
        if frame.height == len(lines):
            return [frame], np.ones(len(lines), dtype=np.bool_)
    except pl.exceptions.PolarsError:
        pass
    # Tried after the fast parse failed, since such values are rare.
    if any(_NOT_A_NUMBER.search(line) for line in lines):
        return _parse_objects([_replace_nan(line) for line in lines], schema)
    if len(lines) == 1:
        return [], np.zeros(1, dtype=np.bool_)
    half = len(lines) // 2
    first, first_good = _parse_objects(lines[:half], schema)
    second, second_good = _parse_objects(lines[half:], schema)
    return first + second, np.concatenate([first_good, second_good])


def _replace_nan(line: bytes) -> bytes:
    """Replace NaN and Infinity by null. Python's json writes them, and JSON does not have them."""
    if not _NOT_A_NUMBER.search(line):
        return line
    try:
        return json.dumps(json.loads(line, parse_constant=lambda _: None)).encode()
    except (ValueError, RecursionError):
        # A line that parses nowhere: it is counted as broken like any other.
        return b"{"
