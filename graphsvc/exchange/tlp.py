"""Levels of the Traffic Light Protocol, which the command line needs without what writes a bundle."""

from enum import StrEnum


class Tlp(StrEnum):
    """Levels of the Traffic Light Protocol 2.0 (FIRST): how far a recipient may share."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"
