"""Programmes: the use that operators make of their accounts, by kind."""

from bench.held_out_suppliers.actors import Account, Hours, Person
from bench.held_out_suppliers.clock import DAY, HOUR
from bench.held_out_suppliers.distillation import run_distillation
from bench.held_out_suppliers.evasion import run_evasion
from bench.held_out_suppliers.jobs import Job
from bench.held_out_suppliers.operators import Operator
from bench.held_out_suppliers.people import draw_hours, draw_person, locate, write_prompt
from bench.held_out_suppliers.phrases import POPULAR_PROMPTS
from bench.held_out_suppliers.places import Endpoint
from bench.held_out_suppliers.reference import MODELS
from bench.held_out_suppliers.traces import add_activity, add_identifier, add_prompt, add_sessions
from bench.held_out_suppliers.workers import Worker, add_identifiers, add_use, buy, end_account, pay, sign_up


def run_trials(operator: Operator) -> None:
    """Add accounts in relay: each is used until its credit is gone, then the next."""
    rng, world = operator.rng, operator.world
    count = max(1, operator.size // 40)
    model = rng.choice(MODELS)
    credit = rng.choice((120, 300, 500))
    lanes = [operator.start] * count
    step = max(2 * HOUR, (operator.stop - operator.start) * count // max(1, operator.size))
    for number in range(operator.size):
        lane = number % count
        person = draw_person(world, rng.choice(operator.claimed_countries))
        in_batch = rng.random() < 0.6
        created = operator.draw_creation(number) if in_batch else lanes[lane] + rng.randrange(HOUR)
        worker = sign_up(operator, min(created, operator.stop - 2 * HOUR), person)
        account = worker.account
        account.plan = "free"
        hours = _spend_credit(operator, max(account.created, lanes[lane]), credit)
        latest = min(operator.stop - 3 * HOUR, lanes[lane] + int(step * rng.uniform(0.7, 1.3)))
        lanes[lane] = max(hours[-1][0], latest)
        add_use(operator, worker, hours, model)
        end_account(operator, account, hours[-1][0] + HOUR, 0.25)
        for _ in range(rng.randrange(3, 10)):
            add_prompt(world, account, operator.jobs[0].write(rng.randrange(operator.size * 6)), model)
        if rng.random() < 0.35:
            pay(operator, account, account.created)
        add_identifiers(operator, account, person)


def _spend_credit(operator: Operator, first: int, credit: int) -> Hours:
    """Return the hours in which a trial's credit is used up, within five days."""
    rng = operator.rng
    hours: Hours = []
    hour = first // HOUR * HOUR + HOUR
    while credit > 0 and len(hours) < 40:
        requests = min(credit, max(1, int(rng.gauss(operator.rate, operator.rate * 0.2))))
        if operator.is_running(hour):
            hours.append((hour, requests))
            credit -= requests
        hour += HOUR
        if hour > first + 5 * DAY:
            break
    return hours or [(hour - HOUR, 3)]


def run_resale(operator: Operator) -> None:
    """Add accounts whose seats are sold to strangers, who move to another when theirs is banned."""
    rng, world = operator.rng, operator.world
    seats = rng.choice((3, 4, 6))
    countries = [*operator.claimed_countries, operator.country]
    customers = [
        draw_person(world, rng.choice(countries))
        for _ in range(max(seats + 2, int(operator.size * seats / 2.2)))
    ]
    for number in range(operator.size):
        person = draw_person(world, operator.country)
        created = operator.draw_creation(number)
        worker = buy(operator, 0.4)
        if not worker:
            worker = sign_up(operator, created, person)
            if worker.account.role == "worker":
                worker.account.role = "resold seat"
        account = worker.account
        account.plan = "plus"
        first = max(created, account.created) + rng.randrange(2 * HOUR, 2 * DAY)
        last = min(world.stop, first + int(rng.uniform(6, 40) * DAY))
        position = int(number / operator.size * len(customers))
        users = [customers[(position + rng.randrange(seats * 3)) % len(customers)] for _ in range(seats)]
        _add_customer_use(operator, worker, users, first, last)
        end_account(operator, account, last, 0.4)
        for user in users:
            for _ in range(rng.randrange(1, 5)):
                add_prompt(world, account, write_prompt(world, user), MODELS[1])
        pay(operator, account, created, last)
        add_identifiers(operator, account, person)


def _add_customer_use(operator: Operator, worker: Worker, users: list[Person], first: int, last: int) -> None:
    """Add the use of an account by customers from their own places, after a trial by the operator."""
    rng, world = operator.rng, operator.world
    account, profile, network = worker
    requests: dict[int, int] = {}
    user_of: dict[int, Person] = {}
    for user in users:
        style = "regular" if rng.random() < 0.6 else "light"
        for hour, count in draw_hours(world, account, user, style, first, last):
            requests[hour] = requests.get(hour, 0) + count
            user_of[hour] = user
    hours = sorted(requests.items())
    account.hours = hours

    def find_operator(moment: int) -> Endpoint:
        return Endpoint(*network.at(moment), *profile)

    def find_user(moment: int) -> Endpoint:
        return locate(world, user_of.get(moment // HOUR * HOUR, users[0]), moment)

    trial = [(max(account.created, first - HOUR) // HOUR * HOUR, 1)]
    add_sessions(world, account, trial, find_operator)
    add_sessions(world, account, hours, find_user)
    add_activity(world, account, hours, MODELS[1])


def run_affiliates(operator: Operator) -> None:
    """Add fake referrals, each for a bonus: programs press a few keys."""
    rng, world = operator.rng, operator.world
    payouts = [f"acct_{world.draw_hex_id(10)}" for _ in range(1 + operator.size // 150)]
    for number in range(operator.size):
        person = draw_person(world, rng.choice(operator.claimed_countries))
        worker = sign_up(operator, operator.draw_creation(number), person)
        account = worker.account
        account.role = "fake referral"
        account.plan = "free" if rng.random() < 0.7 else "plus"
        hours = _draw_few_hours(operator, account)
        add_use(operator, worker, hours, MODELS[0])
        end_account(operator, account, hours[-1][0] + DAY, 0.15)
        for _ in range(rng.choice((1, 2, 3))):
            is_popular = rng.random() < 0.5
            text = rng.choice(POPULAR_PROMPTS) if is_popular else operator.jobs[0].write(rng.randrange(30))
            add_prompt(world, account, text, MODELS[0])
        if account.plan == "plus":
            pay(operator, account, account.created)
        add_identifiers(operator, account, person)
        if rng.random() < 0.15:
            add_identifier(world, account, "payout_account", rng.choice(payouts))


def _draw_few_hours(operator: Operator, account: Account) -> Hours:
    """Return one to three hours after the sign-up of an account."""
    rng = operator.rng
    begin = account.created // HOUR * HOUR
    hours = [
        (begin + number * HOUR * rng.choice((1, 2, 24)), rng.randrange(1, 5))
        for number in range(rng.choice((1, 2, 3)))
    ]
    return sorted(dict(hours).items())


def run_content(operator: Operator) -> None:
    """Add the accounts of a review farm or of a companion app, whose paid workers come in shifts."""
    operator.keeps_office_hours = True
    domain = operator.rng.choice(("spam", "roleplay"))
    operator.jobs = [Job(operator.world, domain, operator.paraphrase)]
    run_distillation(operator)


PROGRAMMES = {
    "distill": run_distillation,
    "trial": run_trials,
    "resell": run_resale,
    "evader": run_evasion,
    "affiliate": run_affiliates,
    "content": run_content,
}


def run(operator: Operator) -> Operator:
    """Run the programme of an operator and return it."""
    PROGRAMMES[operator.kind](operator)
    return operator
