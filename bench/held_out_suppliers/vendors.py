"""Vendors of aged accounts."""

from bench.held_out_suppliers.actors import Account
from bench.held_out_suppliers.clock import DAY, HOUR
from bench.held_out_suppliers.operators import Choices, Operator
from bench.held_out_suppliers.people import draw_person
from bench.held_out_suppliers.phrases import POPULAR_PROMPTS
from bench.held_out_suppliers.places import Endpoint
from bench.held_out_suppliers.traces import add_activity, add_prompt, add_sessions
from bench.held_out_suppliers.workers import Worker, sign_up
from bench.held_out_suppliers.world import World


class Vendor:
    """A vendor who signs up stock early at its own bench, warms it up and sells it to several operators.

    Rivals may be among the buyers: the sign-up links them, the use does not.
    """

    def __init__(self, world: World, size: int, care: float = 0.4) -> None:
        rng = world.rng
        self.world = world
        self.size = size
        self.stock: list[Account] = []
        self.sold: dict[Operator, int] = {}
        fixed = Choices(network="sticky", device="reuse", card="none", mail=rng.choice(("bought", "domain")))
        self.operator = Operator(world, None, "distill", max(8, size), care, fixed=fixed)
        self.operator.slip_share = 0.03
        moment = world.start - rng.randrange(60, 200) * DAY
        for number in range(size):
            if number % 25 == 0:
                moment += rng.randrange(1, 5) * DAY
            self.stock.append(self._sign_up(moment, number % 25))
        rng.shuffle(self.stock)

    def _sign_up(self, moment: int, number: int) -> Account:
        """Return a new account of a batch that began at a moment."""
        rng, world = self.world.rng, self.world
        person = draw_person(world, rng.choice(self.operator.claimed_countries))
        created = min(world.start - DAY, moment + number * rng.randrange(120, 500))
        worker = sign_up(self.operator, created, person)
        worker.account.plan = "free"
        worker.account.role = "stock"
        if rng.random() < 0.5:
            self._warm_up(worker)
        return worker.account

    def _warm_up(self, worker: Worker) -> None:
        """Add an hour of use to an account."""
        rng, world = self.world.rng, self.world
        account, profile, network = worker
        hours = [(world.start + rng.randrange(2 * DAY) // HOUR * HOUR, 1)]
        add_sessions(world, account, hours, lambda moment: Endpoint(*network.at(moment), *profile))
        add_activity(world, account, hours, "small-3")
        account.hours = hours
        add_prompt(world, account, rng.choice(POPULAR_PROMPTS[:6]), "small-3", 1)

    def sell(self, buyer: Operator) -> Account | None:
        """Return an account of the stock; a buyer gets a quarter of it at most."""
        sold = self.sold.get(buyer, 0)
        if not self.stock or sold >= self.size // 4:
            return None
        self.sold[buyer] = sold + 1
        return self.stock.pop()
