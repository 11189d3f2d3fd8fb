"""`graphsvc seed`: write a synthetic dataset, with its truth, as a bundle."""

import json
from collections.abc import Sequence
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.progress import Stages
from graphsvc.errors import BundleError, SettingsError

if TYPE_CHECKING:
    from graphsvc_lab.worlds.scenario import Scenario
    from graphsvc_lab.worlds.world import World


class Form(StrEnum):
    """Formats of the tables."""

    PARQUET = "parquet"
    CSV = "csv"
    NDJSON = "ndjson"


def _list_scenarios(wanted: bool) -> None:
    if wanted:
        from graphsvc_lab.worlds import scenario

        for name, description in scenario.describe_scenarios().items():
            typer.echo(f"{name:<18} {description}")
        raise typer.Exit


def generate_world(
    out: Annotated[
        Path, typer.Option(help="Directory of the bundle; made if it is not there.", file_okay=False)
    ],
    accounts: Annotated[
        int | None,
        typer.Option(
            help="Accounts of the world. The scenario random draws their number if it is not given.", min=1
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.", min=0)] = 1,
    scenario: Annotated[str, typer.Option(help="Which world; see --list-scenarios.")] = "demo",
    form: Annotated[Form, typer.Option("--format", help="How the tables are written.")] = Form.PARQUET,
    reuse: Annotated[
        list[str] | None,
        typer.Option(
            metavar="POOL=SHARE",
            help="Share of slots that campaigns fill from a pool: cards, addresses, devices, prompts, identity, "
            "counterparties or all. Repeatable.",
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            help="Cut the world into a bundle a day: what was there before these last days (`day-000`), and what each "
            "of them added; the truth and the planned events (`events`) are in the parent directory.",
            min=1,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the bundle in a directory that is not empty.")
    ] = False,
    list_scenarios: Annotated[
        bool,
        typer.Option(
            "--list-scenarios", help="Show the scenarios and exit.", is_eager=True, callback=_list_scenarios
        ),
    ] = False,
) -> None:
    """Write a synthetic dataset as a bundle: people, offices and schools, campaigns among them, and the truth.

    Legitimate populations that look like campaigns (households, campuses, agencies …) are labelled in
    `truth.decoy`.
    """
    with Stages() as stages:
        world, rows = write_world(
            accounts,
            seed,
            out,
            stages,
            scenario=scenario,
            reuse=reuse or (),
            form=form,
            days=days,
            force=force,
        )
    typer.echo(format_summary(world, rows))


def write_world(
    accounts: int | None,
    seed: int,
    out: Path,
    stages: Stages,
    *,
    scenario: str = "demo",
    reuse: Sequence[str] = (),
    form: Form = Form.PARQUET,
    days: int | None = None,
    force: bool = False,
) -> tuple["World", dict[str, int]]:
    """Create a world and write it to `out`, in one bundle or in so many `days`; return the rows of each table.

    Raises:
        SettingsError: no number of accounts for a scenario with a file, no such scenario or pool, too few
            accounts, more days than the world has traffic of, or `out` holds something already.
        BundleError: `out` cannot be written.
    """
    # Asked first, so that the error comes before anything is removed or written.
    if find_spec("faker") is None:
        raise SettingsError("Faker is not installed.", "Install graphsvc[seed].")
    from graphsvc_lab.worlds import dial, writer
    from graphsvc_lab.worlds.days import build_calendar, check_days, iter_parts
    from graphsvc_lab.worlds.world import create_world

    plan, accounts = _load_scenario(scenario, accounts, seed)
    plan = dial.set_reuse(plan, dial.parse_reuse(reuse))
    if days is not None:
        check_days(plan, days)
    world = create_world(plan, accounts, seed)
    rows: dict[str, int] = {}
    try:
        # After the world is planned: a wrong call must not cost the bundle that is there.
        _make_room(out, force)
        stages.update_stage("tables", 0, len(world.table_names))
        if days is not None:
            writer.write_table(build_calendar(plan, days), out / f"calendar.{form}", form.value)
            writer.write_table(world.events, out / f"events.{form}", form.value)
        for name, frame in world.iter_tables():
            # One table at a time: a large world does not fit into memory as a whole.
            for place, part in iter_parts(world, name, frame, days):
                (out / place).mkdir(exist_ok=True)
                writer.write_table(part, out / place / f"{name}.{form}", form.value)
            rows[name] = frame.height
            stages.update_stage("tables", len(rows), len(world.table_names))
    except OSError as error:
        raise BundleError(
            f"The bundle cannot be written to {out}: {error.strerror or error}.", "Choose another --out."
        ) from error
    return world, rows


def _load_scenario(name: str, accounts: int | None, seed: int) -> tuple["Scenario", int]:
    """Load a scenario, or draw the one of the seed, with its number of accounts."""
    from graphsvc_lab.worlds import randomised
    from graphsvc_lab.worlds import scenario as scenarios

    if name == scenarios.RANDOM:
        return randomised.draw_world(seed, accounts)
    plan = scenarios.load_scenario(name)
    if accounts is None:
        raise SettingsError("No number of accounts.", "Add --accounts N, or choose --scenario random.")
    return plan, accounts


def format_summary(world: "World", rows: dict[str, int]) -> str:
    """Format a summary: rows a table, legitimate populations, campaigns with their sizes."""
    from graphsvc_lab.worlds.randomised import describe_world
    from graphsvc_lab.worlds.scenario import RANDOM

    lines = [f"{rows['accounts']:,} accounts, scenario {world.scenario.name}, seed {world.streams.seed}"]
    lines += ["rows: " + ", ".join(f"{name} {count:,}" for name, count in sorted(rows.items()))]
    lines += ["legitimate: " + ", ".join(f"{name} {count:,}" for name, count in world.populations.items())]
    found = world.campaigns
    sizes = [size for style in found.values() for size in style]
    lines += [f"campaigns: {len(sizes)} of {sum(sizes):,} accounts in all"]
    if world.scenario.name.split()[0] == RANDOM:  # the rest of a name says what was dialled
        drawn = describe_world(world.streams.seed, rows["accounts"])
        return "\n".join([*lines, json.dumps(drawn, separators=(",", ":"))])
    lines += [f"  {name}: {', '.join(f'{size:,}' for size in style)}" for name, style in found.items()]
    return "\n".join(lines)


def _make_room(out: Path, force: bool) -> None:
    """Make `out`, or clear it of a bundle; files that are no table of a bundle are never removed."""
    from graphsvc_lab.worlds.days import DAYS
    from graphsvc_lab.worlds.world import TABLES

    out.mkdir(parents=True, exist_ok=True)
    if not any(out.iterdir()):
        return
    if not force:
        raise SettingsError(
            f"{out} is not empty.", "Choose another --out, or add --force to replace the bundle in it."
        )
    for place in (out, *out.glob(DAYS)):
        for table in (*TABLES, "calendar", "events"):
            for form in Form:
                # By name, not the directory: it may hold files that are not ours. Other formats go, too, or
                # loading would find two tables.
                (place / f"{table}.{form}").unlink(missing_ok=True)
        if place != out and not any(place.iterdir()):
            place.rmdir()
