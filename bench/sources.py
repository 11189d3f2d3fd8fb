"""Data of the bench that comes from outside the repository: where it is, or why it is not there."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARKET = ROOT.parent / "shared" / "cases" / "market"
"""Where a bundle of an independent generator lies, if it lies next to the repository."""


@dataclass(frozen=True, slots=True)
class Sources:
    """A bundle with truth of an independent generator, and two git directories; null where there is none."""

    market: Path | None = None
    sybil: Path | None = None
    identities: Path | None = None


NOTHING = Sources()
VARIABLES = {
    "market": "GRAPHSVC_MARKET",
    "sybil": "GRAPHSVC_SYBIL_REPO",
    "identities": "GRAPHSVC_IDENTITIES_REPO",
}
OPTIONS = {"market": "--market", "sybil": "--sybil-repo", "identities": "--identities-repo"}


def find_sources(market: Path | None, sybil: Path | None, identities: Path | None) -> Sources:
    """Return the sources by options, then by environment variables.

    The bundle is also taken from its place next to the repository.

    Raises:
        FileNotFoundError: a path was given, and there is no directory.
    """
    given = {"market": market, "sybil": sybil, "identities": identities}
    for name, variable in VARIABLES.items():
        if given[name] is None and os.environ.get(variable):
            given[name] = Path(os.environ[variable])
        if (path := given[name]) is not None and not path.is_dir():
            raise FileNotFoundError(f"There is no directory {path}. Correct {OPTIONS[name]} or {variable}.")
    if given["market"] is None and MARKET.is_dir():
        given["market"] = MARKET
    return Sources(**given)


def explain_absence(name: str) -> str:
    """Return why a source is not there and how to give it."""
    return f"No data was given. Give it by {OPTIONS[name]} or {VARIABLES[name]}."
