"""Honest groups: single persons, and look-alikes of campaigns such as companies, classes and resold seats."""

from collections.abc import Callable, Mapping

from bench.held_out_agents.draws import Instrument
from bench.held_out_agents.internet import Household, Locality
from bench.held_out_agents.people import Person
from bench.held_out_agents.vocabulary import NOUNS, TOPICS, Country
from bench.held_out_agents.world import Group, Task, World


class GroupPlan:
    """A group in the making: its country, its day and the group itself."""

    def __init__(self, world: World, kind: str, country: Country, day: int) -> None:
        self.world = world
        self.draws = world.draws
        self.country = country
        self.day = day
        self.scale = min(1.0, world.size / 9000) + 0.15
        """Groups of a small world are smaller."""
        self.group = Group(kind=kind, items=world.draws.random.sample(TOPICS, 12))

    @property
    def place(self) -> Locality:
        """Return the networks of the group's country."""
        return self.world.internet.localities[self.country.code]

    @property
    def last_day(self) -> int:
        """Return the last day on which a member of a group signs up."""
        return self.world.days - 2

    def draw_card(self) -> Instrument:
        """Return a card of the group."""
        token = self.draws.draw_token()
        return Instrument(token, "card", self.draws.random.choice(self.place.card_bins), self.country.code)

    def draw_templates(self, count: int) -> None:
        """Give the group prompt templates."""
        self.group.templates = [self.draws.draw_template() for _ in range(count)]

    def draw_devices(self, count: int) -> None:
        """Give the group shared devices."""
        self.group.devices = [self.draws.draw_device() for _ in range(count)]

    def draw_member(self) -> Person:
        """Return a person of the group's country."""
        return Person(self.world.market, self.country)

    def add(
        self,
        person: Person,
        day: int,
        role: str,
        rate: float | None = None,
        task: Task | None = None,
    ) -> None:
        """Plan an account of the group."""
        kind = self.group.kind
        self.world.plan_account(person, day, role, kind=kind, group=self.group, rate=rate, task=task)


def plan_company(plan: GroupPlan) -> None:
    """Plan a company: one domain, one address or a few, one instrument."""
    draws, rng, group, world = plan.draws, plan.draws.random, plan.group, plan.world
    size = max(3, min(int(900 * plan.scale), int(rng.lognormvariate(3, 1.1))))
    group.domain = draws.draw_domain()
    group.name = group.domain.split(".")[0].title() + rng.choice((" GmbH", " Inc", " Ltd", ""))
    pool = rng.choice(world.internet.corporate if size > 15 else plan.place.residential)
    group.addresses = [pool.draw_address() for _ in range(1 + size // 60)]
    group.host = "hooks." + group.domain
    group.key = draws.draw_hex(12)
    token, kind = draws.draw_token(), rng.choice(("card", "invoice", "invoice", "bank"))
    group.card = Instrument(token, kind, rng.choice(plan.place.card_bins), plan.country.code)
    plan.draw_templates(rng.randint(0, 9))
    if draws.happens(0.3):
        plan.day = -rng.randrange(5, 200)
    period = rng.choice((2, 5, 30, 60))
    for _ in range(size):
        person = plan.draw_member()
        day = plan.day + int(rng.random() * period)
        if plan.day >= 0:
            day = min(day, plan.last_day)
        plan.add(person, day, "employee", rate=0.1 + rng.random() * 0.35)
        if draws.happens(0.06):
            world.plan_account(
                person, world.draw_day(), "private account of an employee", kind="second_account"
            )


def plan_campus(plan: GroupPlan) -> None:
    """Plan a university: hundreds of students behind few addresses."""
    draws, rng, group, world = plan.draws, plan.draws.random, plan.group, plan.world
    size = int(rng.randint(60, 500) * plan.scale)
    group.domain = rng.choice(NOUNS) + rng.choice((".edu", "-uni.edu", ".ac"))
    pool = rng.choice(plan.place.universities)
    group.addresses = [pool.draw_address() for _ in range(2 + size // 60)]
    group.name = pool.name.title() if draws.happens(0.5) else None
    plan.draw_devices(6)
    plan.draw_templates(4)
    group.template_share = 0.1
    term = rng.randrange(0, world.days // 2)
    # Dormitories stay empty, but the stream of draws includes them.
    for _ in range(3):
        Household(pool)
    for _ in range(size):
        person = plan.draw_member()
        plan.add(person, world.draw_day() if draws.happens(0.5) else term + rng.randrange(14), "student")


def plan_class(plan: GroupPlan) -> None:
    """Plan a course whose participants sign up in one hour."""
    draws, rng, group = plan.draws, plan.draws.random, plan.group
    size = rng.randint(12, 36)
    pools = plan.place.universities if draws.happens(0.5) else plan.place.residential
    group.addresses = [rng.choice(pools).draw_address()]
    group.referral = draws.draw_code()
    plan.draw_templates(3)
    group.items = group.items[:3]
    group.template_share = 0.7
    if draws.happens(0.4):
        plan.draw_devices(size // 3)
    group.domain = draws.draw_domain() if draws.happens(0.25) else None
    if draws.happens(0.3):
        group.phone = draws.draw_phone_number(plan.country.code)
    hour = 8 + int(rng.random() * 7)
    for _ in range(size):
        person = plan.draw_member()
        day = plan.day + (0 if draws.happens(0.8) else 1)
        plan.add(person, day, "course participant", rate=0.25, task=Task(hour=hour))


def plan_agency(plan: GroupPlan) -> None:
    """Plan an agency whose few people run the accounts of several clients."""
    draws, rng, group, world = plan.draws, plan.draws.random, plan.group, plan.world
    staff = [plan.draw_member() for _ in range(rng.randint(2, 7))]
    group.name = f"{rng.choice(NOUNS).title()} Media"
    group.domain = draws.draw_domain()
    pool = rng.choice(plan.place.residential if draws.happens(0.6) else world.internet.corporate)
    group.addresses = [pool.draw_address()]
    group.card = plan.draw_card()
    plan.draw_templates(rng.randint(5, 14))
    group.template_share = 0.75
    group.phone = draws.draw_phone_number(plan.country.code)
    group.host = "api." + group.domain
    for _ in range(rng.randint(2, 7)):
        plan_client(plan, staff)


def plan_client(plan: GroupPlan, staff: list[Person]) -> None:
    """Plan the accounts of one client of an agency."""
    draws, rng, world = plan.draws, plan.draws.random, plan.world
    domain = draws.draw_domain()
    client_card = plan.draw_card()
    first_day = world.draw_day() if draws.happens(0.4) else rng.randrange(world.days - 4)
    items = rng.sample(TOPICS, 6)
    for number in range(rng.choice((1, 2, 3, 4, 6, 10))):
        person = rng.choice(staff)
        day = first_day + (number // 4 if first_day >= 0 else 0)
        rate = 0.25 + rng.random() * 0.3
        card = client_card if draws.happens(0.5) else plan.group.card
        task = Task(domain=domain, card=card, items=items)
        plan.add(person, day, "client account run by an agency", rate=rate, task=task)


def plan_seat_reseller(plan: GroupPlan) -> None:
    """Plan a reseller who opens accounts on a few cards and gives them to real people."""
    draws, rng, group, market = plan.draws, plan.draws.random, plan.group, plan.world.market
    size = int(rng.randint(15, 90) * min(1, plan.scale + 0.3))
    group.reseller = plan.draw_member()
    group.template_share = 0
    if draws.happens(0.6):
        count = max(1, size // rng.choice((6, 12, 30)))
        group.cards = [plan.draw_card() for _ in range(count)]
    else:
        group.cards = rng.choice(market.cards).sell(max(2, size // 6))
    group.mail_seller = rng.choice(market.mailboxes) if draws.happens(0.5) else None
    group.numbers = rng.choice(market.numbers).sell(max(2, size // 3), 0)
    group.referral = draws.draw_code()
    for number in range(size):
        person = Person(market)
        day = plan.day + int(number / size * rng.choice((5, 30, 60)))
        plan.add(person, min(plan.last_day, day), "real person on a resold seat")


def plan_hackathon(plan: GroupPlan) -> None:
    """Plan a hackathon: a burst of sign-ups from one venue on one sponsor's card."""
    draws, rng, group, world = plan.draws, plan.draws.random, plan.group, plan.world
    size = int(rng.randint(25, 190) * min(1, plan.scale))
    # A hackathon begins on a Friday.
    day = max(plan.day - (world.first_weekday + plan.day - 4) % 7, 0)
    venue = rng.choice(plan.place.universities + world.internet.corporate)
    group.addresses = [venue.draw_address() for _ in range(2)]
    group.referral = draws.draw_code()
    group.day = day
    group.card = Instrument(draws.draw_token(), "wallet", None, plan.country.code)
    plan.draw_templates(6)
    group.items = group.items[:5]
    group.template_share = 0.45
    group.path = f"/workspace/{rng.choice(NOUNS)}-starter"
    for _ in range(size):
        person = plan.draw_member()
        plan.add(person, day + rng.choice((0, 0, 0, 1)), "hackathon participant", rate=0.12)


def plan_coworking(plan: GroupPlan) -> None:
    """Plan a shared office of freelancers."""
    rng, group = plan.draws.random, plan.group
    group.addresses = [rng.choice(plan.place.residential).draw_address()]
    group.template_share = 0
    for _ in range(rng.randint(6, 45)):
        person = plan.draw_member()
        plan.add(person, plan.world.draw_day(), "freelancer in a shared office")


def plan_crowdwork(plan: GroupPlan) -> None:
    """Plan gig workers who paste the tasks of one platform."""
    draws, rng, group, market = plan.draws, plan.draws.random, plan.group, plan.world.market
    plan.draw_templates(rng.randint(6, 20))
    group.template_share = 0.65
    group.items = [rng.choice(NOUNS) + " " + rng.choice(TOPICS) for _ in range(25)]
    group.referral = draws.draw_code()
    if draws.happens(0.4):
        group.templates = rng.choice(market.packs)
    for _ in range(int(rng.randint(15, 110) * min(1, plan.scale))):
        person = Person(market, plan.country if draws.happens(0.6) else None)
        day = min(plan.last_day, plan.day + int(rng.random() * 40))
        plan.add(person, day, "gig worker pasting a platform task", rate=0.3)


def plan_qa_testbed(plan: GroupPlan) -> None:
    """Plan the test accounts of a software vendor, all of one person."""
    draws, rng, group = plan.draws, plan.draws.random, plan.group
    group.domain = draws.draw_domain()
    group.name = group.domain.split(".")[0].title()
    host = rng.choice(plan.world.market.hosts)
    group.addresses = host.rent(rng.randint(2, 8))
    plan.draw_devices(3)
    plan.draw_templates(3)
    group.template_share = 0.9
    group.items = group.items[:4]
    group.card = plan.draw_card()
    person = plan.draw_member()
    group.host = "ci." + group.domain
    for number in range(rng.randint(8, 40)):
        day = min(plan.last_day, plan.day + number // 8)
        plan.add(person, day, "test account of a software vendor", rate=0.35, task=Task(number=number))


PLANS: Mapping[str, Callable[[GroupPlan], None]] = {
    "company": plan_company,
    "campus": plan_campus,
    "class": plan_class,
    "agency": plan_agency,
    "seat_reseller": plan_seat_reseller,
    "hackathon": plan_hackathon,
    "coworking": plan_coworking,
    "crowdwork": plan_crowdwork,
    "qa_testbed": plan_qa_testbed,
}


def plan_developer(world: World, person: Person) -> None:
    """Plan the account of a developer whose server calls the API by a schedule."""
    draws, rng, market = world.draws, world.draws.random, world.market
    day = world.draw_day()
    server = rng.choice(market.hosts).rent(1)[0]
    writes_own = draws.happens(0.8)
    templates = [draws.draw_template() for _ in range(2)] if writes_own else rng.choice(market.packs)[:5]
    task = Task(server=server, templates=templates, items=rng.sample(TOPICS, 20))
    world.plan_account(person, day, "developer with a cron job", rate=0.5, task=task)


def plan_single(world: World) -> None:
    """Plan a private person, who may have a second account."""
    person = Person(world.market)
    if world.draws.happens(0.03):
        plan_developer(world, person)
        return
    world.plan_account(person, world.draw_day(), "private person")
    if world.draws.happens(0.05):
        role = "second account of the same person"
        world.plan_account(person, world.draw_day(), role, kind="second_account")


def plan_group(world: World, kind: str) -> None:
    """Plan one person or one group."""
    country = world.draws.draw_country()
    day = world.draws.random.randrange(0, max(2, world.days - 12))
    if kind == "single":
        plan_single(world)
    elif kind == "privacy":
        person = Person(world.market, is_private=True)
        world.plan_account(person, world.draw_day(), "privacy-minded person", kind="supplier_customer")
    else:
        PLANS[kind](GroupPlan(world, kind, country, day))


def plan_population(world: World, accounts: int) -> None:
    """Plan honest accounts until there are enough."""
    kinds, weights = list(world.settings.group_mix), list(world.settings.group_mix.values())
    while world.planned < accounts:
        kind = world.draws.random.choices(kinds, weights)[0]
        # Near the end a large group would go far beyond the number of accounts.
        if kind not in ("single", "privacy") and accounts - world.planned < accounts * 0.12:
            kind = "single"
        plan_group(world, kind)
