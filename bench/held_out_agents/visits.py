"""Visits of honest people: when, from where, on which device, with which prompts."""

from dataclasses import dataclass

from bench.held_out_agents.draws import format_user_agent
from bench.held_out_agents.events import DAY
from bench.held_out_agents.sign_ups import WORKPLACES
from bench.held_out_agents.vocabulary import PHONE_AGENTS, SCRIPT_AGENTS
from bench.held_out_agents.world import Holder, World


@dataclass(slots=True, kw_only=True)
class Visit:
    """One visit; `agent` is the template of the user agent."""

    day: int
    time: int
    is_weekday: bool
    is_work: bool
    device: str | None
    agent: str
    address: str = ""

    def use_phone(self, holder: Holder) -> None:
        """Make it a visit by phone."""
        self.device, self.agent = holder.person.phone, holder.person.phone_agent


def draw_free_hour(world: World) -> float:
    """Return a local hour outside of work, mostly in the evening."""
    return world.draws.random.triangular(7, 24, 19 if world.draws.happens(0.6) else 11)


def draw_time(world: World, holder: Holder, day: int, is_work: bool) -> int:
    """Return the time of a visit, after the sign-up; it may lie beyond the calendar."""
    rng = world.draws.random
    hour = 9 + rng.random() * 9 if is_work else draw_free_hour(world)
    time = int(day * DAY + (hour - holder.person.country.utc_offset) * 3600)
    if time < holder.opened + 30:
        time = holder.opened + 30 + int(rng.random() * 5400)
    return time + DAY if time < 0 else time


def visit_from_group(world: World, holder: Holder, visit: Visit, drawn: float) -> bool:
    """Return whether a visit comes from a place of the group, and set its address."""
    draws, rng, group = world.draws, world.draws.random, holder.group
    if group is None:
        return False
    if visit.is_work and group.addresses and drawn < 0.8:
        visit.address = rng.choice(group.addresses)
    elif holder.kind == "campus" and drawn < 0.55:
        visit.address = rng.choice(group.addresses)
        if draws.happens(0.08):
            visit.device = rng.choice(group.devices)
    elif holder.kind == "hackathon" and visit.day <= group.day + 2 and drawn < 0.85:
        visit.address = rng.choice(group.addresses)
    elif holder.kind == "class" and visit.is_weekday and drawn < 0.35:
        visit.address = group.addresses[0]
        if group.devices and draws.happens(0.6):
            visit.device = rng.choice(group.devices)
    else:
        return False
    return True


def visit_from_home(world: World, holder: Holder, visit: Visit) -> None:
    """Set the address of the household, and perhaps its tablet or the phone."""
    draws, household = world.draws, holder.person.household
    visit.address = household.draw_address(visit.day)
    if household.size > 2 and draws.happens(0.12):
        if household.tablet is None:
            household.tablet = draws.draw_device()
        visit.device, visit.agent = household.tablet, PHONE_AGENTS[0]
    elif draws.happens(0.35):
        visit.use_phone(holder)


def choose_place(world: World, holder: Holder, visit: Visit) -> None:
    """Set the place of a visit: on a trip, with the group, on the move, in a cafe or at home."""
    draws, person = world.draws, holder.person
    drawn = draws.random.random()
    if person.trip and person.trip.includes(visit.day):
        pool = person.trip.pool if draws.happens(0.7) else person.mobile
        visit.address = pool.draw_address()
        if draws.happens(0.6):
            visit.use_phone(holder)
    elif visit_from_group(world, holder, visit, drawn):
        return
    elif drawn < 0.28:
        visit.address = person.mobile.draw_address()
        visit.use_phone(holder)
    elif person.cafe and drawn < 0.34:
        visit.address = person.cafe
    else:
        visit_from_home(world, holder, visit)


def hide_place(world: World, holder: Holder, visit: Visit) -> None:
    """Replace the address by an exit of a VPN or proxy, and the device by a forgetful browser."""
    draws, person = world.draws, holder.person
    if person.vpn and draws.happens(0.75 if person.is_private else 0.3):
        if person.is_private and draws.happens(0.12):
            visit.address = draws.random.choice(world.market.residential_proxies).draw_exit()
        else:
            visit.address = person.vpn.draw_exit()
    if visit.device is None:
        visit.use_phone(holder)
    if person.is_private and draws.happens(0.2):
        visit.device = draws.draw_device()


def use_machine(world: World, holder: Holder, visit: Visit) -> None:
    """Replace place and client by those of a server or a test bed, for accounts that have one."""
    draws, rng, server, group = world.draws, world.draws.random, holder.task.server, holder.group
    if server and draws.happens(0.85):
        visit.address = server
        visit.agent = SCRIPT_AGENTS[len(holder.person.first_name) % 5]
        time = visit.time + int((rng.random() - 0.5) * 30000)
        visit.time = min(max(time, holder.opened + 30, 0), world.end - 60)
    if holder.kind == "qa_testbed" and group:
        visit.device = rng.choice(group.devices)
        visit.agent = SCRIPT_AGENTS[0]
        visit.address = rng.choice(group.addresses)


def draw_requests(world: World, holder: Holder) -> int:
    """Return the number of requests of a visit."""
    rng = world.draws.random
    if holder.kind == "qa_testbed":
        return rng.randint(20, 24)
    requests = 1 + int(rng.expovariate(1 / 7))
    return rng.randint(15, 90) if holder.task.server else requests


def draw_prompt(world: World, holder: Holder, day: int) -> int:
    """Return the number of a prompt's text: a template's, a public one, a habit or something new."""
    draws, rng, log = world.draws, world.draws.random, world.log
    person, group, task = holder.person, holder.group, holder.task
    drawn = rng.random()
    if task.server and drawn < 0.85:
        return log.fill_template(rng.choice(task.templates), task.items)
    if group and group.templates and drawn < group.template_share:
        return log.fill_template(rng.choice(group.templates), task.items or group.items)
    if drawn > 1 - person.public_share - 0.03:
        return log.index_text(world.market.draw_public_prompt(day))
    if person.habits and draws.happens(0.2):
        return rng.choice(person.habits)
    text = log.index_text(draws.draw_sentence())
    if len(person.habits) < 3:
        person.habits.append(text)
    return text


def make_visit(world: World, holder: Holder, day: int, is_weekday: bool) -> None:
    """Log one visit with its prompts, unless it lies beyond the calendar."""
    person = holder.person
    is_work = holder.kind in WORKPLACES and is_weekday and world.draws.happens(0.85)
    time = draw_time(world, holder, day, is_work)
    if time >= world.end:
        return
    visit = Visit(
        day=day,
        time=time,
        is_weekday=is_weekday,
        is_work=is_work,
        device=person.laptop,
        agent=person.laptop_agent,
    )
    choose_place(world, holder, visit)
    hide_place(world, holder, visit)
    use_machine(world, holder, visit)
    requests = draw_requests(world, holder)
    device = visit.device or person.phone
    account, model = holder.account, holder.model
    agent = format_user_agent(visit.agent, day)
    world.add_session(account, visit.address, device, agent, visit.time, requests)
    world.log.add_activity(account, visit.time, requests, model)
    if world.settings.has_prompts:
        for _ in range(1 + (requests > 8 and world.draws.happens(0.4))):
            text = draw_prompt(world, holder, day)
            world.log.add_prompt(account, text, model, visit.time, max(1, requests // 3))


def pay_again(world: World, holder: Holder, day: int) -> None:
    """Log a later payment with the person's own card, rarely."""
    card, group = holder.person.card, holder.group
    if world.accounts[holder.account].plan == "free" or not world.draws.happens(0.05) or card is None:
        return
    if holder.kind == "seat_reseller" or (group and group.card):
        return
    noon = min(day * DAY + DAY // 2, world.end - 1)
    world.add_payment(holder.account, card, noon if day * DAY > holder.opened else holder.opened + 60)


def spend_day(world: World, holder: Holder, day: int) -> None:
    """Let a person use the account on a day, and plan the next visit."""
    draws = world.draws
    status = world.accounts[holder.account].status
    if status != "active":
        if status == "suspended":
            world.plan_visit(holder, day + 4)
        return
    if day > holder.end:
        return
    if day >= holder.person.upgrade_day:
        holder.person.replace_phone()
    is_weekday = world.get_weekday(day) < 5
    for _ in range(1 + draws.happens(0.35) + draws.happens(0.12)):
        make_visit(world, holder, day, is_weekday)
    pay_again(world, holder, day)
    world.plan_visit(holder, day + 1 + int(draws.random.expovariate(holder.rate)))
