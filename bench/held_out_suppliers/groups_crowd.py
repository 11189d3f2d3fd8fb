"""Honest crowds: strangers who do the same because they saw the same."""

from functools import partial

from bench.held_out_suppliers.actors import Person
from bench.held_out_suppliers.clock import DAY, HOUR
from bench.held_out_suppliers.honest import Traits, add_honest
from bench.held_out_suppliers.jobs import Job
from bench.held_out_suppliers.offices import open_office
from bench.held_out_suppliers.people import (
    draw_country,
    draw_person,
    locate,
    write_prompt,
    write_system_prompt,
)
from bench.held_out_suppliers.places import Endpoint, Place
from bench.held_out_suppliers.reference import API_CLIENTS
from bench.held_out_suppliers.traces import add_identifier
from bench.held_out_suppliers.world import World


def add_cohort(world: World, most: int) -> None:
    """Add the participants of a hackathon: one evening, one venue, one voucher, one tutorial."""
    rng = world.rng
    country = draw_country(world)
    evening = world.start + rng.randrange(5, world.settings.days - 8) * DAY + 9 * HOUR
    venue = open_office(world, country, "corporate", "Venue", 2, is_listed=rng.random() < 0.3)
    voucher = f"HACK{world.draw_word(2).upper()}26"
    tutorial = [
        f"{write_system_prompt(world)}\n\n{write_prompt(world, draw_person(world, country))}"
        for _ in range(4)
    ]
    tutorial.append("Say this is a test")
    for _ in range(min(most, rng.randrange(20, 220))):
        person = draw_person(world, country, style="light")
        person.work = venue
        person.client = rng.choice(API_CLIENTS[:3])
        created = evening + int(rng.expovariate(1 / 5400))
        traits = Traits(
            created=created,
            end=evening + rng.choice((2, 2, 2, 30)) * DAY,
            write=partial(rng.choice, tutorial),
            plan="api",
            pays=False,
            referral=voucher,
            locate=partial(_locate_participant, world, person, venue),
        )
        account = add_honest(world, person, "cohort", "hackathon participant", traits)
        if rng.random() < 0.6:
            add_identifier(world, account, "voucher", voucher, first=created)


def _locate_participant(world: World, person: Person, venue: Place, moment: int) -> Endpoint:
    """Return where a participant is: mostly at the venue, in a browser or in a program."""
    if world.rng.random() >= 0.8:
        return locate(world, person, moment)
    address = venue.at(moment)
    if world.rng.random() < 0.5:
        return Endpoint(*address, *person.devices[0])
    return Endpoint(*address, None, person.client)


def add_starter_kit(world: World, most: int) -> None:
    """Add people who copied the template of a public starter kit."""
    rng = world.rng
    template = rng.choice(world.starter_kits)
    for _ in range(min(most, rng.randrange(10, 90))):
        person = draw_person(world, style=rng.choice(("bot", "light")))
        person.client = API_CLIENTS[2]
        traits = Traits(write=partial(_write_from, world, template, person), plan="api")
        add_honest(world, person, "starter_kit", "copied a public template", traits)


def _write_from(world: World, template: str, person: Person) -> str:
    """Return a person's prompt behind a template."""
    return f"{template}\n\n{write_prompt(world, person)}"


def add_benchmark(world: World, most: int) -> None:
    """Add people who run a public benchmark."""
    rng = world.rng
    job = rng.choice(world.benchmarks)
    for _ in range(min(most, rng.randrange(5, 30))):
        person = draw_person(world, style="bot")
        person.client = "lm-eval-harness/0.4.4"
        # The sample is not used; worlds of a seed stay as they are because it is drawn.
        rng.sample(range(40), 40)
        traits = Traits(write=partial(write_item, world, job, 60), prompts=rng.randrange(15, 40), plan="api")
        add_honest(world, person, "benchmark", "runs a public benchmark", traits)


def write_item(world: World, job: Job, items: int) -> str:
    """Return the prompt of one of the first items of a job."""
    return job.write(world.rng.randrange(items))


def add_influencer(world: World, most: int) -> None:
    """Add people who followed the referral link of an influencer."""
    rng = world.rng
    code = f"{world.draw_word(2).upper()}{rng.randrange(10, 99)}"
    begin = world.start + rng.randrange(5, world.settings.days - 10) * DAY
    for _ in range(min(most, rng.randrange(20, 160))):
        person = draw_person(world, style=rng.choice(("light", "light", "regular")))
        created = min(begin + int(rng.expovariate(1 / (2.5 * DAY))), world.stop - DAY)
        traits = Traits(created=created, referral=code)
        add_honest(world, person, "referral_fans", "followed an influencer link", traits)


def add_launch(world: World, most: int) -> None:
    """Add a burst of sign-ups on a day when a video went round, all with its prompt."""
    rng = world.rng
    begin = world.start + rng.randrange(5, world.settings.days - 10) * DAY
    text = write_prompt(world, draw_person(world, "US"))
    for _ in range(min(most, rng.randrange(40, 250))):
        person = draw_person(world, style="light")
        created = min(begin + int(rng.expovariate(1 / (1.2 * DAY))), world.stop - DAY)
        traits = Traits(created=created, write=partial(str, text), prompts=2)
        add_honest(world, person, "viral_prompt", "copied a prompt from a video", traits)
