"""The ranges that the scenario `random` draws from, in one table, and the dice that draw.

Every range is meant to hold what real services see, and more: a detector that was set on one world must not meet its
numbers again. No range was chosen by looking at what a detector finds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from graphsvc_lab.worlds.streams import Streams

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number, both included. `log` spreads draws evenly over the logarithm, `whole` rounds them."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


def _make_size_range(low: float, high: float) -> Range:
    return Range(low, high, log=True, whole=True)


RANGES: Mapping[str, Range] = {
    # --- the world
    "world.accounts": _make_size_range(
        300, 300_000
    ),  # a pilot's sign-ups to the book of a mid-sized provider
    "world.history_days": _make_size_range(30, 700),  # a service of one month to two years
    "world.until": Range(0, 1_500, whole=True),  # days after 2023-01-01: weekdays and seasons differ
    "world.activity_days": Range(2, 42, whole=True),  # retention of hourly logs: a weekend to six weeks
    "world.popular_prompts": _make_size_range(
        5, 400
    ),  # a niche tool has few well-known prompts, a chat product has lists
    "world.model_released_days_ago": Range(0.5, 25),  # before, within and after the activity window
    "world.accounts_per_system": _make_size_range(
        150, 6_000
    ),  # one country's service, or the whole internet's
    # Live addresses for each account. A subscriber has a line of its own; gateways and tunnels serve thousands.
    "network.residential": Range(
        4.0, 20.0, log=True
    ),  # subscribers who are no users lie between those who are
    "network.mobile": Range(0.1, 1.0, log=True),
    "network.cgnat": Range(0.0002, 0.01, log=True),
    "network.vpn": Range(0.001, 0.02, log=True),
    "network.hosting": Range(0.3, 3.0, log=True),
    "network.proxy": Range(0.05, 1.0, log=True),
    "network.corporate": Range(0.5, 3.0, log=True),
    "network.education": Range(0.3, 3.0, log=True),
    "network.ipv6": Range(0.0, 0.4),  # none, to what large carriers have
    # --- what the export shows
    "export.filled": Range(
        0.25, 1.0
    ),  # a column that an exporter started to fill late, or asks few users for
    "export.kinds": Range(0, 3, whole=True),  # identifiers of the exporter's own besides the declared ones
    "kind.per_account": Range(
        0.02, 4.0, log=True
    ),  # vouchers that hundreds share to files that hardly two share
    "kind.exponent": Range(0.2, 1.2),  # from nearly even use to hubs that a tenth of all accounts touch
    "kind.rows": _make_size_range(
        1, 12
    ),  # one referral to a dozen counterparties, far more where people are unequal
    "kind.have": Range(0.3, 1.0),  # an optional feature to something each account leaves behind
    # --- manners of all people of a world
    "people.sessions": Range(1.0, 4.0),  # exports of the last login only, to a month of roaming
    "people.spread": Range(
        0.0, 1.3
    ),  # equal accounts, to a busiest percent that does twenty times the median
    "people.rows": Range(1.0, 4.0),  # prompts an account: one in a trial, several in a sample
    "people.paying": Range(0.05, 0.9),  # freemium to prepaid only
    "people.device_known": Range(
        0.2, 1.0
    ),  # fingerprints blocked by most browsers to an app that always has one
    "people.scripted": Range(0.0, 0.4),  # a chat site to an API
    "people.popular": Range(0.0, 0.12),  # share of copied prompts
    "people.common": Range(0.0, 0.2),  # share of greetings and tests
    "people.fingerprints": Range(
        0.02, 0.98
    ),  # mixed exports; exports of one form alone have a chance of their own
    "people.mobile": Range(0.0, 0.35),  # slots on a mobile carrier: a desktop tool to an app
    "people.cgnat": Range(0.0, 0.12),  # slots behind a carrier's gateway
    "people.vpn": Range(0.0, 0.08),  # slots at exits of public tunnels
    "people.activity_rows": Range(1.0, 18.0),  # hours of traffic an account
    "people.requests": Range(1.5, 12.0),  # requests an hour
    "people.organization": Range(0.0, 0.15),  # private people who declare one
    "people.phone": Range(0.0, 0.9),  # asked for by few services, verified by some
    "people.display_name": Range(0.2, 1.0),  # optional to required
    "people.name_skew": Range(0.2, 1.0),  # many nations to one
    "people.disposable": Range(0.0, 0.06),  # mail addresses for one use
    "people.suspended": Range(0.0, 0.02),  # moderation that hardly acts, to one that acts often
    "people.banned": Range(0.0, 0.03),  # the same for bans, which hit innocents as well
    "people.closed": Range(0.0, 0.15),  # leavers
    "people.kept": Range(0.0, 0.8),  # addresses and cards that last as long as the account
    "people.passing": Range(
        0.0005, 0.03, log=True
    ),  # ordinary people's use of a market: a free proxy now and then
    # --- decoys: how many, how large, what they share
    "decoys.total": Range(0.1, 0.6),  # of the legitimate accounts; most people belong to no such group
    "decoys.weight": Range(
        0.02, 1.0, log=True
    ),  # of one kind among the others: rare in one world, common in another
    "household.size": Range(2, 7, whole=True),  # couples to families with grandparents
    "household.reuse": Range(0.4, 1.0),  # one line, one card
    "friends.size": Range(3, 12, whole=True),  # a circle that tells each other
    "friends.reuse": Range(0.03, 0.35),  # codes, prompts and counterparties in common, not all of them
    "carrier.cgnat": Range(0.3, 0.9),  # slots behind a gateway; addresses are scarce in some countries only
    "campus.size": _make_size_range(40, 2_500),  # a school to a university
    "campus.reuse": Range(0.3, 0.95),  # time on the campus network
    "campus.lab": Range(0.0, 0.3),  # time at machines of a laboratory
    "class.size": Range(12, 60, whole=True),  # a class to a lecture
    "class.minutes": Range(0.05, 3.0, log=True),  # between two sign-ups: all at once to one after the other
    "class.reuse": Range(0.1, 0.6),  # prompts from the assignment
    "cohort.size": _make_size_range(20, 800),  # a workshop to a conference
    "cohort.minutes": Range(0.01, 1.0, log=True),  # a stage says "sign up now", or a queue at a stand
    "cohort.voucher": Range(0.5, 1.0),  # those who enter the code
    "cohort.venue": Range(0.0, 0.5),  # slots at the venue's network
    "office.size": _make_size_range(6, 400),  # a start-up to a department
    "office.reuse": Range(0.4, 0.97),  # slots at the office's exit
    "office.people_per_card": _make_size_range(4, 60),  # a card for a team to one for the department
    "coworking.size": _make_size_range(15, 150),
    "tunnelled.vpn": Range(0.4, 0.95),  # slots at a tunnel's exits
    "renter.passing": Range(0.1, 0.8),  # of people who rent on purpose: slots that hold a rented value
    "agency.size": _make_size_range(8, 120),  # accounts of clients that an agency runs
    "agency.reuse": Range(
        0.1, 0.85
    ),  # of exits, cards, devices, templates: to each client its own, to all pooled
    "agency.users": Range(3, 25, log=True),  # accounts on one pooled value
    "agency.guild": Range(0.1, 0.8),  # of an agency's values that come from its network of agencies
    "reseller.size": _make_size_range(10, 500),  # seats that one reseller sold
    "reseller.reuse": Range(0.4, 1.0),  # seats on the reseller's cards
    "reseller.users": Range(3, 40, log=True),  # seats on one card
    "community.size": _make_size_range(30, 2_500),  # a forum to a large channel
    "community.reuse": Range(0.2, 0.9),  # prompts copied from the channel
    "community.templates": Range(1, 8, whole=True),
    "heavy.sessions": Range(6.0, 40.0, log=True),  # testers and travellers, who touch very many values
    # --- markets
    "market.stock": Range(
        0.0005, 0.3, log=True
    ),  # values for each account of the world: a dozen exits to a botnet's
    "market.exponent": Range(0.0, 1.2),  # even use (rotation) to a few that all take
    "market.shelf": Range(0.02, 0.9, log=True),  # exits that change daily, to stock that lasts for years
    "market.templates": _make_size_range(3, 120),  # a prompt seller's catalogue
    "market.domains": _make_size_range(3, 300),  # a disposable-mail service's domains
    "leak.templates": Range(1, 20, whole=True),  # templates of one operator that became public
    # --- campaigns of a world
    "campaigns.share": Range(0.005, 0.3, log=True),  # of all accounts: a nuisance to a flood
    "campaigns.largest": Range(0.05, 0.95),  # of the campaigns' accounts: rings alike, to one hydra
    "campaigns.count": _make_size_range(1, 60),  # one operator to a market full of them
    "campaigns.size": _make_size_range(
        3, 30_000
    ),  # three friends of fraud to a hydra; bounded by the world's share
    "campaigns.care": Range(0.0, 1.0),  # the trade's habit: 0 careless, 1 careful
    "campaigns.bans": Range(
        0.001, 0.05, log=True
    ),  # of the living, a week: bans that hardly act to five percent
    "campaigns.channels": Range(0.3, 0.95),  # chance of each pool that an operator could have
    # --- one operator
    "operator.care": Range(-0.35, 0.35),  # away from the trade's habit
    "operator.looseness": Range(0.0, 0.2),  # between members: how far the most careful is from the least
    "operator.users": Range(
        2.0, 40.0, log=True
    ),  # accounts on one value: new for each pair, to burnt until dead
    "operator.locality": Range(0.0, 1.0),  # dealt over the campaign, to shared by neighbours in sign-up order
    "operator.rented": Range(0.05, 1.0),  # of a pool: a few values bought in, to all of them
    "operator.passing": Range(0.02, 0.5),  # of the slots outside the pool: rotation through a market
    "operator.templates": _make_size_range(1, 80),  # one script to a prompt factory
    "operator.sleepers": Range(0.0, 0.3),  # accounts in reserve
    "operator.sleeper_reuse": Range(
        0.0, 0.6
    ),  # a reserve that shares nothing, to one that shares like others
    "operator.replaced": Range(0.3, 1.0),  # of the banned
    "operator.delay_hours": Range(1.0, 240.0, log=True),  # a script's hour to an operator's ten days
    "operator.inherits": Range(0.0, 0.9),  # new identity throughout, to the old one's everything
    "operator.replacements": Range(0.0, 0.3),  # of small campaigns, where weekly shares make no number
    "operator.burst": _make_size_range(1, 300),  # by hand to by script
    "operator.minutes": Range(0.02, 60.0, log=True),  # between sign-ups of a burst: seconds to an hour
    "operator.lasting": Range(0.0005, 1.0, log=True),  # of the history: one evening to a slow drip
    "operator.steady": Range(0.0, 1.0),  # bursts at inhuman hours
    "operator.shift_hour": Range(0, 23, whole=True),
    "operator.shift_hours": Range(4, 12, whole=True),
    "operator.teams": Range(2, 8, whole=True),
    "operator.sessions": Range(1.0, 5.0),
    "operator.paying": Range(0.4, 1.0),
    "operator.device_known": Range(0.3, 1.0),
    "operator.scripted": Range(0.0, 0.8),
    "operator.custom_client": Range(0.0, 0.5),
    "operator.rows": Range(1.0, 5.0),
    "operator.spread": Range(0.0, 0.8),  # accounts of an operator are more alike than people, not equal
    "operator.borrowed": Range(0.0, 0.6),  # exits at honest households
    "operator.systems": Range(1, 12, whole=True),  # one cheap host to a dozen providers
    "operator.handles": Range(0.0, 0.9),  # generated handles
    "operator.balanced": Range(0.0, 1.0),  # traffic dealt out by a load balancer
    "operator.activity_rows": Range(1.0, 25.0),
    "operator.requests": Range(1.5, 20.0),
    "operator.moves": Range(0.0, 0.8),  # traffic that goes to the new model
    "operator.half_time": Range(2.0, 200.0, log=True),  # in step, to like any other
    # --- framing
    "framing.victims": Range(0.001, 0.01, log=True),  # of the legitimate accounts
}

CHANCES: Mapping[str, float] = {
    "quiet": 0.125,  # one world in eight has no campaign
    "one_table": 0.15,  # one table besides accounts
    "table": 0.75,  # each of the others
    "column": 0.75,  # each optional column
    "full_column": 0.6,  # … filled in each row
    "declared_kind": 0.5,  # fingerprints of handshakes, referral codes
    "timed_kind": 0.5,
    "one_form_of_prompts": 0.4,  # all prompts as text, or all as fingerprints
    "decoy": 0.6,  # each kind of decoy lives in six worlds of ten
    "market": 0.7,  # a market of each kind
    "second_market": 0.3,
    "moving_shelf": 0.6,
    "ordinary_people_rent": 0.5,
    "guild": 0.5,  # agencies that pool what they have with other agencies
    "leak": 0.4,  # one operator's templates became public
    "copied_templates": 0.12,  # an operator whose templates are popular ones
    "rents": 0.45,  # an operator's pool has rented values
    "passes": 0.2,  # an operator rotates through a market besides
    "local": 0.5,  # a pool is shared by neighbours in the order of sign-up
    "by_team": 0.4,  # a pool of a campaign with teams is each team's own
    "at_signup": 0.12,  # a pool serves the sign-up only
    "teams": 0.35,
    "shift": 0.4,
    "no_bans": 0.3,  # worlds in which no campaign is ever banned
    "ramp": 0.3,
    "generator": 0.35,  # e-mail addresses and names from a generator
    "hidden": 0.08,  # operators who are not made to share enough to be found
    "by_asn_only": 0.25,  # a table of networks that knows the system, not its ranges
    "adjacent": 0.25,  # exits in one range
    "framing": 0.1,
}


@dataclass(slots=True)
class Dice:
    """Draws from a seed by name: another draw more, or less, leaves the others as they are."""

    seed: int
    drawn: dict[str, Any] = field(default_factory=dict)

    def draw_number(self, name: str, *who: str, most: float | None = None) -> float:
        """Draw from the range of this name, for `who`, not above `most`."""
        bounds = RANGES[name]
        low, high = bounds.low, bounds.high if most is None else max(min(bounds.high, most), bounds.low)
        u = float(self._rng(name, *who).random())
        value = low * (high / low) ** u if bounds.log else low + u * (high - low)
        value = min(max(float(round(value)) if bounds.whole else round(value, 5), bounds.low), bounds.high)
        self.drawn["/".join((name, *who))] = value
        return value

    def draw_whole(self, name: str, *who: str, most: float | None = None) -> int:
        """Draw a whole number from the range of this name."""
        return int(self.draw_number(name, *who, most=most))

    def draw_pair(self, name: str, *who: str) -> tuple[float, float]:
        """Draw two numbers from the range of this name, the lower first."""
        low, high = sorted(self.draw_number(name, *who, part) for part in ("a", "b"))
        return low, high

    def draw_sizes(self, name: str, *who: str, most: float | None = None) -> tuple[int, int]:
        """Draw two whole numbers from the range of this name, the lower first."""
        low, high = sorted(self.draw_whole(name, *who, part, most=most) for part in ("a", "b"))
        return low, high

    def draw_chance(self, name: str, *who: str) -> bool:
        """Decide with the chance of this name."""
        value = bool(self._rng("chance", name, *who).random() < CHANCES[name])
        self.drawn["/".join((name, *who))] = value
        return value

    def choose(self, name: str, values: Sequence[T], *who: str) -> T:
        """Choose one of `values`, each as likely."""
        return values[int(self._rng("choice", name, *who).integers(len(values)))]

    def _rng(self, *names: str) -> np.random.Generator:
        return Streams(self.seed).rng("random", *names)
