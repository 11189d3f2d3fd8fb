"""Commands of the lab, which `graphsvc.cli.lab` adds to the command line where the lab is installed."""

from collections.abc import Callable

from graphsvc_lab.cli.demo import run_demo
from graphsvc_lab.cli.evaluate import evaluate_result
from graphsvc_lab.cli.seed import generate_world
from graphsvc_lab.cli.simulate import simulate_world

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": run_demo,
    "seed": generate_world,
    "evaluate": evaluate_result,
    "simulate": simulate_world,
}
