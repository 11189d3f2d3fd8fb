"""The simulation of a world: first its operators, then its honest groups, then individuals."""

from functools import partial

from bench.held_out_suppliers import groups_crowd, groups_home, groups_work
from bench.held_out_suppliers.campaigns import add_campaigns
from bench.held_out_suppliers.groups_crowd import write_item
from bench.held_out_suppliers.honest import Traits, add_honest
from bench.held_out_suppliers.jobs import Job
from bench.held_out_suppliers.people import draw_person
from bench.held_out_suppliers.phrases import JOB_TEMPLATES
from bench.held_out_suppliers.settings import WORLDS
from bench.held_out_suppliers.setup import create_world
from bench.held_out_suppliers.vendors import Vendor
from bench.held_out_suppliers.world import World

SMALLEST_CAMPAIGN = 5

GROUPS = {
    "household": groups_home.add_household,
    "office": groups_work.add_office,
    "coworking": groups_work.add_coworking,
    "campus": groups_work.add_campus,
    "cohort": groups_crowd.add_cohort,
    "agency": groups_work.add_agency,
    "company": groups_work.add_company,
    "reseller": groups_work.add_reseller,
    "marketplace": groups_home.add_marketplace,
    "two_accounts": groups_home.add_two_accounts,
    "vpn": groups_home.add_vpn_user,
    "privacy": groups_home.add_privacy_user,
    "grey_market": groups_home.add_grey_market,
    "cgnat": groups_home.add_cgnat,
    "cafe": groups_home.add_cafe,
    "starter_kit": groups_crowd.add_starter_kit,
    "benchmark": groups_crowd.add_benchmark,
    "influencer": groups_crowd.add_influencer,
    "launch": groups_crowd.add_launch,
}
"""Functions that add a group of each kind, of at most as many accounts as they are asked for."""


def simulate(number: int, seed: int, accounts: int | None = None) -> World:
    """Return a world with all that its accounts leave behind.

    Args:
        number: The world, 1 to 8.
        seed: The seed of all draws.
        accounts: How many accounts there are; None for the world's own number.

    Raises:
        ValueError: If the campaigns of the world leave no room for honest accounts.
    """
    settings = WORLDS[number]
    size = accounts or settings.accounts
    world = create_world(settings, seed, size)
    vendor = add_campaigns(world)
    if vendor:
        _name_unsold(vendor)
    honest = size - len(world.accounts)
    if honest <= 0:
        raise ValueError(
            f"World {number} has {len(world.accounts)} accounts of campaigns. Ask for more than that, not {size}."
        )
    _add_groups(world, honest)
    while len(world.accounts) < size:
        _add_individual(world)
    return world


def _name_unsold(vendor: Vendor) -> None:
    """Name the unsold stock of a vendor a campaign, unless it is too small for one."""
    is_campaign = len(vendor.stock) >= SMALLEST_CAMPAIGN
    for account in vendor.stock:
        account.campaign = "CV1" if is_campaign else None
        account.decoy = account.decoy if is_campaign else "vendor_remnant"


def _add_groups(world: World, honest: int) -> None:
    """Add honest groups of each kind, by their shares."""
    mix = world.settings.mix
    # Individuals are the rest: at least 8 % of honest accounts.
    factor = min(1, 0.92 / sum(mix.values()))
    for group, share in mix.items():
        most = int(honest * (share * factor))
        while most > 0:
            before = len(world.accounts)
            GROUPS[group](world, most)
            most -= len(world.accounts) - before


def _add_individual(world: World) -> None:
    """Add an individual, who may make a data set as operators do."""
    rng = world.rng
    person = draw_person(world)
    if person.style in ("power", "bot") and rng.random() < 0.12:
        job = Job(world, rng.choice(list(JOB_TEMPLATES)), rng.choice((0, 1, 1, 2)))
        traits = Traits(write=partial(write_item, world, job, 400), prompts=rng.randrange(8, 25))
        add_honest(world, person, None, "individual, makes a data set", traits)
    else:
        add_honest(world, person, None, "individual", Traits())
