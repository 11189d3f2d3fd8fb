"""Offices and the like: one line for many people."""

from bench.held_out_suppliers.places import Fixed
from bench.held_out_suppliers.world import World


def open_office(
    world: World, country: str, kind: str, name: str, addresses: int = 1, *, is_listed: bool
) -> Fixed:
    """Return a new office, in a network of its own (`is_listed`) or on the line of a provider."""
    own = world.add_pool(kind, country, name, 200) if is_listed else None
    pool = own or world.rng.choice(world.residential[country])
    return Fixed([pool.draw(world.rng) for _ in range(addresses)], pool.asn, world.rng)
