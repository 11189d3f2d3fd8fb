"""Promise: the wheel that a company installs holds the service alone, and the lab comes with a wheel of its own."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from graphsvc.cli.lab import add_lab_command
from graphsvc.errors import SettingsError
from graphsvc.statements import list_names

ROOT = Path(__file__).parents[2]
COMMANDS = ("demo", "seed", "evaluate", "simulate")


def build_wheel(project: Path, directory: Path) -> set[str]:
    """Build the wheel of a project offline and list its files."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=120)
    (wheel,) = directory.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def read_project(path: Path) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))["project"]


def test_the_wheel_holds_the_service_and_its_statements(tmp_path: Path) -> None:
    files = build_wheel(ROOT, tmp_path)
    assert {name.partition("/")[0] for name in files} == {"graphsvc", "graphsvc-0.1.0.dist-info"}
    statements = {f"graphsvc/cypher/{name}.cypher" for name in list_names()}
    assert {name for name in files if name.endswith(".cypher")} == statements
    assert "graphsvc/api/static/console/index.js" in files
    assert not [name for name in files if "evaluation" in name or "simulat" in name]


def test_the_lab_is_a_wheel_of_its_own(tmp_path: Path) -> None:
    files = build_wheel(ROOT / "seed", tmp_path)
    assert {name.partition("/")[0] for name in files} == {"graphsvc_lab", "graphsvc_lab-0.1.0.dist-info"}
    # Not only modules: the scenarios and phrases that the generator reads.
    assert {"graphsvc_lab/worlds/scenarios/demo.toml", "graphsvc_lab/worlds/phrases.toml"} <= files


def test_both_distributions_have_one_version_and_name_each_other() -> None:
    service, lab = read_project(ROOT / "pyproject.toml"), read_project(ROOT / "seed" / "pyproject.toml")
    assert service["version"] == lab["version"]
    assert service["optional-dependencies"]["seed"] == [f"{lab['name']}=={lab['version']}"]
    assert f"{service['name']}=={service['version']}" in lab["dependencies"]


@pytest.mark.parametrize("name", COMMANDS)
def test_without_the_lab_its_commands_say_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if it were not installed.
    monkeypatch.setattr(
        sys, "path", [place for place in sys.path if not Path(place, "graphsvc_lab").is_dir()]
    )
    for module in [module for module in sys.modules if module.partition(".")[0] == "graphsvc_lab"]:
        monkeypatch.delitem(sys.modules, module)
    app = typer.Typer(rich_markup_mode="markdown")
    app.callback()(lambda: None)
    add_lab_command(app, name)
    helped = CliRunner().invoke(app, [name, "--help"])
    assert helped.exit_code == 0
    assert "graphsvc[seed]" in " ".join(helped.output.split())
    called = CliRunner().invoke(app, [name, "--accounts", "20", "somewhere"])
    assert isinstance(called.exception, SettingsError)
    assert f"`graphsvc {name}`" in called.exception.what
    assert "graphsvc[seed]" in called.exception.todo


def test_what_the_lab_lacks_itself_is_not_taken_for_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "graphsvc_lab.cli", raising=False)
    monkeypatch.setitem(sys.modules, "graphsvc_lab.cli.seed", None)
    with pytest.raises(ModuleNotFoundError, match=r"graphsvc_lab\.cli\.seed"):
        add_lab_command(typer.Typer(), "seed")
