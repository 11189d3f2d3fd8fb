"""Random draws of one world, from numbers and names to sentences."""

import hashlib
import random
from itertools import accumulate
from typing import NamedTuple

from bench.held_out_agents.settings import WorldSettings
from bench.held_out_agents.vocabulary import (
    CLOSINGS,
    COUNTRIES,
    DETAILS,
    FIRST_NAMES,
    FIRST_OCTETS,
    FORMATS,
    KEYWORDS,
    LAST_NAMES,
    NOUNS,
    OPENINGS,
    PHONE_AGENTS,
    ROLES,
    TASKS,
    TOPICS,
    Country,
)

COUNTRY_WEIGHTS = tuple(accumulate(country.weight for country in COUNTRIES))
DIAL_CODES = {country.code: country.dial_code for country in COUNTRIES}
TOP_DOMAINS = (".com", ".net", ".io", ".co", ".org", ".site", ".de")
LEADS = ("You are a", "Act as a", "Role:", "As an experienced", "Task for the")


class Instrument(NamedTuple):
    """A means of payment as the provider sees it."""

    token: str
    kind: str
    bin: str | None
    issuer_country: str | None


class PromptTemplate(NamedTuple):
    """A prompt with a `{slot}` for an item, and the fingerprint of its skeleton."""

    text: str
    skeleton: str


def digest(text: str) -> str:
    """Return a short digest of a text."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def format_user_agent(template: str, day: int) -> str:
    """Return a user agent with the browser version of a day."""
    return template.format(v=128 + day // 28, m=(day // 40) % 7, k=len(template) % 10)


class Draws:
    """Everything that is drawn in a world, from one stream.

    The order of draws is part of the worlds: one draw more or less changes all that follow.
    """

    def __init__(self, settings: WorldSettings, seed: int) -> None:
        self.settings = settings
        # The text is part of each world: another one draws other worlds.
        self.random = random.Random(f"genB/{settings.number}/{seed}")
        self._asns: set[int] = set()
        self._blocks: set[int] = set()
        self._emails: set[str] = set()
        self._domains: set[str] = set()

    def happens(self, chance: float) -> bool:
        """Return true with a chance."""
        return self.random.random() < chance

    def draw_asn(self) -> int:
        """Return a number of an autonomous system that no other pool has."""
        while True:
            number = self.random.randrange(12000, 215000)
            if number not in self._asns:
                self._asns.add(number)
                return number

    def draw_block(self, bits: int) -> int:
        """Return the first address of a free IPv4 block with a prefix of `bits`."""
        while True:
            start = self.random.choice(FIRST_OCTETS) << 24 | self.random.randrange(256) << 16
            if start not in self._blocks:
                self._blocks.add(start)
                break
        low = self.random.randrange(256) << 8 | self.random.randrange(256)
        return start | (low & 0xFFFF & ~((1 << (32 - bits)) - 1))

    def draw_hex(self, digits: int) -> str:
        """Return hexadecimal digits."""
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def draw_token(self) -> str:
        """Return a token of a payment instrument."""
        return self.settings.instrument_prefix + self.random.choice("abcdefghjk") + self.draw_hex(18)

    def draw_device(self) -> str:
        """Return an identifier of a device."""
        return self.settings.device_prefix + self.draw_hex(16)

    def draw_code(self) -> str:
        """Return a referral code."""
        return "".join(self.random.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=7))

    def draw_domain(self) -> str:
        """Return a domain name that is not taken."""
        choice = self.random.choice
        while True:
            name = choice(NOUNS) + choice(("", "-", "")) + choice(NOUNS) + choice(TOP_DOMAINS)
            if name not in self._domains:
                self._domains.add(name)
                return name

    def claim_email(self, email: str) -> str:
        """Return an e-mail address, with digits appended while it is taken."""
        while email in self._emails:
            local, domain = email.split("@")
            email = f"{local}{self.random.randrange(10)}@{domain}"
        self._emails.add(email)
        return email

    def draw_country(self) -> Country:
        """Return a country by its share of people."""
        return self.random.choices(COUNTRIES, cum_weights=COUNTRY_WEIGHTS)[0]

    def draw_phone_number(self, country_code: str) -> str:
        """Return a phone number of a country."""
        return f"+{DIAL_CODES[country_code]}{self.random.randrange(2 * 10**9, 10**10 - 1)}"

    def draw_phone_device(self, country_code: str) -> tuple[str, str]:
        """Return the device and the template of the user agent of a phone."""
        agent = self.random.choice(PHONE_AGENTS)
        # Fingerprints of little entropy: many iPhones of a country are one device to the provider.
        if self.settings.has_weak_devices and "iPhone" in agent and self.happens(0.7):
            model = digest(f"{country_code}{self.random.randrange(6)}")
            return f"{self.settings.device_prefix}{model}", agent
        return self.draw_device(), agent

    def draw_sentence(self) -> str:
        """Return a prompt as a person writes it."""
        rng = self.random
        number = rng.randrange(2, 400)
        text = f"{rng.choice(OPENINGS)} {rng.choice(TOPICS)} {rng.choice(DETAILS)}"
        if self.happens(0.6):
            text += ", " + rng.choice(DETAILS)
        if self.happens(0.6):
            text += ". " + rng.choice(CLOSINGS)
        group = rng.randrange(5)
        # All values are drawn even where the text has no place for them.
        text = text.replace("{n}", str(number))
        text = text.replace("{N}", rng.choice(FIRST_NAMES[group]))
        text = text.replace("{N2}", rng.choice(LAST_NAMES[group]))
        return text.replace("{y}", str(rng.randrange(1980, 2027)))

    def draw_template(self) -> PromptTemplate:
        """Return a prompt template as an operator or a company writes it."""
        rng = self.random
        first, second, third = rng.sample(KEYWORDS, 3)
        form = rng.choice(FORMATS).replace("{a}", first).replace("{b}", second).replace("{c}", third)
        lead = rng.choice(LEADS) + " " + rng.choice(("senior ", "native ", "strict ", "friendly ", ""))
        lead += rng.choice(ROLES)
        text = f"{lead}. {rng.choice(TASKS)} {{slot}} {rng.choice(DETAILS)}. {form}"
        text = text.replace("{n}", str(rng.randrange(3, 300)))
        text = text.replace("{N}", rng.choice(NOUNS))
        text = text.replace("{N2}", rng.choice(NOUNS)).replace("{y}", "2026")
        return PromptTemplate(text, self.draw_hex(16))
