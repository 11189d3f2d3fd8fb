"""Read sign-ups from a file, and lay out their scores as rows."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from graphsvc.errors import BundleError
from graphsvc.intake.column_map import build_missing_error
from graphsvc.intake.files import FORMS, BundleFile, split_name
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.readers import read_chunks
from graphsvc.scoring.answers import FamilyBits, Match, Score, ScorePredecessor, SharedValue
from graphsvc.scoring.recent import ProvisionalGroup, SharedFamily
from graphsvc.scoring.signups import IDENTIFIER, LABEL, list_signup_columns

TABLE = "signups"
"""Name of the table that sign-ups are read as."""
ROWS: dict[str, type[pl.DataType]] = {
    LABEL: pl.String, "recommendation": pl.String, "membership": pl.Float64, "cluster": pl.String,
    "assessment": pl.String, "hostility": pl.Float64, "coordination": pl.Float64, "bits": pl.Float64,
    "families": pl.String, "predecessor": pl.String, "follows": pl.Float64, "warnings": pl.String,
    "missing": pl.String, "unread": pl.String, "reason": pl.String,
}  # fmt: skip
"""Columns of a flat row: the nearest cluster, the likeliest predecessor, and lists as JSON."""


def read_table(path: Path, options: ReadOptions) -> Iterator[tuple[pl.DataFrame, list[str], int]]:
    """Yield the sign-ups of a file in chunks.

    Args:
        path: a file whose ending is one of `intake.files.FORMS`; text may end in `.gz`, too.
        options: how it is written.

    Yields:
        Raw sign-ups for `signups.read_signups`, the columns that are not read, and the number of records that could
        not be split into fields.

    Raises:
        BundleError: it is of another form, damaged, or has no column of a sign-up.
    """
    form = split_name(path)[1]
    if not form:
        raise BundleError(f"{path.name} is of no form that can be read.", f"Use one of {', '.join(FORMS)}.")
    file = BundleFile(TABLE, path, path.name, form, path.stat().st_size)
    columns = list(list_signup_columns())
    # Kinds of identifiers are known only from the file's own columns.
    first = next(iter(read_chunks(file, columns, options)))
    named = {entry.ours for entry in options.names.columns}
    kinds = sorted(each for each in first.found | named if each.startswith(IDENTIFIER))
    used = set[str]()
    for chunk in read_chunks(file, [*columns, *kinds], options):
        used |= chunk.mapped
        known = set(chunk.found) & {*columns, *kinds}
        if not known - {LABEL} and (chunk.found or chunk.frame.height):
            raise BundleError(
                f"{path.name} has no column of a sign-up.", f"Name columns as {', '.join(columns[1:7])} …"
            )
        yield chunk.frame, sorted(chunk.found - known), len(chunk.malformed)
    for entry in options.names.columns:
        if entry.ours not in used:
            raise build_missing_error(path.name, entry, chunk.found)


def list_labels(frame: pl.DataFrame) -> list[str | None]:
    """Return the caller's names of sign-ups, null where they have none."""
    if LABEL not in frame.columns:
        return [None] * frame.height
    return frame[LABEL].cast(pl.String, strict=False).to_list()


def flatten_scores(labels: list[str | None], scores: list[Score]) -> pl.DataFrame:
    """Lay out scores as flat rows: the nearest cluster, the likeliest predecessor, and lists as JSON (`ROWS`)."""
    rows = []
    for label, score in zip(labels, scores, strict=True):
        best = score.matches[0] if score.matches else None
        first = score.predecessors[0] if score.predecessors else None
        rows.append(
            {
                LABEL: label,
                "recommendation": score.recommendation.value,
                "membership": best and best.membership,
                "cluster": best and best.cluster,
                "assessment": best and best.assessment.value,
                "hostility": best and best.hostility,
                "coordination": best and best.coordination,
                "bits": best and best.bits,
                "families": json.dumps(
                    {part.family: round(part.bits, 3) for part in best.families} if best else {}
                ),
                "predecessor": first and first.account,
                "follows": first and first.probability,
                "warnings": json.dumps([each.kind for each in score.warnings]),
                "missing": json.dumps(score.missing),
                "unread": json.dumps(score.unread),
                "reason": score.reason,
            }
        )
    return pl.DataFrame(rows, schema=ROWS)


def describe_score(label: str | None, run: str, score: Score) -> dict[str, Any]:
    """Return a score as plain values for JSON, with the run that it was weighed against."""
    # `dataclasses.asdict` copies every value, which takes longer than the weighing.
    matches = [
        {**_lay_out(match), "families": [_lay_out(part) for part in match.families]}
        for match in score.matches
    ]
    warnings = [_lay_out(warning) for warning in score.warnings]
    predecessors = [
        {**_lay_out(each), "families": [_lay_out(part) for part in each.families]}
        for each in score.predecessors
    ]
    said = {
        LABEL: label, "run": run, **_lay_out(score), "matches": matches, "warnings": warnings,
        "predecessors": predecessors,
    }  # fmt: skip
    if score.provisional is not None:
        families = [_lay_out(part) for part in score.provisional.families]
        said["provisional"] = {**_lay_out(score.provisional), "families": families}
    return said


def _lay_out(
    record: Score | Match | FamilyBits | SharedValue | ProvisionalGroup | SharedFamily | ScorePredecessor,
) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}
