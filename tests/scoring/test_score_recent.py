"""Promise: accounts since the run are linked by the run's own rule, whatever the order in which they come; a group has
an id that lasts, and nothing that chance or a crowd explains makes one."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.linkage.pairs import least_rarity
from graphsvc.scoring import recent
from graphsvc.scoring.recent import LEAST, MOST_MEMBERS, RecentAccount, RecentAccounts

ACCOUNTS = 100_000


def account(name: str, *keys: str, at: int = 1, users: int = 2, network_class: str = "") -> RecentAccount:
    kinds = [key.partition(":")[0] for key in keys]
    return RecentAccount(name, at, keys, kinds, [network_class] * len(keys), [users] * len(keys))


def fill(*accounts: RecentAccount) -> RecentAccounts:
    found = RecentAccounts("r1", ACCOUNTS, 0)
    found.add(accounts, 1)
    return found


def test_the_fourth_account_with_a_card_hears_of_the_group_and_why() -> None:
    three = fill(*(account(f"a{i}", "instrument:x", "device:y", at=i, users=3) for i in range(3)))
    group = three.find_group("new", ["instrument:x", "device:z"])
    assert group is not None
    assert group.size == LEAST == 4
    (family,) = group.families
    assert family.family == "payment"
    assert family.bits > 10
    assert family.description == (
        "It shares payment instruments with 3 other accounts that signed up since the last run."
    )
    # A member that asks again is no other than itself, and three are no group.
    assert three.find_group("a0", ["instrument:x"]) is None
    assert fill(account("a", "instrument:x")).find_group(None, ["instrument:x"]) is None
    assert three.find_group("new", ["instrument:other"]) is None


def test_a_group_is_all_that_hangs_together_and_its_id_lasts() -> None:
    rows = [account(f"a{i}", f"device:{i}", f"device:{i + 1}", at=i) for i in range(6)]
    group = fill(*rows).find_group("new", ["device:0"])
    assert group is not None
    assert group.size == 7
    for order in list(permutations(rows))[::97]:
        assert fill(*order).find_group("new", ["device:0"]) == group
    more = fill(*rows, account("b", "device:6", at=9)).find_group("new", ["device:0"])
    assert more is not None
    assert (more.id, more.size) == (group.id, 8)


def test_one_common_value_links_none_and_two_rare_ones_do() -> None:
    rows = [account(f"a{i}", "ip:203.0.113.9", "email_handle:h", users=5) for i in range(4)]
    assert fill(*rows).find_group("new", ["ip:203.0.113.9"]) is None
    assert fill(*rows).find_group("new", ["ip:203.0.113.9", "email_handle:h"]) is not None
    # Bands of one prompt are one thing that two have in common.
    rows = [account(f"a{i}", *(f"prompt:{j}" for j in range(6)), users=5) for i in range(4)]
    assert fill(*rows).find_group("new", [f"prompt:{j}" for j in range(6)]) is None


@pytest.mark.parametrize("changed", [{"users": 21}, {"network_class": "mobile"}])
def test_values_of_many_link_none_by_themselves(changed: dict[str, int]) -> None:
    key = "ip:203.0.113.9" if "network_class" in changed else "instrument:x"
    rows = [account(f"a{i}", key, "email_handle:h", **changed) for i in range(4)]  # type: ignore[arg-type]
    known = fill(*rows)
    assert known.find_group("new", [key]) is None
    if "network_class" in changed:
        assert known.find_group("new", [key, "email_handle:h"]) is None


def test_a_value_that_becomes_that_of_many_links_no_more() -> None:
    known = fill(*(account(f"a{i}", "device:x") for i in range(4)))
    assert known.find_group("new", ["device:x"]) is not None
    known.add([account("a9", "device:x", users=300)], 2)
    assert known.find_group("new", ["device:x"]) is None
    known.add([account("a9", "device:x", users=3)], 3)
    assert known.find_group("new", ["device:x"]) is None  # only what is read again links again


def test_memory_is_bounded_and_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_ACCOUNTS", 10)
    known = fill(*(account(f"a{i:03}", f"device:{i}", f"device:{i + 1}", at=i) for i in range(300)))
    assert len(known) == 10
    assert known.find_group("new", ["device:10"]) is None
    group = known.find_group("new", ["device:300"])
    assert group is not None
    assert group.size == 11
    assert len(known._values) == 11
    assert set(known._users) == set(known._values)


def test_a_group_is_followed_so_far_and_no_further() -> None:
    known = fill(*(account(f"a{i:04}", f"device:{i}", f"device:{i + 1}", at=i) for i in range(1_000)))
    group = known.find_group("new", ["device:0"])
    assert group is not None
    assert group.size == MOST_MEMBERS


@given(
    st.lists(
        st.sets(
            st.sampled_from([f"{kind}:{i}" for kind in ("device", "ip", "email_handle") for i in range(4)])
        ),
        min_size=1,
        max_size=9,
    ),
    st.randoms(use_true_random=False),
)
def test_a_group_depends_on_no_order(values: list[set[str]], random: object) -> None:
    rows = [account(f"a{i}", *sorted(keys), at=i) for i, keys in enumerate(values)]
    asked = sorted(values[0])
    wanted = fill(*rows).find_group("new", asked)
    random.shuffle(rows)  # type: ignore[attr-defined]
    one_by_one = RecentAccounts("r1", ACCOUNTS, 0)
    for number, row in enumerate(rows):
        one_by_one.add([row], number)
    found = one_by_one.find_group("new", asked)
    assert (found is None) == (wanted is None)
    if found is not None and wanted is not None:
        assert (found.id, found.size) == (wanted.id, wanted.size)
        # Rarity is of the population: what two must share grows with it alone.
        assert least_rarity(ACCOUNTS) > 20
