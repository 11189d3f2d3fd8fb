"""The hostile operators of each world."""

from typing import Unpack

from bench.held_out_suppliers.operators import Choices, Operator
from bench.held_out_suppliers.programmes import run
from bench.held_out_suppliers.reference import API_CLIENTS
from bench.held_out_suppliers.vendors import Vendor
from bench.held_out_suppliers.world import World


class Campaigns:
    """The campaigns of a world, which are numbered as they are added."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.count = 0

    def add(
        self, kind: str, size: int, care: float, rival: Operator | None = None, **fixed: Unpack[Choices]
    ) -> Operator:
        """Run an operator and return it; `size` is that at the world's full number of accounts."""
        self.count += 1
        name = f"C{self.count:02d}"
        return run(Operator(self.world, name, kind, self.scale(size), care, rival, fixed))

    def scale(self, size: int) -> int:
        """Return the size of a campaign in this world."""
        return max(5, round(size * self.world.scale))


def add_campaigns(world: World) -> Vendor | None:
    """Run the hostile operators of a world, and return the vendor of aged accounts if it has one."""
    return CAMPAIGNS[world.settings.name](Campaigns(world))


def _add_hydra(campaigns: Campaigns) -> Vendor:
    """Run a programme of three teams, its rivals and others."""
    add, world = campaigns.add, campaigns.world
    vendor = Vendor(world, campaigns.scale(420))
    _add_three_teams(campaigns, vendor)
    rival = add("distill", 1300, 0.55, vendor=vendor)
    add("distill", 650, 0.8, rival=rival, card="few", mail="bought")
    add("distill", 240, 0.3)
    add("resell", 320, 0.5, vendor=vendor)
    add("trial", 500, 0.35)
    add("content", 140, 0.5)
    add("affiliate", 220, 0.4)
    add("evader", 9, 0.3)
    add("evader", 6, 0.6)
    add("distill", 40, 0.7, card="few")
    add("trial", 18, 0.4)
    return vendor


def _add_three_teams(campaigns: Campaigns, vendor: Vendor) -> None:
    """Run one programme of three teams: each has its own suppliers, all have one set of jobs."""
    first = campaigns.add(
        "distill", 4200, 0.7, start=0.1, stop=0.97, network="rotating", vendor=vendor, paraphrase=1
    )
    for size, network in ((2900, "sticky"), (1900, "modem")):
        fixed = Choices(start=0.14, stop=0.97, network=network, device="unique", card="few", paraphrase=1)
        team = Operator(campaigns.world, first.campaign, "distill", campaigns.scale(size), 0.6, fixed=fixed)
        team.jobs = first.jobs
        team.outages = first.outages
        if network == "sticky":
            team.cards = first.cards
            team.cards_made = first.cards_made
        team.configs = first.configs
        team.hook = first.hook
        team.rate = first.rate
        team.office = first.office
        run(team)


def _add_bazaar(campaigns: Campaigns) -> Vendor:
    """Run many small operators, who often share suppliers."""
    rng = campaigns.world.rng
    vendor = Vendor(campaigns.world, campaigns.scale(200))
    sizes = {
        "trial": (420, 300, 190, 120, 70, 45, 30, 22, 14, 9, 8, 6),
        "resell": (260, 120, 60, 35, 18, 12, 8),
        "affiliate": (350, 160, 90, 40, 15),
        "evader": (14, 11, 9, 8, 7, 6, 6, 5, 5),
        "distill": (310, 130, 55, 25),
        "content": (75, 28),
    }
    previous: Operator | None = None
    for kind, size in [(kind, size) for kind, of_kind in sizes.items() for size in of_kind]:
        previous = campaigns.add(
            kind,
            size,
            rng.choice((0.2, 0.35, 0.5, 0.65)),
            rival=previous if previous and rng.random() < 0.3 and size > 10 else None,
            vendor=vendor if kind in ("resell", "distill") else None,
            card="shared" if kind == "resell" and size < 40 else rng.choice(("shared", "few", "few")),
        )
    return vendor


def _add_none(campaigns: Campaigns) -> None:
    """Add no campaign: all that looks like one is honest."""


def _add_words(campaigns: Campaigns) -> None:
    """Run operators who are seen by their prompts."""
    add = campaigns.add
    add("distill", 150, 0.8, mail="bought")
    add("distill", 60, 0.55)
    add("content", 45, 0.5)
    add("trial", 28, 0.6)
    add("evader", 7, 0.5)
    add("content", 12, 0.3)
    add("distill", 18, 0.3)


def _add_handles(campaigns: Campaigns) -> None:
    """Run operators who are seen by their identifiers."""
    add = campaigns.add
    add("distill", 210, 0.55, client=API_CLIENTS[0])
    add("resell", 60, 0.4, device="reuse")
    add("trial", 80, 0.4)
    add("distill", 35, 0.3)
    rival = add("content", 25, 0.5)
    add("content", 22, 0.5, rival=rival)
    add("affiliate", 70, 0.35, device="reuse")
    add("evader", 8, 0.2, device="reuse")
    add("trial", 12, 0.3, device="reuse")


def _add_fog(campaigns: Campaigns) -> None:
    """Run careful operators."""
    add = campaigns.add
    rival = add("distill", 900, 0.7, paraphrase=1, network="sticky", card="few")
    add("distill", 380, 0.7, rival=rival, paraphrase=1, network="sticky", card="few")
    add("distill", 160, 0.65, paraphrase=1, network="rotating", card="few", promptless_share=0.15)
    add("trial", 120, 0.6, paraphrase=1, card="few")
    add("content", 60, 0.6, paraphrase=1, network="modem")


def _add_rivals(campaigns: Campaigns) -> Vendor:
    """Run operators who share their suppliers."""
    rng = campaigns.world.rng
    vendor = Vendor(campaigns.world, campaigns.scale(150))
    numbers = campaigns.world.number_suppliers[0]
    operators = {
        "resell": ((60, 0.4), (45, 0.5), (22, 0.3)),
        "trial": ((60, 0.4), (30, 0.6), (14, 0.3)),
        "distill": ((55, 0.4), (38, 0.6)),
        "content": ((24, 0.4),),
        "evader": ((12, 0.3), (10, 0.5), (8, 0.2), (7, 0.6), (6, 0.3), (5, 0.2)),
    }
    previous: Operator | None = None
    for kind, size, care in [(kind, *one) for kind, of_kind in operators.items() for one in of_kind]:
        rival = previous if previous and kind != "evader" and rng.random() < 0.6 else None
        operator = campaigns.add(
            kind,
            size,
            care,
            rival=rival,
            numbers=numbers,
            vendor=vendor if kind in ("resell", "distill") else None,
            card="few" if kind == "resell" else rng.choice(("shared", "few")),
            device="reuse" if kind in ("trial", "content") else rng.choice(("reuse", "unique")),
        )
        if kind != "evader":
            previous = operator
    return vendor


def _add_enterprise(campaigns: Campaigns) -> None:
    """Run operators on rented servers."""
    add = campaigns.add
    rival = add("distill", 2500, 0.7, paraphrase=1, network="hosting", device="api", card="few", start=0.1)
    add("distill", 300, 0.6, rival=rival, paraphrase=1, network="hosting", card="few")
    add("distill", 30, 0.4, paraphrase=0, card="shared")


CAMPAIGNS = {
    "hydra": _add_hydra,
    "bazaar": _add_bazaar,
    "lookalikes": _add_none,
    "words": _add_words,
    "handles": _add_handles,
    "fog": _add_fog,
    "rivals": _add_rivals,
    "enterprise": _add_enterprise,
}
