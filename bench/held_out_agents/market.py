"""The market of a world: all sellers, and what circulates in public."""

from bisect import bisect
from itertools import accumulate

from bench.held_out_agents.draws import Draws, Instrument
from bench.held_out_agents.internet import Internet
from bench.held_out_agents.suppliers import (
    CardSeller,
    HostSeller,
    ImageSeller,
    MailSeller,
    NumberSeller,
    ProxySeller,
    VpnProvider,
)
from bench.held_out_agents.vocabulary import NOUNS, TOPICS

PERIOD = 10
"""Days in which the same public prompts are popular."""


class Market:
    """Sellers that serve honest people and operators alike, and public prompts, codes and hosts."""

    def __init__(self, internet: Internet) -> None:
        self.internet = internet
        self.draws: Draws = internet.draws
        self.day = 0
        """The day of the calendar on which something is bought."""
        draws, rng, vendors = self.draws, self.draws.random, self.draws.settings.vendors
        self.vpns = [VpnProvider(internet) for _ in range(4)]
        self.hosts = [HostSeller(internet) for _ in range(3)]
        self.residential_proxies = [ProxySeller(internet, is_residential=True) for _ in range(vendors)]
        self.mobile_proxies = [ProxySeller(internet, is_residential=False) for _ in range(2)]
        self.numbers = [NumberSeller(draws) for _ in range(vendors)]
        self.cards = [CardSeller(draws) for _ in range(vendors)]
        self.mailboxes = [MailSeller(draws, number % 4) for number in range(vendors + 2)]
        self.images = [ImageSeller(draws) for _ in range(vendors)]
        # The hot wallet of an exchange: one token for hundreds of people.
        self.exchanges = [Instrument(draws.draw_token(), "crypto", None, None) for _ in range(4)]
        self.packs = [[draws.draw_template() for _ in range(rng.randint(15, 30))] for _ in range(3)]
        """Prompt packs that are sold on forums."""
        self.public_prompts = self._draw_public_prompts()
        self.popularity = self._draw_popularity()
        self.common_hosts = [f"{rng.choice(NOUNS)}hooks.io" for _ in range(6)]
        self.influencer_codes = [draws.draw_code() for _ in range(5)]
        self.tls_fingerprints = [draws.draw_hex(12) for _ in range(40)]
        self.tls_weights = list(accumulate(1 / (rank + 1) for rank in range(40)))

    def _draw_public_prompts(self) -> list[str]:
        """Return prompts that are public, excerpts of the packs among them."""
        prompts = [self.draws.draw_sentence() for _ in range(260)]
        return prompts + [
            template.text.replace("{slot}", self.draws.random.choice(TOPICS))
            for pack in self.packs
            for template in pack[:4]
        ]

    def _draw_popularity(self) -> list[list[float]]:
        """Return the cumulative weights of the public prompts in each period."""
        periods = []
        for _ in range(self.draws.settings.days // PERIOD + 2):
            weights = [1 / (rank + 2) ** 0.8 for rank in range(len(self.public_prompts))]
            # Three posts of each period are widely shared.
            for _ in range(3):
                weights[self.draws.random.randrange(len(weights))] += 1.2
            periods.append(list(accumulate(weights)))
        return periods

    def draw_public_prompt(self, day: int) -> str:
        """Return a public prompt by its popularity on a day."""
        weights = self.popularity[day // PERIOD]
        return self.public_prompts[bisect(weights, self.draws.random.random() * weights[-1])]

    def draw_tls_fingerprint(self) -> str:
        """Return a TLS fingerprint by its popularity."""
        return self.draws.random.choices(self.tls_fingerprints, cum_weights=self.tls_weights)[0]
