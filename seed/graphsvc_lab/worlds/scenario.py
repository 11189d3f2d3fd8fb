"""Scenario files: their entries, and how they are found and read. `docs/scenarios.md` explains every entry."""

import tomllib
from functools import cached_property
from importlib.resources import files
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, model_validator

from graphsvc.errors import SettingsError
from graphsvc_lab.worlds.profiles import (
    Campaign,
    IntRange,
    NetworkClass,
    Pool,
    Population,
    Profile,
    Section,
    Share,
    check_order,
)

RANDOM = "random"
"""The scenario that a seed draws (`graphsvc_lab.worlds.randomised`)."""
RANDOM_DESCRIPTION = "every number is drawn from the seed: size, tables, markets, people, operators"
Ways: TypeAlias = Annotated[
    tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(le=4)]], AfterValidator(check_order)
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


class Market(Section):
    """Values that all may rent: exits, cards, device images, numbers, mail domains, prompt templates."""

    values: Annotated[int, Field(ge=1, le=1_000_000)]
    exponent: Annotated[float, Field(ge=0, le=2)] = 0.5
    """The r-th most popular value on offer has weight r to the power of minus this."""
    shelf: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Part of the values on offer at any moment; below 1 the offer moves through the values over the history."""
    network: NetworkClass = "proxy"
    """Where a market of exits has its addresses."""


class Kind(Section):
    """A kind of identifier that graphsvc does not declare, in a full world."""

    per_account: Annotated[float, Field(gt=0)] = 1.5
    """Values open to all, for each account of the world …"""
    exponent: Annotated[float, Field(ge=0, le=2)] = 0.9
    """… of which the r-th most popular has weight r to the power of minus this."""
    timed: bool = False
    """Whether the export says when and how often it was seen."""


OPTIONAL_COLUMNS: dict[str, tuple[str, ...]] = {
    "accounts": (
        "status", "status_changed_at", "plan", "country", "email", "phone", "display_name", "organization",
        "signup_ip", "signup_device", "user_agent",
    ),
    "payments": ("bin", "issuer_country", "payments"),
    "sessions": ("asn", "device", "user_agent", "requests"),
    "prompts": ("model", "requests"),
    "activity": ("model",),
    "networks": ("name", "country"),
}  # fmt: skip
"""Columns that an export may lack (docs/bundle-format.md)."""


class Scenario(Section):
    """A world, except its size and seed."""

    name: str
    description: str
    until: AwareDatetime
    """The world's present; everything happened before it."""
    bundle: Literal["full", "counterparties", "names"] = "full"
    """All tables; or sign-up times and one kind of identifier; or sign-up times, e-mail and display names."""
    tables: tuple[str, ...] | None = None
    """Tables of a full bundle besides `accounts`; unset: all."""
    filled: dict[str, Share] = Field(default={})
    """For an optional column (`table.column`) the share of its cells that are filled; at 0 the column is not there."""
    declared_kinds: tuple[Literal["tls_fingerprint", "referral_code"], ...] = (
        "tls_fingerprint",
        "referral_code",
    )
    """Which of these the table `identifiers` of a full bundle has."""
    kinds: dict[str, Kind] = Field(default={})
    """Further kinds of identifiers of a full bundle."""
    markets: dict[str, Market] = Field(default={})
    history_days: Annotated[int, Field(ge=30, le=1500)] = 210
    smallest_world: Annotated[int, Field(ge=1)] = 500
    reference_accounts: Annotated[int, Field(ge=1)] = 120_000
    activity_days: Annotated[int, Field(ge=1, le=90)] = 14
    popular_prompts: Annotated[int, Field(ge=1)] = 40
    user_agents: bool = True
    """Whether the export names the programs that sessions came by."""
    models: tuple[str, str, str] = ("small", "large", "large-next")
    """Two models that were always there, and one released within the activity window."""
    model_released_days_ago: Annotated[float, Field(gt=0)] = 5.0
    counterparties_per_account: Annotated[float, Field(gt=0)] = 1.5
    """Counterparties common to all, for each account of the world …"""
    counterparty_exponent: Annotated[float, Field(ge=0, le=2)] = 0.9
    """… of which the r-th most popular has weight r to the power of minus this."""
    networks: dict[NetworkClass, Network] = Field(default={})
    populations: dict[str, Population]
    campaigns: dict[str, Campaign] = Field(default={})
    framing: Framing | None = None
    alliances: Alliances | None = None

    @model_validator(mode="after")
    def _check_consistency(self) -> "Scenario":
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
        known = {f"{table}.{column}" for table, columns in OPTIONAL_COLUMNS.items() for column in columns}
        if unknown := self.filled.keys() - known:
            raise ValueError(f"{sorted(unknown)[0]} is no optional column")
        if self.bundle != "full":
            return self
        for name, profile in {**self.populations, **self.campaigns}.items():
            self._check_profile(name, profile)
        return self

    def _check_profile(self, name: str, profile: Profile) -> None:
        a = profile.addresses
        used = {
            a.home,
            *a.shared,
            *a.networks,
            *(self.markets[m].network for m in a.markets if m in self.markets),
        }
        if missing := used - self.networks.keys():
            raise ValueError(f"{name} uses the network class {sorted(missing)[0]}, which is not declared")
        identity = profile.identity
        pools: list[Pool] = [
            a,
            profile.cards,
            profile.devices,
            profile.prompts,
            identity.phones,
            identity.referrals,
        ]
        rented = {market for pool in pools for market in pool.markets} | identity.domain_markets.keys()
        if absent := rented - self.markets.keys():
            raise ValueError(f"{name} rents from the market {sorted(absent)[0]}, which is not declared")
        if undeclared := profile.identifiers.keys() - self.kinds.keys():
            raise ValueError(
                f"{name} has identifiers of the kind {sorted(undeclared)[0]}, which is not declared"
            )

    @cached_property
    def end(self) -> int:
        """Return the world's present, in seconds since 1970."""
        return int(self.until.timestamp())

    @cached_property
    def start(self) -> int:
        """Return the first possible sign-up, in seconds since 1970."""
        return self.end - self.history_days * 86_400


def list_names() -> list[str]:
    """Return names of the scenarios: those with a file in the package, and `random`, sorted."""
    found = (files("graphsvc_lab.worlds") / "scenarios").iterdir()
    return sorted([RANDOM, *(p.name.removesuffix(".toml") for p in found if p.name.endswith(".toml"))])


def describe_scenarios() -> dict[str, str]:
    """Return each scenario's description by its name."""
    return {
        name: RANDOM_DESCRIPTION if name == RANDOM else load_scenario(name).description
        for name in list_names()
    }


def load_scenario(name: str) -> Scenario:
    """Read one scenario of the package.

    Raises:
        SettingsError: there is none of that name, its file says something it may not, or it is drawn from a seed.
    """
    if name == RANDOM:
        raise SettingsError(
            "The scenario random has no file.",
            "Draw one from a seed: graphsvc_lab.worlds.randomised.draw_world.",
        )
    if name not in list_names():
        raise SettingsError(f"There is no scenario {name!r}.", f"Choose one of: {', '.join(list_names())}.")
    return parse_scenario(name, _read_content(name))


def parse_scenario(name: str, content: dict[str, Any]) -> Scenario:
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


def _read_content(name: str) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for layer in _read_layers(name).values():
        content = _merge_entries(content, layer)
    return content


def _read_layers(name: str) -> dict[str, dict[str, Any]]:
    """Return the contents of a scenario's file and of those it extends, each once, the base first."""
    content = tomllib.loads(
        (files("graphsvc_lab.worlds") / "scenarios" / f"{name}.toml").read_text(encoding="utf-8")
    )
    extends = content.pop("extends", [])
    layers: dict[str, dict[str, Any]] = {}
    for base in [extends] if isinstance(extends, str) else extends:
        layers |= {other: said for other, said in _read_layers(base).items() if other not in layers}
    return {**layers, name: content}


def _merge_entries(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for entry, value in change.items():
        old = merged.get(entry)
        merged[entry] = (
            _merge_entries(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
        )
    return merged
