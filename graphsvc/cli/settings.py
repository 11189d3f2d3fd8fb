"""The settings, for commands: their library is imported when a command runs, not when it shows its help."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphsvc.settings import Settings


def load_settings() -> "Settings":
    """Load the settings of the environment, once a process."""
    # pydantic-settings takes 0.15 s to import, as long as the rest of `graphsvc --help`.
    from graphsvc.settings import load_settings

    return load_settings()
