"""Sellers from which operators, resellers and privacy-minded people buy.

Rivals and honest people are served from the same stock: cards are sold twice, numbers return, and exits
lie where honest households live.
"""

from bench.held_out_agents.draws import Draws, Instrument
from bench.held_out_agents.internet import AddressPool, Internet, format_address
from bench.held_out_agents.vocabulary import COUNTRIES, FIRST_NAMES, LAST_NAMES, NOUNS

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class NumberSeller:
    """A seller of phone numbers from a few blocks; some numbers are sold again."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws
        self.dial_code = draws.random.choice(COUNTRIES).dial_code
        count = draws.random.randint(3, 9)
        self.blocks = [draws.random.randrange(2 * 10**5, 10**6 - 1) for _ in range(count)]
        self.position = 0
        self.returned: list[tuple[int, str]] = []
        """The day from which a number is free again, and the number."""

    def sell(self, count: int, day: int) -> list[str]:
        """Return numbers, old ones among them."""
        sold: list[str] = []
        for _ in range(count):
            if self.returned and self.returned[0][0] <= day and self.draws.happens(0.25):
                sold.append(self.returned.pop(0)[1])
            else:
                self.position += self.draws.random.choice((1, 1, 1, 2, 3))
                block = self.blocks[(self.position // 700) % len(self.blocks)]
                sold.append(f"+{self.dial_code}{block}{self.position % 10000:04d}")
        self.returned += [(day + 25, number) for number in sold[: max(1, count // 3)]]
        return sold


class CardSeller:
    """A seller of cards from a few BINs; some cards are sold twice."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws
        rng = draws.random
        count = rng.randint(2, 5)
        self.bins = [str(rng.randrange(400000, 559999)) for _ in range(count)]
        self.country = rng.choice(["US", "GB", "LT", "HK", "BR"])
        self.kind = rng.choice(["prepaid", "prepaid", "card"])
        self.sold: list[Instrument] = []

    def sell(self, count: int) -> list[Instrument]:
        """Return cards of one BIN, old ones among them."""
        bought = []
        bank = self.draws.random.choice(self.bins)
        for _ in range(count):
            if len(self.sold) > 30 and self.draws.happens(0.04):
                bought.append(self.draws.random.choice(self.sold))
            else:
                card = Instrument(self.draws.draw_token(), self.kind, bank, self.country)
                bought.append(card)
                self.sold.append(card)
        return bought


class MailSeller:
    """A seller of mailboxes, whose names follow one of four styles."""

    def __init__(self, draws: Draws, style: int) -> None:
        self.draws = draws
        self.style = style
        count = draws.random.randint(2, 6)
        self.domains = [draws.draw_domain() for _ in range(count)]

    def sell(self) -> tuple[str, str]:
        """Return an e-mail address and the name of its supposed owner."""
        rng = self.draws.random
        group = rng.randrange(5)
        first, last = rng.choice(FIRST_NAMES[group]), rng.choice(LAST_NAMES[group])
        if self.style == 0:
            email = f"{first}{last}{rng.randrange(1000, 9999)}@gmail.com"
        elif self.style == 1:
            local = "".join(rng.choices(LETTERS, k=rng.randint(8, 11)))
            email = f"{local}{rng.randrange(100)}@outlook.com"
        elif self.style == 2:
            email = f"{first}.{last}{rng.randrange(100)}@{rng.choice(self.domains)}"
        else:
            year = rng.randrange(1960, 2006)
            provider = rng.choice(("mail.ru", "gmx.net", "proton.me", "yahoo.com"))
            email = f"{last}{first[:2]}{year}@{provider}"
        return self.draws.claim_email(email), f"{first} {last}"


class ProxySeller:
    """A seller of exits in the address pools where honest households live."""

    def __init__(self, internet: Internet, is_residential: bool) -> None:
        self.internet = internet
        self.draws = internet.draws
        self.is_residential = is_residential
        # The number of mobile pools bounds both kinds, which changes nothing unless a world has very few.
        count = min(8 if is_residential else 5, len(internet.mobile))
        pools = internet.residential if is_residential else internet.mobile
        self.pools = self.draws.random.sample(pools, k=count)
        size = self.draws.settings.proxy_exits if is_residential else 120
        self.exits = [self._draw_exit() for _ in range(size)]

    def _draw_exit(self) -> str:
        """Return an address of the pools, or of a household with a hijacked device."""
        rng = self.draws.random
        if self.is_residential and self.internet.households and self.draws.happens(0.25):
            household = rng.choice(self.internet.households)
            if household.address:
                return household.address
        return rng.choice(self.pools).draw_address()

    def draw_exit(self) -> str:
        """Return an exit; a quarter of them change."""
        position = int(self.draws.random.random() * len(self.exits))
        if self.draws.happens(0.25):
            self.exits[position] = self._draw_exit()
        return self.exits[position]


class HostSeller:
    """A hosting provider that rents addresses in lots and rents them again when they are free."""

    def __init__(self, internet: Internet) -> None:
        self.draws = internet.draws
        rng = self.draws.random
        name = f"{rng.choice(NOUNS)}-cloud"
        self.pool = AddressPool(internet, name, "hosting", rng.choice(COUNTRIES).code, 20)
        self.position = 0
        self.free: list[list[str]] = []

    def rent(self, count: int) -> list[str]:
        """Return a lot of addresses that lie close to each other."""
        if self.free and self.draws.happens(0.5):
            return self.free.pop(0)
        lot = []
        for _ in range(count):
            self.position += self.draws.random.choice((1, 1, 1, 1, 2, 9))
            number = self.pool.base + 4 + self.position % (self.pool.size - 8)
            lot.append(self.pool.announce(format_address(number)))
        return lot


class VpnProvider:
    """A VPN with a few exits that operators and honest people share."""

    def __init__(self, internet: Internet) -> None:
        self.draws = internet.draws
        rng = self.draws.random
        pool = AddressPool(internet, f"{rng.choice(NOUNS)} vpn", "vpn", rng.choice(COUNTRIES).code, 23)
        count = rng.randint(25, 120)
        self.exits = [pool.draw_address() for _ in range(count)]

    def draw_exit(self) -> str:
        """Return an exit."""
        return self.draws.random.choice(self.exits)


class ImageSeller:
    """A seller of images of emulated phones, of a few builds."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws
        patch = draws.random.randrange(10)
        count = draws.random.randint(2, 5)
        self.user_agents = [self._draw_user_agent(patch) for _ in range(count)]

    def _draw_user_agent(self, patch: int) -> str:
        """Return the user agent of one build."""
        rng = self.draws.random
        phone = f"Android {rng.choice((9, 11, 12))}; {rng.choice(NOUNS).title()}-X{rng.randrange(10, 99)}"
        browser = f"Chrome/{rng.randint(96, 118)}.0.{rng.randrange(4000, 6000)}.{patch}"
        return f"Mozilla/5.0 (Linux; {phone}) AppleWebKit/537.36 {browser} Mobile Safari/537.36"

    def sell(self, count: int) -> list[tuple[str, str]]:
        """Return devices with their user agents."""
        return [(self.draws.draw_device(), self.draws.random.choice(self.user_agents)) for _ in range(count)]
