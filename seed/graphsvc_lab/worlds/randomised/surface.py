"""The surface of a random world: tables, columns and kinds of identifiers of its export; and its markets."""

from dataclasses import dataclass, field
from typing import Any

from graphsvc_lab.worlds.randomised.ranges import Dice
from graphsvc_lab.worlds.scenario import OPTIONAL_COLUMNS

CARRIERS = ("sessions", "payments", "prompts", "identifiers")
"""Tables with values that accounts share."""
KIND_NAMES = (
    "counterparty", "voucher", "file_path", "git_remote", "webhook_host", "ssh_key", "wallet", "canvas_hash",
    "workspace", "recovery_address", "app_bundle", "invite", "callback_url", "hardware_token",
)  # fmt: skip
"""Kinds that exporters could have."""
MARKETS = ("addresses", "cards", "devices", "phones", "domains", "prompts", "referrals")
NETWORKS = ("residential", "mobile", "cgnat", "vpn", "hosting", "proxy", "corporate", "education")
EXIT_NETWORKS = ("proxy", "residential", "mobile", "hosting", "vpn")


@dataclass(frozen=True, slots=True)
class Surface:
    """The visible part of a world.

    `tables` are those besides `accounts`. `filled` is the share of filled cells by `table.column` (absent
    columns: 0). `declared` are the kinds of identifiers that graphsvc declares. `kinds` are the entries of
    the others by name.
    """

    tables: tuple[str, ...]
    filled: dict[str, float]
    declared: tuple[str, ...]
    kinds: dict[str, dict[str, Any]] = field(default_factory=dict)

    def get_share(self, column: str) -> float:
        """Return the share of filled cells of `table.column`, 0 where it is not there."""
        table = column.partition(".")[0]
        return self.filled.get(column, 1.0) if table in (*self.tables, "accounts") else 0.0

    def list_channels(self) -> dict[str, float]:
        """Return the pools that members of a campaign could be seen to share, and the share of their uses it shows."""
        found = {
            "addresses": 1.0 if "sessions" in self.tables else self.get_share("accounts.signup_ip"),
            "cards": 1.0 if "payments" in self.tables else 0.0,
            "devices": max(self.get_share("sessions.device"), self.get_share("accounts.signup_device")),
            "prompts": 1.0 if "prompts" in self.tables else 0.0,
            "phones": self.get_share("accounts.phone"),
            "referrals": 1.0 if "referral_code" in self.declared else 0.0,
            **dict.fromkeys(self.kinds, 1.0),
        }
        return {name: share for name, share in found.items() if share > 0}

    @property
    def tells_businesses(self) -> bool:
        """Return whether anything shows that a group of accounts is a business: declared identity, or its hours."""
        declared = max(self.get_share("accounts.organization"), self.get_share("accounts.email"))
        return declared >= 0.5 or "activity" in self.tables


def draw_surface(dice: Dice) -> Surface:
    """Draw tables, columns and kinds such that campaigns have something to share."""
    if dice.draw_chance("one_table"):
        tables: tuple[str, ...] = (dice.choose("only table", CARRIERS),)
    else:
        several = (*CARRIERS, "activity", "networks")
        tables = tuple(name for name in several if dice.draw_chance("table", name))
    filled = {
        f"{table}.{column}": _draw_share(dice, table, column)
        for table, columns in OPTIONAL_COLUMNS.items()
        for column in columns
    }
    if filled["accounts.status"] == 0:
        filled["accounts.status_changed_at"] = 0.0
    surface = _draw_kinds(dice, tables, filled)
    if surface.list_channels():
        return surface
    return _draw_kinds(dice, ("sessions", *tables), filled)


def _draw_share(dice: Dice, table: str, column: str) -> float:
    if not dice.draw_chance("column", table, column):
        return 0.0
    return (
        1.0
        if dice.draw_chance("full_column", table, column)
        else dice.draw_number("export.filled", table, column)
    )


def _draw_kinds(dice: Dice, tables: tuple[str, ...], filled: dict[str, float]) -> Surface:
    """Draw the kinds of identifiers; a table of identifiers has at least one that accounts share."""
    if "identifiers" not in tables:
        return Surface(tables, filled, ())
    declared = tuple(k for k in ("tls_fingerprint", "referral_code") if dice.draw_chance("declared_kind", k))
    count = dice.draw_whole("export.kinds")
    if not count and "referral_code" not in declared:
        count = 1
    names = list(KIND_NAMES)
    chosen = [names.pop(names.index(dice.choose("kind", names, str(i)))) for i in range(count)]
    kinds: dict[str, dict[str, Any]] = {
        name: {
            "per_account": dice.draw_number("kind.per_account", name),
            "exponent": dice.draw_number("kind.exponent", name),
            "timed": dice.draw_chance("timed_kind", name),
        }
        for name in chosen
    }
    return Surface(tables, filled, declared, kinds)


def draw_markets(dice: Dice, accounts: int) -> dict[str, dict[str, Any]]:
    """Draw the markets of a world by name; the name begins with the pool that rents there."""
    markets: dict[str, dict[str, Any]] = {}
    for pool in MARKETS:
        if not dice.draw_chance("market", pool):
            continue
        for i in range(1 + dice.draw_chance("second_market", pool)):
            markets[f"{pool}-{i + 1}"] = draw_market(dice, pool, f"{pool}-{i + 1}", accounts)
    return markets


def draw_market(dice: Dice, pool: str, name: str, accounts: int) -> dict[str, Any]:
    """Draw one market: how much it has, how popular its values are, how fast they change."""
    own_range = {"prompts": "market.templates", "domains": "market.domains"}.get(pool)
    stock = (
        dice.draw_number(own_range, name) if own_range else accounts * dice.draw_number("market.stock", name)
    )
    market: dict[str, Any] = {
        "values": max(3, round(stock)),
        "exponent": dice.draw_number("market.exponent", name),
        "shelf": dice.draw_number("market.shelf", name) if dice.draw_chance("moving_shelf", name) else 1.0,
    }
    if pool == "addresses":
        market["network"] = dice.choose("network", EXIT_NETWORKS, name)
    return market


def draw_networks(dice: Dice, accounts: int) -> dict[str, dict[str, Any]]:
    """Draw the address space: systems and live addresses of each class for each account of the world."""
    systems = min(60.0, max(2.0, accounts / dice.draw_number("world.accounts_per_system")))
    networks = {}
    for name in NETWORKS:
        networks[name] = {
            "autonomous_systems": max(1, round(systems if name == "residential" else systems / 2)),
            # A world of 300 accounts has gateways and tunnels too: at least a few addresses of each class.
            "addresses_per_account": max(dice.draw_number(f"network.{name}"), 8 / accounts),
            "ipv6": dice.draw_number("network.ipv6", name),
            "by_asn_only": dice.draw_chance("by_asn_only", name),
        }
    return networks
