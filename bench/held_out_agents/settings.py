"""Settings of a world and the eight worlds of the generator."""

from collections.abc import Mapping
from dataclasses import dataclass, field

GROUP_MIX: Mapping[str, float] = {
    "single": 100,
    "privacy": 6,
    "company": 2.2,
    "campus": 0.25,
    "class": 0.9,
    "agency": 0.8,
    "seat_reseller": 0.6,
    "hackathon": 0.35,
    "coworking": 0.9,
    "crowdwork": 0.5,
    "qa_testbed": 0.5,
}
"""Weights of the kinds of honest groups. Their order is part of the worlds."""


def change_mix(**weights: float) -> Mapping[str, float]:
    """Return the usual mix of honest groups with other weights for some kinds."""
    # "class" is a keyword of Python, so callers write "class_".
    return {**GROUP_MIX, **{kind.rstrip("_"): weight for kind, weight in weights.items()}}


@dataclass(frozen=True, kw_only=True)
class WorldSettings:
    """Settings of one world. Shares and rates are between 0 and 1 unless it says otherwise."""

    number: int
    days: int
    start: tuple[int, int]
    """Month and day of 2026 on which the calendar begins."""
    accounts: int = 5000
    operator_sizes: tuple[tuple[int, int], ...] = ()
    """Fewest and most accounts of each operator."""
    care: tuple[float, float] = (0.2, 0.7)
    """Least and most care of operators. A careful one reuses less and pays more."""
    leaks: tuple[str, ...] = ("ip", "card", "phone", "device", "prompt")
    """Resources on which operators may economise."""
    leak_count: int = 2
    certain_leak: str | None = None
    """The resource on which every operator economises."""
    ban_rate: float = 1.0
    """Factor of the provider's eagerness; 0 means no bans."""
    velocity_limit: int = 9
    """Sign-ups a day from one /24 that the provider looks at."""
    volume_limit: int = 60
    """Requests a day above which the provider looks at an account."""
    tables: frozenset[str] = frozenset(
        ("accounts", "payments", "sessions", "prompts", "activity", "networks", "identifiers")
    )
    dropped_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    identifier_kinds: Mapping[str, str] = field(default_factory=dict)
    """Names in the table of identifiers, by meaning."""
    phone_share: float = 0.6
    plan_weights: tuple[int, int, int] = (6, 3, 1)
    """Weights of the plans free, plus and api."""
    paid_operator_share: float = 0.4
    has_prompts: bool = True
    has_fingerprints: bool = False
    """Prompts are written as fingerprints, not as text."""
    has_exact_times: bool = True
    """Times are written to the second, not to the day."""
    has_weak_devices: bool = False
    """Many phones of one model share a device fingerprint."""
    id_style: str = "hex"
    vendors: int = 3
    """Sellers of each kind."""
    exits: tuple[str, ...] = ("hosting", "resi", "mobile", "vpn", "workers")
    has_ipv6: bool = True
    daily_lease_share: float = 0.3
    family_share: float = 0.25
    vpn_share: float = 0.05
    legacy_share: float = 0.45
    """Share of honest accounts that are older than the calendar."""
    group_mix: Mapping[str, float] = field(default_factory=lambda: GROUP_MIX)
    proxy_exits: int = 900
    residential_bits: int = 20
    instrument_prefix: str = "pm_"
    device_prefix: str = ""

    def has_column(self, table: str, column: str) -> bool:
        """Return whether a table of this world keeps a column."""
        return column not in self.dropped_columns.get(table, ())


SMALL_SHOP = WorldSettings(
    number=1,
    days=75,
    start=(1, 5),
    accounts=2400,
    operator_sizes=((6, 7), (9, 14), (18, 30), (35, 60), (60, 95)),
    care=(0.1, 0.65),
    identifier_kinds={"referral": "referral_code", "tls": "tls_fingerprint"},
    group_mix=change_mix(company=1.6, hackathon=0.5, campus=0.1),
    vendors=2,
    residential_bits=22,
    proxy_exits=300,
    instrument_prefix="pi_",
)
NO_DEVICES = WorldSettings(
    number=2,
    days=120,
    start=(2, 1),
    accounts=36000,
    operator_sizes=(
        *((20, 50),) * 4,
        *((60, 180),) * 4,
        *((250, 600),) * 2,
        (900, 1400),
        (1800, 2600),
    ),
    care=(0.2, 0.8),
    leaks=("ip", "card", "phone"),
    tables=frozenset(("accounts", "payments", "sessions", "activity", "networks")),
    dropped_columns={
        "accounts": ("signup_device", "user_agent", "display_name"),
        "sessions": ("device", "user_agent"),
    },
    has_prompts=False,
    exits=("hosting", "resi", "mobile", "vpn"),
    ban_rate=0.7,
    vendors=4,
    residential_bits=18,
    paid_operator_share=0.6,
    id_style="number",
    proxy_exits=2500,
)
PAYMENTS_ONLY = WorldSettings(
    number=3,
    days=180,
    start=(1, 1),
    accounts=12000,
    operator_sizes=(*((8, 14),) * 3, *((20, 60),) * 3, *((90, 200),) * 2, (350, 500)),
    care=(0.25, 0.8),
    leaks=("phone", "mail"),
    certain_leak="card",
    tables=frozenset(("accounts", "payments")),
    dropped_columns={"accounts": ("signup_ip", "signup_device", "user_agent", "organization")},
    has_prompts=False,
    has_exact_times=False,
    ban_rate=0.8,
    phone_share=0.85,
    plan_weights=(3, 5, 2),
    paid_operator_share=0.95,
    family_share=0.32,
    group_mix=change_mix(privacy=14, seat_reseller=0.8, agency=1.5),
    id_style="uuid",
    instrument_prefix="fpr-",
)
FINGERPRINTS = WorldSettings(
    number=4,
    days=90,
    start=(3, 2),
    accounts=38000,
    operator_sizes=(
        *((5, 7),) * 4,
        *((9, 20),) * 9,
        *((20, 60),) * 8,
        *((70, 180),) * 6,
        *((250, 600),) * 3,
    ),
    care=(0.3, 0.85),
    leaks=("ip", "device", "prompt"),
    tables=frozenset(("accounts", "sessions", "prompts", "activity", "networks")),
    dropped_columns={"accounts": ("phone", "plan", "status_changed_at")},
    has_fingerprints=True,
    ban_rate=0.5,
    has_weak_devices=True,
    vendors=2,
    residential_bits=18,
    exits=("resi", "resi", "mobile", "vpn", "hosting"),
    proxy_exits=1500,
    device_prefix="d-",
    group_mix=change_mix(privacy=10, crowdwork=1.0, class_=1.5),
)
ONE_GIANT = WorldSettings(
    number=5,
    days=150,
    start=(1, 12),
    accounts=32000,
    operator_sizes=(*((12, 25),) * 2, *((40, 90),) * 2, (300, 420), (7200, 8000)),
    care=(0.3, 0.7),
    leaks=("ip", "card", "host", "referral", "phone"),
    leak_count=3,
    ban_rate=1.6,
    velocity_limit=12,
    tables=frozenset(("accounts", "payments", "sessions", "identifiers", "activity", "networks")),
    identifier_kinds={
        "referral": "invite_slug",
        "host": "callback_host",
        "tls": "hello_digest",
        "key": "workspace_key",
        "path": "tool_cwd",
    },
    has_prompts=False,
    dropped_columns={"accounts": ("display_name",), "sessions": ("user_agent",)},
    residential_bits=18,
    vendors=4,
    phone_share=0.4,
    proxy_exits=4000,
    paid_operator_share=0.55,
)
NO_OPERATOR = WorldSettings(
    number=6,
    days=100,
    start=(4, 6),
    accounts=9000,
    identifier_kinds={
        "referral": "referral_code",
        "host": "webhook_host",
        "path": "file_path",
        "tls": "tls_fingerprint",
    },
    has_weak_devices=True,
    group_mix=change_mix(
        single=70,
        privacy=14,
        company=2.5,
        hackathon=1.1,
        campus=0.3,
        agency=1.6,
        seat_reseller=1.6,
        coworking=1.5,
        crowdwork=1.0,
        qa_testbed=1.2,
        class_=2.0,
    ),
    ban_rate=1.2,
)
CAREFUL_OPERATORS = WorldSettings(
    number=7,
    days=60,
    start=(5, 4),
    accounts=2800,
    operator_sizes=((28, 45), (60, 90), (110, 150)),
    care=(0.75, 0.98),
    leaks=("card", "ip"),
    certain_leak="prompt",
    has_exact_times=False,
    tables=frozenset(("accounts", "payments", "sessions", "prompts")),
    dropped_columns={
        "accounts": ("email", "signup_device", "user_agent", "display_name"),
        "sessions": ("device", "user_agent", "asn"),
    },
    group_mix=change_mix(single=80, privacy=34, crowdwork=0.8, campus=0.1),
    exits=("resi", "mobile", "vpn"),
    ban_rate=0.3,
    vendors=2,
    residential_bits=22,
    proxy_exits=350,
    vpn_share=0.12,
    paid_operator_share=0.7,
)
SWEATSHOPS = WorldSettings(
    number=8,
    days=110,
    start=(2, 16),
    accounts=20000,
    operator_sizes=(*((8, 15),) * 4, *((20, 60),) * 5, *((80, 200),) * 3, *((300, 900),) * 2),
    care=(0.1, 0.7),
    leaks=("device", "host", "prompt", "ip"),
    ban_rate=2.0,
    velocity_limit=7,
    tables=frozenset(("accounts", "sessions", "prompts", "identifiers")),
    dropped_columns={"accounts": ("phone", "country"), "sessions": ("asn", "user_agent")},
    identifier_kinds={
        "referral": "friend_token",
        "host": "sink_domain",
        "key": "export_bucket",
        "tls": "tls_fingerprint",
        "locale": "keyboard_layout",
    },
    exits=("workers", "workers", "resi", "hosting"),
    group_mix=change_mix(company=4, coworking=1.6, agency=1.5, qa_testbed=1.0),
    residential_bits=19,
    has_weak_devices=True,
    id_style="uuid",
    daily_lease_share=0.45,
    device_prefix="dv:",
)
WORLDS: Mapping[int, WorldSettings] = {
    settings.number: settings
    for settings in (
        SMALL_SHOP,
        NO_DEVICES,
        PAYMENTS_ONLY,
        FINGERPRINTS,
        ONE_GIANT,
        NO_OPERATOR,
        CAREFUL_OPERATORS,
        SWEATSHOPS,
    )
}
