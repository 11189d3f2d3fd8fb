"""Entries of a scenario file for a population or campaign: its size, life and manners."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

NetworkClass: TypeAlias = Literal[
    "residential", "mobile", "hosting", "vpn", "proxy", "cgnat", "corporate", "education", "unknown"
]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


def check_order(bounds: tuple[float, float]) -> tuple[float, float]:
    """Return the bounds as they are.

    Raises:
        ValueError: the lower one stands above the upper one.
    """
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound stands above the upper one")
    return bounds


IntRange: TypeAlias = Annotated[tuple[Annotated[int, Field(ge=1)], int], AfterValidator(check_order)]
Reuse: TypeAlias = Annotated[tuple[Share, Share], AfterValidator(check_order)]
Shift: TypeAlias = tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=1, le=24)]]
"""First hour of the day (UTC) and number of hours."""


class Section(BaseModel):
    """One table of a scenario file: immutable, and a misspelt entry is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Pool(Section):
    """The manner of a group in sharing one kind of value."""

    reuse: Reuse = (0.0, 0.0)
    """Share of a member's slots filled from the group's pool; drawn once a member between the bounds."""
    members_per_value: Annotated[float, Field(gt=0)] = 1.0
    """Members of the group for each value in its pool."""
    locality: Share = 0.0
    """0: any member may meet any value of the pool; 1: only those who signed up at about the same time."""
    inherits: Share | None = None
    """Share of these slots that a replacement takes over; unset: as the campaign says for all its slots."""
    by_team: bool = False
    """Whether each team of a campaign has values of its own; otherwise the campaign has one pool."""
    at_signup: bool = False
    """Whether the pool fills only the slot of the sign-up: who made the accounts does not use them."""
    markets: dict[str, float] = {}
    """Markets of the scenario that values are rented from, with their weights."""
    rented: Share = 0.0
    """Share of the pool's values that are rented, so that other renters have them too."""
    passing: Share = 0.0
    """Share of the slots left by the pool that hold a value which the markets offer at that moment."""


class Signup(Section):
    """Times of sign-up."""

    burst: IntRange = (1, 1)
    minutes: Annotated[float, Field(ge=0)] = 0.0
    """Mean time between two sign-ups of a burst."""
    window: Reuse = (0.0, 1.0)
    """Part of the world's history in which groups sign up."""
    lasting: Reuse = (1.0, 1.0)
    """Part of that window which the sign-ups of one group fill."""
    steady: Share = 0.0
    """Share of bursts at any hour of the day and week instead of at human ones."""
    ramp: Annotated[float, Field(ge=1, le=6)] | None = None
    """A group's accounts grow with the time since its first sign-up to the power of this; unset: with 1.6, bursts at
    any hour evenly."""
    shift: Shift | None = None
    """Working hours in which bursts begin; unset: people's waking hours, but for `steady`."""


class Addresses(Pool):
    """Addresses of accounts. The remaining slots of a member hold its own address."""

    home: NetworkClass = "residential"
    shared: dict[NetworkClass, Share] = {}
    """Share of slots at addresses open to all: `mobile`, `cgnat`, `vpn` …"""
    networks: dict[NetworkClass, float] = {"residential": 1.0}
    """Classes of network that the pool lies in, with their weights."""
    autonomous_systems: Annotated[int, Field(ge=1)] = 1
    """Number of autonomous systems a group's pool lies in, for each class."""
    adjacent: bool = True
    """Whether the pool is one range of neighbouring addresses (an office) or scattered (a proxy network)."""
    borrowed: Share = 0.0
    """Share of the pool that honest households live behind."""
    private: bool = False
    """Whether nobody else was seen at a member's own addresses; otherwise some were, as any customer's neighbours."""


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
    """Prompts of accounts. `reuse` is the share of prompts from the group's templates."""

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
    """Identifiers of a kind that graphsvc does not declare, such as counterparties."""

    have: Share = 1.0
    """Share of the accounts that have any."""

    rows: IntRange = (3, 40)
    """Slots an account has; drawn evenly over the logarithm."""
    popular: Share = 0.6
    """Share of the slots left by the pool that go to counterparties common to all, the rest being own."""
    borrowed: Share = 0.0
    """Share of the pool that is taken from the rarer half of those."""


EmailDomain: TypeAlias = Literal[
    "freemail", "own_domain", "family_domain", "group_domain", "client_domain", "disposable", "market_domain"
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
    domain_markets: dict[str, float] = {}
    """For `market_domain`: the markets of mail domains, with their weights."""
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
    shift: Shift | None = None
    """Working hours of a campaign's first team, in place of `shape`; each other team follows the one before it."""


class Life(Section):
    """Ends of accounts that no campaign runs."""

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
    spread: Annotated[float, Field(ge=0, le=2)] = 0.0
    """How unequal accounts are: the standard deviation of the logarithm of what one does; 0: all do about the same."""
    identifiers: dict[str, Counterparties] = {}
    """Identifiers of each of the scenario's undeclared `kinds`."""
    kept: Share = 0.0
    """Share of slots that are used for as long as the account lives, the last begun among them; the others fall out of
    use before. 0: all of them do."""


class Population(Profile):
    """A legitimate population; `decoy` is its label in the truth when it looks like a campaign."""

    share: Share | Literal["rest"]
    size: IntRange = (1, 1)
    decoy: str | None = None
    life: Life = Life()


class Series(Section):
    """Names that a generator gives a campaign's accounts, in worlds whose `bundle` is "names"."""

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
    smallest: Annotated[int, Field(ge=3)] = 12
    sleepers: Share = 0.0
    sleeper_reuse: Share = 0.4
    """A sleeper's reuse as a share of a member's."""
    replacements: Share = 0.0
    """Share of the accounts that were made to replace a banned one."""
    banned_weekly: Share = 0.0
    """Share of the living accounts that each week's wave bans; above 0 it takes the place of `replacements`."""
    replaced: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of the weekly banned that are replaced."""
    replaced_after_hours: tuple[float, float] = (3.0, 72.0)
    inherits: Share = 0.5
    """Share of its slots that a replacement takes over from the banned account."""
    series: Series = Series()
    generator: bool = False
    """Whether e-mail addresses and display names come from `series` in a full world."""
    teams: IntRange = (1, 1)
    """Teams that a campaign is divided into, by the order of sign-up."""

    def get_inherited_share(self, pool: Pool) -> float:
        """Return the share of the slots of one of its pools that a replacement takes over."""
        return self.inherits if pool.inherits is None else pool.inherits
