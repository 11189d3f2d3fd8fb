"""Countries, names, mail providers and clients from which people and operators are drawn."""

from typing import NamedTuple


def split_words(text: str) -> list[str]:
    """Return the words of a text."""
    return text.split()


class Country(NamedTuple):
    """A country: its weight among sign-ups, hours from UTC, dial code and language."""

    weight: int
    utc_offset: int
    dial_code: str
    language: str


COUNTRIES = {
    "US": Country(22, -6, "1", "en"),
    "IN": Country(11, 5, "91", "en"),
    "GB": Country(6, 0, "44", "en"),
    "DE": Country(6, 1, "49", "de"),
    "FR": Country(5, 1, "33", "fr"),
    "BR": Country(6, -3, "55", "pt"),
    "CA": Country(3, -5, "1", "en"),
    "PL": Country(3, 1, "48", "en"),
    "NG": Country(3, 1, "234", "en"),
    "ID": Country(4, 7, "62", "en"),
    "VN": Country(4, 7, "84", "en"),
    "TR": Country(3, 3, "90", "en"),
    "UA": Country(2, 2, "380", "en"),
    "JP": Country(4, 9, "81", "en"),
    "AU": Country(2, 10, "61", "en"),
    "NL": Country(2, 1, "31", "en"),
    "ES": Country(4, 1, "34", "es"),
    "MX": Country(3, -6, "52", "es"),
    "PH": Country(3, 8, "63", "en"),
    "KE": Country(1, 3, "254", "en"),
    "PK": Country(2, 5, "92", "en"),
    "SG": Country(2, 8, "65", "en"),
}

FIRST_NAMES = split_words(
    "james maria wei anna lucas priya omar sofia david fatima john elena kenji laura ahmed julia minh "
    "olga pedro aisha tom nina ravi chloe ivan grace paul yuki sara daniel amara felix lina hugo zara "
    "ben irina carlos mei noah ines arjun leah mateo emma samuel thu jan rosa victor hana kofi dina "
    "marco eva tariq lucy peter joy"
)

LAST_NAMES = split_words(
    "smith garcia chen mueller silva patel nguyen kowalski okafor johnson dubois tanaka yilmaz santos "
    "kim brown rossi khan novak martin lopez schmidt wang jones sharma tran ivanova oliveira meyer "
    "wilson adeyemi fischer lee costa singh petrov moreau clark reyes weber hassan lewis suzuki demir "
    "walker bakker mwangi wright gupta torres hall becker ali young fernandez baker"
)

SYLLABLES = split_words(
    "ka lo mi ren ta vo su ne bri dal fen gor hil jun kel lum mar nox pol qui ros sel tor ul ven wex "
    "yor zan cor dex fi gra ho ix"
)
"""Parts of invented words: names of companies, projects and functions."""

FREE_MAIL = [
    *["gmail.com"] * 12,
    *["outlook.com"] * 4,
    *["hotmail.com"] * 3,
    *["yahoo.com"] * 3,
    *["icloud.com"] * 3,
    "proton.me",
    "gmx.net",
    "qq.com",
    "163.com",
    "web.de",
]
"""Providers of free mail, each as often as it is used."""

ALIAS_MAIL = ["duck.com", "simplelogin.com", "privaterelay.appleid.com", "mozmail.com"]

TEMPORARY_MAIL = [
    "mailinator.com",
    "tempmail.dev",
    "guerrillamail.com",
    "1secmail.org",
    "inboxkitten.com",
    "moakt.cc",
    "dropmail.me",
]

API_CLIENTS = [
    "OpenAI/Python 1.40.2",
    "OpenAI/Python 1.52.0",
    "openai-node/4.67",
    "LibreChat/0.7.5",
    "SillyTavern/1.12",
    "litellm/1.48.1",
    "langchain-core/0.3.1",
    "aider/0.57",
    "Cline/2.1.4",
    "open-webui/0.3.30",
    "python-requests/2.32.3",
    "node-fetch",
    "curl/8.5.0",
    "Go-http-client/2.0",
    "python-httpx/0.27.0",
]
"""User agents of programs that call the API."""

PROGRAM_CLIENTS = API_CLIENTS[:2] + API_CLIENTS[10:15]
"""Those that an operator writes its programs with."""

DEFAULT_DEVICES = [
    "00000000-0000-0000-0000-000000000000",
    "9774d56d682e549c",
    "unknown",
    "generic_x86_arm",
    "02:00:00:00:00:00",
]
"""Device identifiers that faulty libraries send for any device."""

MODELS = ["small-3", "large-3", "large-3-thinking", "code-2"]
