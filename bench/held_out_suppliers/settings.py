"""Settings of the worlds: their period, the mix of honest groups, and the gaps that their exporters leave."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.held_out_suppliers.clock import to_seconds
from bench.held_out_suppliers.reference import split_words

ACCOUNT_COLUMNS = split_words(
    "account_id created_at status status_changed_at plan country email phone display_name organization signup_ip "
    "signup_device user_agent"
)

MIX = {
    "household": 0.10,
    "office": 0.05,
    "coworking": 0.02,
    "campus": 0.07,
    "cohort": 0.03,
    "agency": 0.02,
    "company": 0.12,
    "reseller": 0.015,
    "marketplace": 0.01,
    "two_accounts": 0.02,
    "vpn": 0.03,
    "privacy": 0.02,
    "grey_market": 0.02,
    "cgnat": 0.05,
    "cafe": 0.01,
    "starter_kit": 0.02,
    "benchmark": 0.005,
    "influencer": 0.02,
    "launch": 0.02,
}
"""Shares of honest accounts that are in groups of each kind, unless a world says otherwise."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A world: its size and period, the honest groups in it, and the gaps that its exporter leaves."""

    number: int
    name: str
    accounts: int
    start: int
    days: int
    mix: Mapping[str, float]
    tables: list[str]
    account_columns: list[str]
    missing: Mapping[str, float]
    """Shares of values that are missing, by column."""
    dropped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns that are left out, by table."""
    identifier_kinds: frozenset[str] = frozenset()
    renamed_kinds: Mapping[str, str] = field(default_factory=dict)
    network_key: str | None = None
    """The name by which networks are exported: `asn`, `cidr` or `both`."""
    fingerprinted_devices: bool = False
    """Devices are fingerprints of browsers, so that phones of one model have the same."""
    default_device_share: float = 0.015
    v6_share: float = 0.25
    id_prefix: str = "acc_"
    prompt_share: float | None = None
    """The share of accounts whose prompts are kept, if not those of all."""
    prompt_fingerprint: str | None = None
    """The part of a prompt that is exported as a fingerprint instead of the text: `prefix` or `system`."""
    truncated_addresses: bool = False
    split_sessions: bool = False
    spaced_phones: bool = False
    """Some numbers are written with spaces."""


HYDRA = Settings(
    number=1,
    name="hydra",
    accounts=36000,
    start=to_seconds(2026, 1, 5),
    days=100,
    mix=MIX,
    tables=split_words("accounts payments sessions prompts activity networks identifiers"),
    account_columns=ACCOUNT_COLUMNS,
    missing={
        "phone": 0.1,
        "display_name": 0.2,
        "organization": 0.05,
        "device": 0.12,
        "user_agent": 0.04,
        "asn": 0.06,
        "country": 0.05,
        "bin": 0.08,
        "model": 0.2,
    },
    identifier_kinds=frozenset({"referral_code", "ja4", "voucher", "workspace_invite", "webhook_host"}),
    network_key="asn",
    prompt_share=0.6,
)

BAZAAR = Settings(
    number=2,
    name="bazaar",
    accounts=34000,
    start=to_seconds(2025, 10, 1),
    days=120,
    mix=MIX | {"influencer": 0.05, "cohort": 0.05, "privacy": 0.04, "cgnat": 0.08, "two_accounts": 0.04},
    tables=split_words("accounts payments sessions activity networks identifiers"),
    account_columns=[column for column in ACCOUNT_COLUMNS if column != "organization"],
    missing={"phone": 0.25, "signup_device": 0.2, "device": 0.2, "country": 0.1},
    dropped={"sessions": ("requests",), "activity": ("model",), "payments": ("payments",)},
    identifier_kinds=frozenset({"referral_code", "ja4", "voucher", "payout_account", "partner_id"}),
    network_key="both",
    fingerprinted_devices=True,
    default_device_share=0.03,
    split_sessions=True,
    spaced_phones=True,
)

LOOKALIKES = Settings(
    number=3,
    name="lookalikes",
    accounts=12000,
    start=to_seconds(2025, 11, 20),
    days=75,
    mix=MIX
    | {
        "household": 0.12,
        "office": 0.1,
        "campus": 0.12,
        "cohort": 0.1,
        "agency": 0.08,
        "company": 0.18,
        "reseller": 0.04,
        "marketplace": 0.03,
        "grey_market": 0.05,
        "influencer": 0.05,
        "launch": 0.04,
        "starter_kit": 0.04,
        "benchmark": 0.015,
        "cafe": 0.03,
        "two_accounts": 0.03,
        "cgnat": 0.06,
        "vpn": 0.03,
        "privacy": 0.02,
    },
    tables=split_words("accounts payments sessions prompts activity networks identifiers"),
    account_columns=ACCOUNT_COLUMNS,
    missing={"phone": 0.05, "device": 0.06},
    identifier_kinds=frozenset(
        {"referral_code", "ja4", "voucher", "workspace_invite", "webhook_host", "partner_id", "upload_sha256"}
        | {"client_config"}
    ),
    network_key="asn",
    default_device_share=0.03,
)

WORDS = Settings(
    number=4,
    name="words",
    accounts=2500,
    start=to_seconds(2026, 2, 1),
    days=60,
    mix=MIX | {"launch": 0.06, "starter_kit": 0.07, "benchmark": 0.02, "cohort": 0.05},
    tables=split_words("accounts prompts"),
    account_columns=split_words("account_id created_at status plan country email display_name"),
    missing={"display_name": 0.3, "country": 0.15, "model": 0.4},
)

HANDLES = Settings(
    number=5,
    name="handles",
    accounts=3000,
    start=to_seconds(2026, 3, 1),
    days=60,
    mix=MIX | {"agency": 0.06, "company": 0.15, "starter_kit": 0.05, "cafe": 0.03, "campus": 0.05},
    tables=split_words("accounts sessions identifiers"),
    account_columns=split_words("account_id created_at status country user_agent signup_ip"),
    missing={"device": 0.5, "country": 0.3, "user_agent": 0.1},
    dropped={"sessions": ("asn", "requests")},
    identifier_kinds=frozenset(
        {"ja4", "tz_offset", "keyboard_layout", "referrer", "client_config", "upload_sha256", "webhook_host"}
        | {"recovery_contact", "workspace_invite", "payout_account"}
    ),
    renamed_kinds={
        "client_config": "sdk_settings_digest",
        "recovery_contact": "backup_contact_hash",
        "workspace_invite": "joined_via",
    },
    v6_share=0.5,
)

FOG = Settings(
    number=6,
    name="fog",
    accounts=15000,
    start=to_seconds(2026, 1, 10),
    days=90,
    mix=MIX | {"privacy": 0.05, "vpn": 0.06, "grey_market": 0.03, "benchmark": 0.01, "starter_kit": 0.04},
    tables=split_words("accounts payments sessions prompts activity networks"),
    account_columns=split_words(
        "account_id created_at status status_changed_at plan country email signup_ip"
    ),
    missing={"country": 0.2, "asn": 0.5, "bin": 0.15, "email": 0.1},
    dropped={"sessions": ("device", "user_agent")},
    network_key="cidr",
    prompt_fingerprint="prefix",
    truncated_addresses=True,
)

RIVALS = Settings(
    number=7,
    name="rivals",
    accounts=8000,
    start=to_seconds(2025, 12, 1),
    days=110,
    mix=MIX
    | {
        "household": 0.15,
        "marketplace": 0.04,
        "two_accounts": 0.06,
        "privacy": 0.06,
        "grey_market": 0.08,
        "cafe": 0.03,
        "cgnat": 0.07,
        "company": 0.06,
    },
    tables=split_words("accounts payments sessions activity"),
    account_columns=[column for column in ACCOUNT_COLUMNS if column != "organization"],
    missing={"phone": 0.1, "device": 0.25, "status_changed_at": 0.1},
    dropped={"sessions": ("asn",)},
    v6_share=0.45,
    spaced_phones=True,
)

ENTERPRISE = Settings(
    number=8,
    name="enterprise",
    accounts=20000,
    start=to_seconds(2026, 2, 1),
    days=80,
    mix=MIX
    | {
        "company": 0.42,
        "office": 0.03,
        "agency": 0.08,
        "reseller": 0.06,
        "campus": 0.02,
        "household": 0.03,
        "starter_kit": 0.04,
        "benchmark": 0.01,
        "cgnat": 0.01,
        "cafe": 0.0,
        "cohort": 0.03,
    },
    tables=split_words("accounts payments sessions prompts activity networks identifiers"),
    account_columns=split_words(
        "account_id created_at status status_changed_at plan country organization phone signup_ip user_agent"
    ),
    missing={"organization": 0.25, "phone": 0.4, "asn": 0.1, "bin": 0.2},
    dropped={"sessions": ("device",)},
    identifier_kinds=frozenset({"webhook_host", "workspace_invite", "partner_id", "client_config", "ja4"}),
    network_key="both",
    id_prefix="org-",
    prompt_share=0.75,
    prompt_fingerprint="system",
)

WORLDS = {
    world.number: world for world in (HYDRA, BAZAAR, LOOKALIKES, WORDS, HANDLES, FOG, RIVALS, ENTERPRISE)
}
