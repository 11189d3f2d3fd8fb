"""Distillation: jobs whose answers are collected, sharded over accounts that replace each other."""

import math

from bench.held_out_suppliers.actors import Account, Card, Person
from bench.held_out_suppliers.clock import DAY, HOUR
from bench.held_out_suppliers.operators import Operator
from bench.held_out_suppliers.people import draw_person, write_prompt
from bench.held_out_suppliers.places import Rotating
from bench.held_out_suppliers.reference import MODELS
from bench.held_out_suppliers.traces import add_payment, add_prompt
from bench.held_out_suppliers.workers import add_identifiers, add_use, buy, end_account, pay, sign_up, warm_up


def run_distillation(operator: Operator) -> None:
    """Add the accounts of an operator that distils."""
    distillation = _Distillation(operator)
    for number in range(operator.size):
        distillation.add_account(number)


class _Distillation:
    """The state of a programme: who held each slot last, and the next item of the job."""

    def __init__(self, operator: Operator) -> None:
        rng = operator.rng
        self.operator = operator
        generations = 1
        if operator.size >= 20:
            generations = rng.choice((2, 3, 4)) if operator.care < 0.6 else rng.choice((1, 2))
        self.slots = max(2, math.ceil(operator.size / generations))
        self.model = rng.choice(MODELS[1:])
        self.span = (operator.stop - operator.start) / generations
        self.next_item = 0
        self.latest: list[tuple[int, Rotating] | None] = [None] * self.slots
        """The end and the addresses of the last account of each slot."""

    def add_account(self, number: int) -> None:
        """Add an account in the slot that its number falls on."""
        operator, rng = self.operator, self.operator.rng
        slot = number % self.slots
        person = draw_person(operator.world, rng.choice(operator.claimed_countries))
        previous = self.latest[slot]
        created = operator.draw_creation(number)
        if previous and rng.random() < 0.5 and operator.care < 0.6:
            # The replacement of a banned account is signed up when it is needed.
            created = min(previous[0] + rng.randrange(600, 10 * HOUR), operator.stop - 2 * HOUR)
        worker = buy(operator, 0.5)
        if worker:
            created = max(created, worker.account.created)
        else:
            worker = sign_up(operator, created, person)
        if previous and rng.random() < 0.6:
            # The successor inherits the proxy.
            worker = worker._replace(network=previous[1])
        first = max(created + rng.randrange(HOUR, 3 * DAY), previous[0] if previous else 0)
        first = min(first, operator.stop - 3 * HOUR)
        last = min(operator.stop, first + int(rng.expovariate(1 / self.span)) + 8 * HOUR)
        hours = operator.draw_hours(slot, first, last)
        add_use(operator, worker, hours, self.model)
        ended = hours[-1][0] + HOUR
        end_account(operator, worker.account, ended, 0.55 if operator.is_careless else 0.25)
        self.latest[slot] = (ended, worker.network)
        warm_up(operator, worker.account, person)
        self._add_prompts(worker.account, person, slot)
        self._add_payments(worker.account, created)
        add_identifiers(operator, worker.account, person)

    def _add_prompts(self, account: Account, person: Person, slot: int) -> None:
        """Add the next items of the job, a few of them done before; or ordinary prompts."""
        operator, rng = self.operator, self.operator.rng
        job = operator.jobs[slot % len(operator.jobs)]
        if rng.random() < operator.promptless_share:
            for _ in range(rng.randrange(2, 6)):
                add_prompt(operator.world, account, write_prompt(operator.world, person), self.model)
            return
        for _ in range(rng.randrange(6, 18)):
            item = self.next_item if rng.random() < 0.94 else rng.randrange(max(1, self.next_item))
            self.next_item += 1
            add_prompt(operator.world, account, job.write(item), self.model)

    def _add_payments(self, account: Account, created: int) -> None:
        """Add the payments of an account."""
        operator, rng = self.operator, self.operator.rng
        if rng.random() < (0.85 if account.plan != "free" else 0.4):
            pay(operator, account, created, account.end)
        if rng.random() < 0.07:
            card = Card(f"cry_{operator.world.draw_hex_id(16)}", "crypto", None, None)
            add_payment(operator.world, account, card)
