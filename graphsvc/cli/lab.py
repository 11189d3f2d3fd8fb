"""Commands of the lab (synthetic datasets, figures against their truth, the demo), a distribution of its own.

The service neither needs the lab nor imports it. Only the command line looks for it.
"""

from importlib import import_module

import typer

from graphsvc.errors import SettingsError

_INSTALL = "Install it: pip install 'graphsvc[seed]', or make setup in a checkout."
_LOOSE = {"allow_extra_args": True, "ignore_unknown_options": True}


def add_lab_command(app: typer.Typer, name: str) -> None:
    """Add a command of the lab. Where the lab is not installed, add one that says what to install.

    Raises:
        ModuleNotFoundError: the lab is installed, and something that it needs is not.
    """
    try:
        commands = import_module("graphsvc_lab.cli").COMMANDS
    except ModuleNotFoundError as error:
        # Any other module that is missing is a fault of the installation, which must show.
        if error.name != "graphsvc_lab":
            raise
        app.command(name, help=f"Not installed: part of the lab. {_INSTALL}", context_settings=_LOOSE)(
            _refuse
        )
    else:
        app.command(name)(commands[name])


def _refuse(context: typer.Context) -> None:
    raise SettingsError(
        f"`graphsvc {context.info_name}` is part of the lab, which is not installed.", _INSTALL
    )
