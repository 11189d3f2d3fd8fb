"""Promise: faults follow from their seed, histories are judged rightly, and the proxy fails as it is told."""

import itertools
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.faults.check import Change, Ledger
from bench.faults.commands import Done
from bench.faults.damage import FORMS
from bench.faults.linearizability import Operation, Outcome, find_violations, is_linearizable
from bench.faults.plan import DEAR, KINDS, choose_faults, order_faults, plan_faults
from bench.faults.proxy import Proxy, Toxic
from bench.faults.report import format_page
from bench.faults.result import AGAIN, SAME, Report, Result

DONE, REFUSED, FAILED, UNKNOWN = Outcome.DONE, Outcome.REFUSED, Outcome.FAILED, Outcome.UNKNOWN


def read(began: float, ended: float, value: str) -> Operation:
    return Operation("x", began, ended, DONE, value)


def write(
    began: float, ended: float, expected: str, value: str, outcome: Outcome = Outcome.DONE
) -> Operation:
    return Operation("x", began, ended, outcome, value, expected)


LINEARIZABLE = {
    "nothing": [],
    "one after the other": [write(0, 1, "", "a"), read(2, 3, "a"), write(4, 5, "a", "b"), read(6, 7, "b")],
    "a read of the old value during a write": [write(0, 4, "", "a"), read(1, 2, ""), read(5, 6, "a")],
    "a read of the new value during a write": [write(0, 4, "", "a"), read(1, 2, "a")],
    "of two writers at once one is refused": [write(0, 4, "", "a"), write(1, 3, "", "b", REFUSED), read(5, 6, "a")],
    "a lost answer that took effect": [write(0, 1, "", "a", UNKNOWN), read(2, 3, "a")],
    "a lost answer that took no effect": [write(0, 1, "", "a", UNKNOWN), read(2, 3, ""), write(4, 5, "", "b")],
    "a lost answer that took effect late": [
        write(0, 1, "", "a", UNKNOWN), read(2, 3, ""), read(4, 5, "a"), write(6, 7, "a", "b"),
    ],
    "a failure says nothing": [write(0, 1, "", "a", FAILED), read(2, 3, "")],
    "refused by a write whose answer was lost": [write(0, 1, "", "a", UNKNOWN), write(2, 3, "", "b", REFUSED)],
}  # fmt: skip
NOT = {
    "a stale read": [write(0, 1, "", "a"), read(2, 3, "")],
    "a read of what was never written": [read(0, 1, "a")],
    "a read from the future": [read(0, 1, "a"), write(2, 3, "", "a")],
    "a lost update": [write(0, 4, "", "a"), write(1, 3, "", "b")],
    "a write on what was overwritten": [write(0, 1, "", "a"), write(2, 3, "a", "b"), write(4, 5, "a", "c")],
    "refused although the value was the expected one": [write(0, 1, "", "a"), write(2, 3, "a", "b", REFUSED)],
    "there and gone again": [write(0, 9, "", "a"), read(1, 2, "a"), read(3, 4, "")],
    "a failure that took effect": [write(0, 1, "", "a", FAILED), read(2, 3, "a")],
    "a lost answer that took effect twice": [
        write(0, 1, "", "a", UNKNOWN), read(2, 3, "a"), write(4, 5, "a", "b"), read(6, 7, "a"),
    ],
    "two orders": [write(0, 9, "", "a"), read(1, 2, "a"), write(0, 9, "", "b", UNKNOWN), read(3, 4, "b")],
}  # fmt: skip


@pytest.mark.parametrize("name", LINEARIZABLE)
def test_histories_that_are_linearizable(name: str) -> None:
    assert is_linearizable(LINEARIZABLE[name])


@pytest.mark.parametrize("name", NOT)
def test_histories_that_are_not(name: str) -> None:
    assert not is_linearizable(NOT[name])


def test_registers_are_judged_apart() -> None:
    other = [Operation("y", each.began, each.ended, each.outcome, each.value, each.expected) for each in
             NOT["a stale read"]]  # fmt: skip
    assert find_violations([*LINEARIZABLE["one after the other"], *other]) == ["y"]


def run_register(seed: int, people: int, turns: int) -> list[Operation]:
    """Return a history of a register that is linearizable by construction: each takes effect at one moment."""
    draw = random.Random(seed)
    moments = sorted((draw.random() * 100, person) for person in range(people) for _ in range(turns))
    value, seen, history = "", dict.fromkeys(range(people), ""), []
    free: dict[int, float] = dict.fromkeys(range(people), 0.0)
    for number, (moment, person) in enumerate(moments):
        following = next((other for other, each in moments[number + 1 :] if each == person), 101.0)
        began = free[person] + (moment - free[person]) * draw.random()
        ended = moment + (following - moment) * 0.9 * draw.random()
        free[person] = ended
        if draw.random() < 0.4:
            seen[person] = value
            history.append(Operation("x", began, ended, DONE, value))
            continue
        expected, new = seen[person], f"w{number}"
        lost = draw.random() < 0.2
        fits = expected == value
        if fits:
            value = seen[person] = new
        outcome = UNKNOWN if lost else DONE if fits else REFUSED
        history.append(Operation("x", began, ended, outcome, new, expected))
    return history


@given(st.integers(0, 1 << 30))
def test_a_register_gives_linearizable_histories(seed: int) -> None:
    assert is_linearizable(run_register(seed, people=4, turns=6))


def brute(history: list[Operation]) -> bool:
    """Judge a history by trying all orders of all choices of lost answers that took effect."""
    kept = [each for each in history if each.outcome is not UNKNOWN]
    lost = [each for each in history if each.outcome is UNKNOWN and each.expected is not None]
    for count in range(len(lost) + 1):
        for some in itertools.combinations(lost, count):
            for order in itertools.permutations([*kept, *some]):
                ends = [each.ended if each.outcome is not UNKNOWN else float("inf") for each in order]
                late = any(
                    order[b].began > ends[a] for b in range(len(order)) for a in range(b + 1, len(order))
                )
                value, fits = "", not late
                for each in order:
                    if not fits:
                        break
                    if each.expected is None:
                        fits = each.value == value
                    elif each.outcome is REFUSED:
                        fits = each.expected != value
                    else:
                        fits, value = each.expected == value, each.value
                if fits:
                    return True
    return False


@given(st.integers(0, 1 << 30))
def test_it_agrees_with_all_orders(seed: int) -> None:
    draw = random.Random(seed)
    history = run_register(seed, people=3, turns=2)[:5]
    at = draw.randrange(len(history))
    spoiled = history[at]
    history[at] = Operation("x", spoiled.began, spoiled.ended, draw.choice([DONE, REFUSED, UNKNOWN]),
                            draw.choice(["", "w0", "w1", spoiled.value]), spoiled.expected)  # fmt: skip
    assert is_linearizable(history) == brute(history)


def test_a_plan_follows_from_its_seed() -> None:
    plan = plan_faults(1)
    assert len(plan) >= 300
    assert [fault.number for fault in plan] == list(range(1, len(plan) + 1))
    assert plan == plan_faults(1) != plan_faults(2)
    assert Counter(fault.kind for fault in plan) == {kind.name: kind.count for kind in KINDS}
    for kind in KINDS:  # every target meets every variant
        met = {(fault.target, fault.variant) for fault in plan if fault.kind == kind.name}
        assert len(met) == min(kind.count, len(set(kind.list_pairs()))), kind.name
    ordered = order_faults(plan)
    assert sorted(ordered, key=lambda fault: fault.number) == plan
    assert {fault.kind for fault in ordered[:40]} == {kind.name for kind in KINDS} - DEAR
    assert choose_faults(plan, numbers=[7]) == [plan[6]]
    assert {fault.kind for fault in choose_faults(plan, only=["proxy"])} == {"proxy"}


@given(
    st.binary(min_size=1, max_size=200),
    st.sampled_from(sorted(FORMS)),
    st.floats(0, 0.999),
    st.integers(0, 99),
)
def test_damage_is_damage(content: bytes, form: str, place: float, key: int) -> None:
    after = FORMS[form](content, place, key)
    assert after != content or (form == "zeros" and not any(content))
    if form == "a bit flipped":
        assert after is not None
        assert sum((a ^ b).bit_count() for a, b in zip(after, content, strict=True)) == 1


def test_a_ledger_owes_what_was_answered() -> None:
    one, two, three = (Change("account", "a", "note", "", note) for note in ("one", "two", "three"))
    ledger = Ledger([one, two], [three])
    assert ledger.find_faults(Counter([one, two])) == []
    assert ledger.find_faults(Counter([one, two, three])) == []
    assert "'two' was answered and is gone" in ledger.find_faults(Counter([one, three]))[0]
    assert "there 2 times" in ledger.find_faults(Counter([one, one, two]))[0]
    assert "there 2 times" in ledger.find_faults(Counter([one, two, three, three]))[0]


@pytest.mark.parametrize(
    ("done", "faults"),
    [
        (Done(0, "", "", 1.0), 0),
        (Done(1, "", "graphsvc: Neo4j cannot be reached.\nStart it.\n", 1.0), 0),
        (Done(2, "", "Usage: graphsvc [OPTIONS]\n", 1.0), 0),
        (Done(-9, "", "", 1.0), 0),
        (Done(4, "", "graphsvc: what?\n", 1.0), 1),
        (Done(1, "", "", 1.0), 1),
        (Done(77, "", "graphsvc: what?\n", 1.0), 1),
        (Done(1, "", "Traceback (most recent call last):\nMemoryError\n", 1.0), 2),
        (Done(-6, "", "memory allocation failed", 1.0), 1),
        (Done(0, "", "Exception in thread\n", 1.0), 1),
    ],
)
def test_ends_of_commands_are_judged(done: Done, faults: int) -> None:
    assert len(done.list_faults()) == faults


def test_the_page_counts_every_fault_once() -> None:
    plan = plan_faults(1)
    results = [
        Result.of(1, fault, Report(AGAIN if fault.number % 2 else SAME, ("lost",) if fault.number == 3 else ()), 1.0)
        for fault in plan
    ]  # fmt: skip
    page = format_page(results, 1)
    assert f"{len(plan)} of {len(plan)} faults, {len(plan) - 1} as promised, 1 not" in page
    assert page.split("## Found")[0].count("\n| ") == len(KINDS) + 3


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it gets; the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket) -> None:
        with suppress(OSError), client:
            while data := client.recv(65_536):
                client.sendall(data)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def exchange(port: int, content: bytes) -> bytes:
    """Send something, and return what comes back until the end, or until half a second of silence."""
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as client:
        client.sendall(content)
        client.shutdown(socket.SHUT_WR)
        got = b""
        with suppress(OSError):
            while data := client.recv(65_536):
                got += data
        return got


def test_the_proxy_fails_as_it_is_told(echo: int) -> None:
    proxy, content = Proxy(echo), random.Random(1).randbytes(5_000)
    try:
        for name in ("", "latency", "jitter", "bandwidth", "slow close", "slice"):
            proxy.set_toxic(Toxic(name, 0.1, 1))
            began = time.monotonic()
            assert exchange(proxy.port, content) == content, name
            assert name != "latency" or time.monotonic() - began > 0.05
        for name in ("truncate", "reset", "timeout"):
            proxy.set_toxic(Toxic(name, 0.6, 1))
            got = exchange(proxy.port, content)
            assert len(got) <= 1_200, name
            assert content.startswith(got)
            proxy.heal()
            assert exchange(proxy.port, content) == content
        proxy.set_toxic(Toxic("down"))
        with pytest.raises(ConnectionRefusedError):
            exchange(proxy.port, content)
        proxy.heal()
        assert exchange(proxy.port, content) == content
    finally:
        proxy.close()
