"""Days of an operator: losses, new accounts, and work that is given to the fleet."""

import math

from bench.held_out_agents.events import DAY
from bench.held_out_agents.operators import FleetAccount, Operator


def run_day(operator: Operator, day: int) -> None:
    """Run an operator's day, if it is active on it."""
    traits = operator.traits
    if day == traits.end + 1:
        operator.exits.end_lease()
    if day < traits.start or day > traits.end:
        return
    count_losses(operator)
    raise_target(operator, day)
    create_accounts(operator, day)
    if traits.dispatcher == "handoff":
        hand_over(operator, day)
    ready = [member for member in operator.active if member.first_day <= day]
    if ready and not operator.draws.happens(0.05):
        dispatch(operator, day, choose_members(operator, ready, day))


def count_losses(operator: Operator) -> None:
    """Remove banned accounts from the fleet, burn their exits and plan replacements."""
    world, capacity = operator.world, operator.traits.capacity
    lost = [member for member in operator.active if not world.is_active(member.account)]
    if lost:
        operator.active = [member for member in operator.active if world.is_active(member.account)]
        operator.target = min(capacity, operator.target + len(lost))
        operator.alarm = 3
        for member in lost:
            member.port.address = None
    waiting = [member for member in operator.waiting if world.is_active(member.account)]
    operator.target = min(capacity, operator.target + len(operator.waiting) - len(waiting))
    operator.waiting = waiting


def raise_target(operator: Operator, day: int) -> None:
    """Let the fleet grow in the second half of the operator's time."""
    traits, size = operator.traits, operator.fleet_size
    progress = (day - traits.start) / traits.span
    if progress > 0.5:
        grown = int(size + (traits.capacity - size) * (progress - 0.5) / 0.28)
        operator.target = max(operator.target, min(traits.capacity, grown))


def count_new(operator: Operator, day: int, needed: int) -> int:
    """Return the number of accounts that are made on a day."""
    traits, rng = operator.traits, operator.draws.random
    days_left = max(1, traits.start + traits.span * 0.8 - day)
    if traits.mode == "script":
        return count_batch(operator, day, needed)
    if traits.mode == "shift":
        # The shift does not work on Sundays.
        if operator.world.get_weekday(day) == 6:
            return 0
        return math.ceil(needed / days_left * rng.uniform(0.6, 1.8))
    return int(needed / days_left * rng.uniform(0.3, 2) + rng.random())


def count_batch(operator: Operator, day: int, needed: int) -> int:
    """Return the size of a script's batch: on batch days, after losses and when time is short."""
    traits = operator.traits
    is_late = day >= traits.start + traits.span * 0.78 and needed >= min(8, traits.capacity // 3)
    is_last = day >= traits.start + traits.span * 0.9
    if not (day in operator.batch_days or operator.alarm or is_late or is_last):
        return 0
    batches = 1 + sum(1 for batch_day in operator.batch_days if batch_day > day)
    return math.ceil(needed / batches)


def create_accounts(operator: Operator, day: int) -> None:
    """Make the accounts of a day."""
    traits, rng = operator.traits, operator.draws.random
    needed = operator.target - operator.made
    if needed <= 0:
        return
    count = min(count_new(operator, day, needed), needed)
    operator.alarm = max(0, operator.alarm - 1)
    hour, gap = rng.choice(operator.hours), rng.choice((45, 70, 140, 300))
    for number in range(count):
        if traits.mode == "script":
            # A batch begins at one hour, at even distances.
            offset = int(number * min(gap, 40000 / count) * rng.uniform(0.8, 1.2))
            time = day * DAY + hour * 3600 + offset
        else:
            time = day * DAY + rng.choice(operator.hours) * 3600 + int(rng.random() * 3600)
        role = f"fleet account ({traits.mode}, {traits.exit_kind}, {traits.dispatcher})"
        if operator.made >= operator.fleet_size:
            role = "replacement or growth"
        operator.create_account(day, min(time, operator.world.end - 600), role)


def hand_over(operator: Operator, day: int) -> None:
    """Retire accounts that have done their work, and put waiting ones in their place."""
    traits = operator.traits
    limit = max(2, traits.capacity // 7)
    operator.active = [member for member in operator.active if member.requests < member.work_limit]
    while operator.waiting and len(operator.active) < limit:
        operator.active.append(operator.waiting.pop(0))
    days_left = max(1, traits.end - day)
    # Behind schedule more accounts work at a time.
    if len(operator.waiting) > days_left / 6 * limit:
        for _ in range(min(len(operator.waiting), int(len(operator.waiting) / days_left) + 1)):
            operator.active.append(operator.waiting.pop(0))


def choose_members(operator: Operator, ready: list[FleetAccount], day: int) -> list[FleetAccount]:
    """Return the accounts that work on a day, as the dispatcher decides."""
    draws, dispatcher, duty = operator.draws, operator.traits.dispatcher, operator.duty
    if dispatcher == "handoff":
        return [member for member in ready if draws.happens(1)]
    if dispatcher == "shard":
        return [
            member for member in ready if draws.happens(duty * 2 if (member.worker + day // 3) % 2 else 0.03)
        ]
    if dispatcher == "least":
        ready.sort(key=lambda member: member.requests)
        return ready[: max(3, int(len(ready) * duty))]
    return [member for member in ready if draws.happens(duty)]


def dispatch(operator: Operator, day: int, members: list[FleetAccount]) -> None:
    """Let accounts work on a day."""
    draws = operator.draws
    level = operator.volume * draws.random.uniform(0.7, 1.3)
    for member in members:
        if draws.happens(1 / operator.port_days):
            member.port = operator.choose_port()
        address = operator.exits.get_address(member.port, day)
        for _ in range(1 + draws.happens(0.5)):
            address = work(operator, day, member, level, address)


def work(operator: Operator, day: int, member: FleetAccount, level: float, address: str) -> str:
    """Log one session of an account and return the address it came from."""
    draws, rng, world, traits = operator.draws, operator.draws.random, operator.world, operator.traits
    is_even = traits.dispatcher in ("round", "least")
    drawn = level * rng.uniform(0.85, 1.15) if is_even else rng.expovariate(1 / level)
    requests = max(1, int(drawn))
    hour = operator.hours[int(rng.random() * len(operator.hours))]
    time = day * DAY + hour * 3600 + int(rng.random() * 3500)
    if time < member.opened + 60:
        time = member.opened + 60 + int(rng.random() * 1800)
    if time >= world.end:
        return address
    device, user_agent = member.device, member.user_agent
    if member.second_device and not draws.happens(0.6):
        device, user_agent = member.second_device
    if operator.uses_script_agent and draws.happens(0.6):
        user_agent = operator.user_agent
    # A worker forgets the proxy, and stays at home for the rest of the day.
    if operator.workers and draws.happens(0.05) and traits.care < 0.5:
        worker = operator.workers[member.worker % len(operator.workers)]
        address = worker.household.draw_address(day)
    world.add_session(member.account, address, device, user_agent, time, requests)
    world.log.add_activity(member.account, time, requests, operator.model)
    member.requests += requests
    operator.purse.cash += requests * 0.002
    if world.settings.has_prompts:
        for _ in range(1 + draws.happens(0.5)):
            text = draw_prompt(operator, day, member)
            model = operator.model if draws.happens(0.93) else 1
            world.log.add_prompt(member.account, text, model, time, max(1, requests // 3))
    return address


def draw_prompt(operator: Operator, day: int, member: FleetAccount) -> int:
    """Return the number of a prompt's text: cover traffic, or a template with an item."""
    draws, log, prompts = operator.draws, operator.world.log, operator.prompts
    if draws.happens(prompts.cover_share):
        if draws.happens(0.4):
            return log.index_text(operator.world.market.draw_public_prompt(day))
        return log.index_text(draws.draw_sentence())
    templates = prompts.templates
    # Shards work on different products.
    if operator.traits.dispatcher == "shard":
        templates = templates[member.worker % 3 :: 3]
    template = templates[int(draws.random.random() * len(templates))]
    return log.fill_template(template, prompts.items, prompts.skeleton_share)
