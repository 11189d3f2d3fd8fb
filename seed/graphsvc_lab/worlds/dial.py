"""The price of evasion: the same operators, with a chosen reuse of their resources."""

from collections.abc import Mapping, Sequence

from graphsvc.errors import SettingsError
from graphsvc_lab.worlds.profiles import Campaign, Identity, Pool
from graphsvc_lab.worlds.scenario import Scenario

POOLS = ("cards", "addresses", "devices", "prompts", "identity", "counterparties")
"""What can be dialled; `identity` means phones and referral codes together, `all` means all of them."""


def parse_reuse(entries: Sequence[str]) -> dict[str, float]:
    """Parse entries such as `cards=0.2` into shares by pool.

    Raises:
        SettingsError: an entry is not of that form, or a pool is given twice.
    """
    reuse: dict[str, float] = {}
    for entry in entries:
        name, _, share = entry.partition("=")
        try:
            value = float(share)
        except ValueError:
            raise SettingsError(
                f"--reuse {entry!r} is not of the form POOL=SHARE.", "Write cards=0.2."
            ) from None
        if name in reuse:
            raise SettingsError(f"--reuse gives {name} twice.", "Give each pool once.")
        reuse[name] = value
    return reuse


def set_reuse(scenario: Scenario, reuse: Mapping[str, float]) -> Scenario:
    """Return the scenario with campaigns that reuse the given pools for exactly these shares of their slots.

    Args:
        scenario: the scenario.
        reuse: share (0–1) by name of `POOLS`, or for `all`. A pool's own entry wins over `all`. A style
            without a pool gets none.

    Raises:
        SettingsError: no such pool, no share, or no campaign of the scenario has the pool.
    """
    for name, share in reuse.items():
        if name not in (*POOLS, "all"):
            raise SettingsError(f"There is no pool {name!r}.", f"Choose among: {', '.join(POOLS)}, all.")
        if not 0 <= share <= 1:
            raise SettingsError(f"The reuse of {name} is {share:g}.", "It is a share, from 0 to 1.")
        if not any(_has_pool(style, name) for style in scenario.campaigns.values()):
            raise SettingsError(
                f"No campaign of {scenario.name} has a pool for {name!r}.", "Choose another scenario."
            )
    wanted = {pool: reuse.get(pool, reuse.get("all")) for pool in POOLS}
    shares = {pool: share for pool, share in wanted.items() if share is not None}
    said = " ".join(f"{name}={share:g}" for name, share in reuse.items())
    return scenario.model_copy(
        update={
            "name": f"{scenario.name} with reuse {said}" if reuse else scenario.name,
            "campaigns": {
                name: _change_campaign(style, shares) for name, style in scenario.campaigns.items()
            },
        }
    )


def _has_pool(style: Campaign, name: str) -> bool:
    if name == "all":
        return any(_has_pool(style, pool) for pool in POOLS)
    return any(pool.reuse[1] > 0 for pool in _list_pools(style, name))


def _list_pools(style: Campaign, name: str) -> tuple[Pool, ...]:
    if name == "identity":
        return style.identity.phones, style.identity.referrals
    pool: Pool = getattr(style, name)
    return (pool,)


def _change_campaign(style: Campaign, shares: Mapping[str, float]) -> Campaign:
    changed: dict[str, Pool | Identity] = {}
    for name, share in shares.items():
        if name == "identity":
            phones, referrals = (_change_pool(style, pool, share, {}) for pool in _list_pools(style, name))
            changed[name] = style.identity.model_copy(update={"phones": phones, "referrals": referrals})
        else:
            (pool,) = _list_pools(style, name)
            # Otherwise members would share their own addresses with neighbours, and so with each other.
            extra: dict[str, object] = {"private": True} if name == "addresses" else {}
            if name == "devices":
                extra = {"custom_client": style.devices.custom_client * share}
            changed[name] = _change_pool(style, pool, share, extra)
    return style.model_copy(update=changed)


def _change_pool(style: Campaign, pool: Pool, share: float, extra: Mapping[str, object]) -> Pool:
    """Return `pool` reused for `share` of the slots, with `extra` entries changed. A missing pool stays missing."""
    if pool.reuse[1] == 0:
        return pool.model_copy(update=dict(extra))
    before = (pool.reuse[0] + pool.reuse[1]) / 2
    return pool.model_copy(
        update={
            "reuse": (share, share),
            # A value keeps its number of slots, so the pool shrinks with its use: an operator who reuses
            # little does not buy a card for each use.
            "members_per_value": pool.members_per_value * before / share if share else pool.members_per_value,
            # A slot that a replacement takes over is reused, too.
            "inherits": style.inherits * share,
            **extra,
        }
    )
