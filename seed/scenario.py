"""What a scenario file may say, and how it is found and read. `docs/scenarios.md` explains every entry."""

import tomllib
from functools import cached_property
from importlib.resources import files
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from graphsvc.errors import SettingsError

NetworkClass: TypeAlias = Literal[
    "residential", "mobile", "hosting", "vpn", "proxy", "cgnat", "corporate", "education", "unknown"
]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound stands above the upper one")
    return bounds


IntRange: TypeAlias = Annotated[tuple[Annotated[int, Field(ge=1)], int], AfterValidator(_ordered)]
Reuse: TypeAlias = Annotated[tuple[Share, Share], AfterValidator(_ordered)]


class Section(BaseModel):
    """One table of a scenario file: immutable, and a misspelt entry is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Pool(Section):
    """How a group shares one kind of value among its members."""

    reuse: Reuse = (0.0, 0.0)
    """Share of a member's slots filled from the group's pool; drawn once a member between the bounds."""
    members_per_value: Annotated[float, Field(gt=0)] = 1.0
    """Members of the group for each value in its pool."""
    locality: Share = 0.0
    """0: any member may meet any value of the pool; 1: only those who signed up at about the same time."""


class Signup(Section):
    """When accounts are made."""

    burst: IntRange = (1, 1)
    minutes: Annotated[float, Field(ge=0)] = 0.0
    """Mean time between two sign-ups of a burst."""
    window: Reuse = (0.0, 1.0)
    """Part of the world's history in which groups sign up."""
    lasting: Reuse = (1.0, 1.0)
    """Part of that window which the sign-ups of one group fill."""
    steady: Share = 0.0
    """Share of bursts at any hour of the day and week instead of at human ones."""


class Addresses(Pool):
    """Where accounts are seen. What is left of a member's slots is the member's own address."""

    home: NetworkClass = "residential"
    shared: dict[NetworkClass, Share] = {}
    """Share of slots at addresses anybody may share: `mobile`, `cgnat`, `vpn` …"""
    networks: dict[NetworkClass, float] = {"residential": 1.0}
    """Classes of network that the pool lies in, with their weights."""
    autonomous_systems: Annotated[int, Field(ge=1)] = 1
    """Number of autonomous systems a group's pool lies in, for each class."""
    adjacent: bool = True
    """Whether the pool is one range of neighbouring addresses (an office) or scattered (a proxy network)."""
    borrowed: Share = 0.0
    """Share of the pool that honest households live behind."""


class Cards(Pool):
    """Payment instruments."""

    paying: Share = 0.3
    kinds: dict[Literal["card", "bank", "wallet", "prepaid", "crypto", "invoice"], float] = {
        "card": 0.8,
        "wallet": 0.12,
        "bank": 0.08,
    }


class Devices(Pool):
    """Device fingerprints and the programs seen with them."""

    known: Share = 0.75
    """Share of sessions whose device was recorded."""
    scripted: Share = 0.05
    """Share of members who come by a program library instead of a browser; these leave no device."""
    custom_client: Share = 0.0
    """Share of those whose library has a TLS fingerprint found in this group only."""


class Prompts(Pool):
    """What accounts write. `reuse` is the share of prompts from the group's templates."""

    rows: Annotated[float, Field(ge=1)] = 2.3
    popular: Share = 0.03
    common: Share = 0.05
    templates: IntRange | None = None
    """Templates a group has; unset: by `members_per_value`."""
    from_popular: bool = False
    """Whether the group's templates are among the world's popular ones."""
    fingerprints: Share = 0.12
    """Share of rows given as the exporter's fingerprint instead of text."""


class Counterparties(Pool):
    """With whom accounts deal, in worlds whose `bundle` is "counterparties"."""

    rows: IntRange = (3, 40)
    """Slots an account has; drawn evenly over the logarithm."""
    popular: Share = 0.6
    """Share of the slots left by the pool that go to counterparties anybody deals with, the rest being own."""
    borrowed: Share = 0.0
    """Share of the pool that is taken from the rarer half of those."""


EmailDomain: TypeAlias = Literal[
    "freemail", "own_domain", "family_domain", "group_domain", "client_domain", "disposable"
]


class Identity(Section):
    """Declared identity."""

    email: dict[EmailDomain, float] = {
        "freemail": 0.92,
        "own_domain": 0.06,
        "disposable": 0.02,
    }
    members_per_domain: Annotated[float, Field(gt=0)] = 400.0
    """For a campaign's `group_domain`: its accounts for each domain it bought."""
    generated_handles: Share = 0.08
    """Share of handles made of syllables and digits instead of a name."""
    name_skew: Annotated[float, Field(ge=0, le=2)] = 0.5
    """How much commoner common names are: the r-th has weight r to the power of minus this."""
    same_surname: Share = 0.0
    organization: Share = 0.02
    phone: Share = 0.35
    phones: Pool = Pool()
    display_name: Share = 0.7
    referrals: Pool = Pool()
    """The undeclared identifier kind `referral_code`; `reuse` is the share of members with their group's code."""


class Traffic(Section):
    """Hourly activity in the sample window."""

    rows: Annotated[float, Field(ge=0)] = 8.0
    shape: Literal["human", "office", "school"] = "human"
    balanced: Share = 0.0
    """Share of rows dealt out evenly over the hours by a load balancer."""
    requests: Annotated[float, Field(ge=1)] = 4.0
    moves_to_new_model: Share = 0.25
    """Share of the traffic that ends up on a newly released model …"""
    half_time_hours: Annotated[float, Field(gt=0)] = 120.0
    """… and the hours after which half of that move is done."""


class Life(Section):
    """What becomes of accounts that no campaign runs."""

    suspended: Share = 0.004
    banned: Share = 0.006
    closed: Share = 0.04


class Profile(Section):
    """The manners of one population."""

    signup: Signup = Signup()
    addresses: Addresses = Addresses()
    cards: Cards = Cards()
    devices: Devices = Devices()
    prompts: Prompts = Prompts()
    counterparties: Counterparties = Counterparties()
    identity: Identity = Identity()
    traffic: Traffic = Traffic()
    sessions: Annotated[float, Field(ge=1)] = 2.2
    """Mean number of addresses an account is seen at."""


class Population(Profile):
    """A legitimate population; `decoy` is its label in the truth when it looks like a campaign."""

    share: Share | Literal["rest"]
    size: IntRange = (1, 1)
    decoy: str | None = None
    life: Life = Life()


class Series(Section):
    """How a generator names a campaign's accounts, in worlds whose `bundle` is "names"."""

    share: Reuse = (0.85, 1.0)
    """Share of members with a generated handle; drawn once a campaign between the two."""
    patterns: dict[Literal["running", "plus", "dots", "words"], float] = {
        "running": 0.35,
        "plus": 0.2,
        "dots": 0.15,
        "words": 0.3,
    }
    """A campaign has one: stem and running number, tags behind a plus, dots in one handle, stem and word."""
    stems: IntRange = (1, 4)
    bought: Share = 0.4
    """Share of campaigns with one bought domain; the others use one provider of free mail."""
    names: IntRange = (3, 12)
    """Display names the generator has to choose from."""
    listed: Share = 0.85
    """Share of generated accounts whose display name is one of those …"""
    typos: Share = 0.25
    """… and the share of them with a letter dropped, doubled or swapped."""


class Campaign(Profile):
    """Campaigns of one style."""

    count: Annotated[int, Field(ge=0)]
    size: IntRange
    scale: Literal["size", "count"]
    """What shrinks in a world below the reference size. Above it sizes stay; `count` alone grows."""
    smallest: Annotated[int, Field(ge=4)] = 12
    sleepers: Share = 0.0
    sleeper_reuse: Share = 0.4
    """A sleeper's reuse as a share of a member's."""
    replacements: Share = 0.0
    """Share of the accounts that were made to replace a banned one."""
    replaced: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of the weekly banned that are replaced."""
    replaced_after_hours: tuple[float, float] = (3.0, 72.0)
    inherits: Share = 0.5
    """Share of its slots that a replacement takes over from the banned account."""
    series: Series = Series()


class Network(Section):
    """The autonomous systems of one class."""

    autonomous_systems: Annotated[int, Field(ge=1, le=200)]
    addresses_per_account: Annotated[float, Field(gt=0)]
    """Live addresses of the class for each account of the world."""
    ipv6: Share = 0.0
    by_asn_only: bool = False
    """Whether the `networks` table names the system's number only, not its ranges."""


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
    models: tuple[str, str, str] = ("small", "large", "large-next")
    """Two models that were always there, and one released within the activity window."""
    model_released_days_ago: Annotated[float, Field(gt=0)] = 5.0
    counterparties_per_account: Annotated[float, Field(gt=0)] = 1.5
    """Counterparties that anybody deals with, for each account of the world …"""
    counterparty_exponent: Annotated[float, Field(ge=0, le=2)] = 0.9
    """… of which the r-th most popular has weight r to the power of minus this."""
    networks: dict[NetworkClass, Network] = {}
    populations: dict[str, Population]
    campaigns: dict[str, Campaign] = {}

    @model_validator(mode="after")
    def _consistent(self) -> "Scenario":
        rest = [name for name, p in self.populations.items() if p.share == "rest"]
        if len(rest) != 1:
            raise ValueError('exactly one population must have the share "rest"')
        if sum(p.share for p in self.populations.values() if p.share != "rest") > 1:
            raise ValueError("the shares of the populations add up to more than 1")
        if both := self.populations.keys() & self.campaigns.keys():
            raise ValueError(f"a population and a campaign have the same name: {sorted(both)[0]}")
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
    text = (files("seed") / "scenarios" / f"{name}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    base = content.pop("extends", None)
    return content if base is None else _over(_read(base), content)


def _over(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for entry, value in change.items():
        old = merged.get(entry)
        merged[entry] = _over(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return merged
