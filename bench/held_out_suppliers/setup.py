"""A new world: its networks, its public templates and the suppliers of the grey market."""

from bench.held_out_suppliers.actors import Antidetect, CardSupplier, Issuer, NumberSupplier
from bench.held_out_suppliers.clock import DAY, to_seconds
from bench.held_out_suppliers.jobs import Job
from bench.held_out_suppliers.people import write_system_prompt
from bench.held_out_suppliers.places import Address
from bench.held_out_suppliers.reference import COUNTRIES
from bench.held_out_suppliers.settings import Settings
from bench.held_out_suppliers.world import World


def create_world(settings: Settings, seed: int, size: int) -> World:
    """Return a world that has networks and suppliers but no accounts."""
    world = World(settings, seed, size)
    _add_networks(world)
    world.country_of_asn = {pool.asn: pool.country for pool in world.pools}
    world.issuers = {country: [_draw_issuer(world) for _ in range(12)] for country in COUNTRIES}
    # Fintechs: neobanks and issuers of virtual cards.
    world.fintech_issuers = [
        Issuer(_draw_issuer(world), country) for country in ("GB", "LT", "US", "US", "SG", "EE")
    ]
    world.starter_kits = [write_system_prompt(world) for _ in range(6)]
    world.benchmarks = [
        Job(world, world.rng.choice(["math", "code", "qa"]), 0, is_public=True) for _ in range(2)
    ]
    world.public_files = [world.draw_hex_id(64) for _ in range(8)]
    world.holidays = {country: _draw_holidays(world) for country in COUNTRIES}
    _add_suppliers(world)
    return world


def _add_networks(world: World) -> None:
    """Add the providers of each country, hosting companies and VPNs."""
    rng = world.rng
    total = sum(country.weight for country in COUNTRIES.values())
    for code, country in COUNTRIES.items():
        share = country.weight / total
        count = rng.choice((2, 3, 3, 4))
        homes = int(9 * world.size * share / count) + 150
        world.residential[code] = [
            world.add_pool("residential", code, f"{world.draw_word().title()} {code} Broadband", homes)
            for _ in range(count)
        ]
        phones = int(world.size * share / 12) + 10
        world.mobile[code] = [
            world.add_pool("mobile", code, f"{world.draw_word().title()} Mobile {code}", phones)
            for _ in range(2)
        ]
    world.hosting = [
        world.add_pool(
            "hosting", rng.choice(["US", "DE", "NL", "SG"]), f"{world.draw_word().title()} Cloud", 700
        )
        for _ in range(7)
    ]
    exits = max(12, world.size // 250)
    world.vpn_pools = [
        world.add_pool("vpn", rng.choice(["NL", "US", "SG", "GB"]), f"{world.draw_word().title()}VPN", exits)
        for _ in range(5)
    ]
    # Strangers share the egress of hosted notebooks and of continuous integration.
    world.notebook_egress = [world.hosting[0].draw_address(rng) for _ in range(6)]


def _draw_issuer(world: World) -> str:
    """Return an issuer's identification number, of six or eight digits."""
    rng = world.rng
    return str(rng.randrange(400000, 559999) if rng.random() < 0.6 else rng.randrange(40000000, 55999999))


def _draw_holidays(world: World) -> list[int]:
    """Return the holidays of a country, as days since 1970."""
    movable = [world.start // DAY + world.rng.randrange(world.settings.days) for _ in range(3)]
    return [*movable, to_seconds(2026, 1, 1) // DAY, to_seconds(2025, 12, 25) // DAY]


def _add_suppliers(world: World) -> None:
    """Add the suppliers from whom operators buy, and some honest people too."""
    rng = world.rng
    world.number_suppliers = [
        NumberSupplier(
            COUNTRIES[country].dial_code,
            country,
            [str(rng.randrange(100, 999)) for _ in range(rng.choice((2, 3, 5)))],
        )
        for country in rng.sample(["GB", "ID", "VN", "NL", "PH", "US", "KE", "PL"], 5)
    ]
    world.card_suppliers = [
        CardSupplier(
            rng.sample(world.fintech_issuers, rng.choice((1, 2, 2))), rng.choice(["card", "card", "prepaid"])
        )
        for _ in range(4)
    ]
    world.proxy_suppliers = [_draw_proxies(world) for _ in range(4)]
    world.antidetect = [
        Antidetect(
            f"t13d15{rng.randrange(10, 20):02d}h2_{world.draw_hex_id(12)}_{world.draw_hex_id(12)}",
            rng.choice([118, 120, 122, 124]),
        )
        for _ in range(3)
    ]
    endings = [".com", ".site", ".online", ".xyz", ".net", ".info"]
    world.mail_domains = [[world.draw_word(3) + rng.choice(endings) for _ in range(12)] for _ in range(4)]


def _draw_proxies(world: World) -> list[Address]:
    """Return the residential proxies of one supplier: addresses of honest people's providers."""
    rng = world.rng
    countries = rng.sample(list(COUNTRIES), rng.choice((4, 6, 10)))
    return [
        pool.draw_address(rng)
        for country in countries
        for pool in world.residential[country]
        for _ in range(max(40, world.size // 60))
    ]
