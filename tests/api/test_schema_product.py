"""Promise: the schema in the repository is what is served, all of it is described, and nothing is lost unsaid."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphsvc.api import schema_docs
from graphsvc.cli.commands import app

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "docs" / "graphql" / "released.graphql"


def test_the_schema_and_its_reference_are_current() -> None:
    """`make schema` renews both."""
    assert (ROOT / "schema.graphql").read_text(encoding="utf-8") == schema_docs.format_schema()
    assert (ROOT / "docs/graphql/reference.md").read_text(encoding="utf-8") == schema_docs.build_reference()


def test_everything_is_described() -> None:
    assert schema_docs.find_undescribed() == []


def test_what_was_released_still_holds() -> None:
    assert schema_docs.list_breaking_changes(RELEASED.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("was", "told"),
    [
        ("type Query { gone: Int }", "Query.gone was removed."),
        ("type Query { stats: Int }", "Query.stats changed type from Int to Stats!."),
        ("type Query { stats: Stats! } type Stats { accounts: Int! }", ""),
    ],
)
def test_what_is_lost_is_named(tmp_path: Path, was: str, told: str) -> None:
    before = tmp_path / "before.graphql"
    before.write_text(was, encoding="utf-8")
    done = CliRunner().invoke(app, ["schema", "--against", str(before)])
    assert done.exit_code == (1 if told else 0)
    assert told in done.stdout


def test_what_is_no_schema_is_a_wrong_call(tmp_path: Path) -> None:
    before = tmp_path / "before.graphql"
    before.write_text("{", encoding="utf-8")
    assert CliRunner().invoke(app, ["schema", "--against", str(before)]).exit_code == 2


def test_the_reference_names_roles_and_defaults() -> None:
    page = schema_docs.build_reference()
    assert "`setClusterDisposition`: `Change!` *Role analyst.*" in page
    assert "`first: Int! = 50`" in page
