"""What a scenario file may say, and how it is found and read. `docs/scenarios.md` explains every entry."""

import tomllib
from functools import cached_property
from importlib.resources import files
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, model_validator

from graphsvc.errors import SettingsError
from seed.profiles import Campaign, IntRange, NetworkClass, Population, Section, Share, ordered

Ways: TypeAlias = Annotated[
    tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(le=4)]], AfterValidator(ordered)
]


class Network(Section):
    """The autonomous systems of one class."""

    autonomous_systems: Annotated[int, Field(ge=1, le=200)]
    addresses_per_account: Annotated[float, Field(gt=0)]
    """Live addresses of the class for each account of the world."""
    ipv6: Share = 0.0
    by_asn_only: bool = False
    """Whether the `networks` table names the system's number only, not its ranges."""


class Framing(Section):
    """Cheap links that campaigns make to honest accounts, so that those look like theirs."""

    victims: Share
    """Share of the legitimate accounts that are framed, each by one campaign."""
    ways: Ways = (1, 3)
    """In how many ways a victim is: its address, its device, its referral code, a prepaid card that it used too."""
    attackers: IntRange = (1, 5)
    """Accounts of the campaign that do so once, for each victim and way."""
    members: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Share of the campaigns' active members that the attackers are drawn from."""
    campus: Share = 0.0
    """Share of those who are seen once at an address that a school's accounts share."""
    victims_per_card: IntRange = (1, 4)
    """Victims who used the same prepaid card."""


class Alliances(Section):
    """Pairs of campaigns that use each other's cards, devices and addresses: from some day on, or until some day."""

    merges: Annotated[int, Field(ge=0)] = 4
    """Pairs that begin to."""
    splits: Annotated[int, Field(ge=0)] = 4
    """Pairs that have done so since both are there, and stop."""
    merged_days_ago: IntRange = (10, 20)
    split_days_ago: IntRange = (20, 26)
    size: IntRange = (30, 400)
    """Accounts that each of the two has then."""
    members: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the accounts of each that use what is the other's."""
    uses: IntRange = (1, 3)
    """Sessions of the other's machines that such an account has; and a card of the other's, where it pays."""


class Scenario(Section):
    """A whole world, but for its size and seed."""

    name: str
    description: str
    until: AwareDatetime
    """The world's present; everything happened before it."""
    bundle: Literal["full", "counterparties", "names"] = "full"
    """All tables; or sign-up times and one kind of identifier; or sign-up times, e-mail and display names."""
    history_days: Annotated[int, Field(ge=30, le=1500)] = 210
    reference_accounts: Annotated[int, Field(ge=1000)] = 120_000
    activity_days: Annotated[int, Field(ge=1, le=90)] = 14
    popular_prompts: Annotated[int, Field(ge=1)] = 40
    user_agents: bool = True
    """Whether the export names the programs that sessions came by."""
    models: tuple[str, str, str] = ("small", "large", "large-next")
    """Two models that were always there, and one released within the activity window."""
    model_released_days_ago: Annotated[float, Field(gt=0)] = 5.0
    counterparties_per_account: Annotated[float, Field(gt=0)] = 1.5
    """Counterparties that anybody deals with, for each account of the world …"""
    counterparty_exponent: Annotated[float, Field(ge=0, le=2)] = 0.9
    """… of which the r-th most popular has weight r to the power of minus this."""
    networks: dict[NetworkClass, Network] = Field(default={})
    populations: dict[str, Population]
    campaigns: dict[str, Campaign] = Field(default={})
    framing: Framing | None = None
    alliances: Alliances | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Scenario":
        rest = [name for name, p in self.populations.items() if p.share == "rest"]
        if len(rest) != 1:
            raise ValueError('exactly one population must have the share "rest"')
        if sum(p.share for p in self.populations.values() if p.share != "rest") > 1:
            raise ValueError("the shares of the populations add up to more than 1")
        if both := self.populations.keys() & self.campaigns.keys():
            raise ValueError(f"a population and a campaign have the same name: {sorted(both)[0]}")
        if self.framing and (self.bundle != "full" or not self.campaigns):
            raise ValueError("framing needs campaigns and a full bundle")
        if self.alliances and self.bundle != "full":
            raise ValueError("alliances need a full bundle")
        if self.bundle != "full":
            return self
        for name, profile in {**self.populations, **self.campaigns}.items():
            a = profile.addresses
            if missing := {a.home, *a.shared, *a.networks} - self.networks.keys():
                raise ValueError(f"{name} uses the network class {sorted(missing)[0]}, which is not declared")
        return self

    @cached_property
    def end(self) -> int:
        """The world's present, in seconds since 1970."""
        return int(self.until.timestamp())

    @cached_property
    def start(self) -> int:
        """The first possible sign-up, in seconds since 1970."""
        return self.end - self.history_days * 86_400


def names() -> list[str]:
    """Names of the scenarios in the package, sorted."""
    found = (files("seed") / "scenarios").iterdir()
    return sorted(p.name.removesuffix(".toml") for p in found if p.name.endswith(".toml"))


def describe() -> dict[str, str]:
    """Each scenario's name with its description."""
    return {name: load(name).description for name in names()}


def load(name: str) -> Scenario:
    """Read one scenario of the package.

    Raises:
        SettingsError: there is none of that name, or its file says something it may not.
    """
    if name not in names():
        raise SettingsError(f"There is no scenario {name!r}.", f"Choose one of: {', '.join(names())}.")
    return parse(name, _read(name))


def parse(name: str, content: dict[str, Any]) -> Scenario:
    """Check the content of a scenario file.

    Raises:
        SettingsError: the content does not fit; names the entry.
    """
    try:
        return Scenario.model_validate({**content, "name": name})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        entry = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingsError(
            f"Scenario {name!r}, {entry}: {first['msg'].removeprefix('Value error, ')}.", "Correct the file."
        ) from None


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for layer in _layers(name).values():
        content = _over(content, layer)
    return content


def _layers(name: str) -> dict[str, dict[str, Any]]:
    """What a scenario's file and those it extends say themselves, each once, the ground first."""
    content = tomllib.loads((files("seed") / "scenarios" / f"{name}.toml").read_text(encoding="utf-8"))
    extends = content.pop("extends", [])
    layers: dict[str, dict[str, Any]] = {}
    for base in [extends] if isinstance(extends, str) else extends:
        layers |= {other: said for other, said in _layers(base).items() if other not in layers}
    return {**layers, name: content}


def _over(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for entry, value in change.items():
        old = merged.get(entry)
        merged[entry] = _over(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return merged
