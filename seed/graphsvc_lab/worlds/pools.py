"""Values that people look at: names, companies, domains, programs, countries. Faker draws them once a world."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from faker import Faker

from graphsvc_lab.worlds.streams import Streams

_LOCALES = [
    "en_US",
    "de_DE",
    "fr_FR",
    "es_ES",
    "it_IT",
    "pt_BR",
    "nl_NL",
    "pl_PL",
    "sv_SE",
    "id_ID",
    "tr_TR",
    "cs_CZ",
]


_PROVIDERS = [f"faker.providers.{name}" for name in ("address", "company", "job", "person")]
"""All that the pools draw from. To set up Faker's twenty others in each locale takes a third of the time."""


class Country(NamedTuple):
    """ISO 3166 code, weight among accounts, hours ahead of UTC and calling code."""

    code: str
    weight: float
    offset: int
    calling: int


COUNTRIES: tuple[Country, ...] = (
    Country("US", 24, -6, 1), Country("IN", 12, 5, 91), Country("GB", 7, 0, 44), Country("DE", 7, 1, 49),
    Country("FR", 6, 1, 33), Country("BR", 6, -3, 55), Country("JP", 5, 9, 81), Country("CA", 4, -5, 1),
    Country("ES", 3, 1, 34), Country("IT", 3, 1, 39), Country("NL", 3, 1, 31), Country("PL", 3, 1, 48),
    Country("ID", 3, 7, 62), Country("TR", 2, 3, 90), Country("SE", 2, 1, 46), Country("CZ", 1, 1, 420),
    Country("KR", 3, 9, 82), Country("SG", 2, 8, 65), Country("AU", 3, 10, 61), Country("ZA", 1, 2, 27),
)  # fmt: skip

FREEMAIL = tuple(
    f"{name}.example" for name in ("mail", "inbox", "post", "webmail", "letters", "freemail", "zmail")
)
DISPOSABLE = tuple(
    f"{name}.example" for name in ("tempbox", "tenminutes", "dropmail", "burner", "trashpost", "onetime")
)
CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"


@dataclass(frozen=True, slots=True)
class Pools:
    """Values to draw from; all tuples of distinct strings, in a fixed order."""

    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    companies: tuple[str, ...]
    cities: tuple[str, ...]
    jobs: tuple[str, ...]
    browsers: tuple[str, ...]
    programs: tuple[str, ...]


def draw_pools(streams: Streams) -> Pools:
    """Return the pools of a world; the same streams give the same pools."""
    return _draw_seeded(streams.draw_integer("faker"))


# Worlds of one seed differ in all but these, which take most of the time of a small one.
@lru_cache(maxsize=8)
def _draw_seeded(seed: int) -> Pools:
    """Draw the pools.

    Args:
        seed: of Faker.

    Returns:
        The pools; about 2 MB.
    """
    fake = Faker(_LOCALES, providers=_PROVIDERS)
    fake.seed_instance(seed)
    english = fake["en_US"].factories[0]
    # Not all locales: the towns of some are kept in a set, whose order differs from process to process.
    cities = [fake[locale].factories[0] for locale in ("en_US", "de_DE", "fr_FR", "pl_PL", "nl_NL")]
    return Pools(
        first_names=_drop_duplicates(each.first_name() for each in _choose_locales(fake, 5_000)),
        last_names=_drop_duplicates(each.last_name() for each in _choose_locales(fake, 12_000)),
        companies=_drop_duplicates(each.company() for each in _choose_locales(fake, 6_000)),
        cities=_drop_duplicates(town.city() for town in cities for _ in range(600)),
        jobs=_drop_duplicates(english.job().lower() for _ in range(1_500)),
        browsers=_list_browsers(),
        programs=_list_programs(),
    )


def _choose_locales(fake: Faker, count: int) -> Iterator[Any]:
    """Choose a locale for each of `count` values, as calls of `fake` itself do.

    Such a call looks its method up in every locale, which takes as long as the value.
    """
    factories = fake.factories
    choose = factories[0].random.choice
    return (choose(factories) for _ in range(count))


def to_plain(value: str) -> str:
    """Return the lower-case ASCII letters and digits of a text, for handles and domains."""
    folded = unicodedata.normalize("NFKD", value.replace("ł", "l").replace("ı", "i").replace("ß", "ss"))
    return re.sub(r"[^a-z0-9]+", "", folded.encode("ascii", "ignore").decode().lower())


def _drop_duplicates(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(v for v in values if to_plain(v)))


def _list_browsers() -> tuple[str, ...]:
    """Return user agents of browsers, the commonest first."""
    systems = [
        "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64",
        "Linux; Android 10; K", "iPhone; CPU iPhone OS 18_5 like Mac OS X", "X11; CrOS x86_64 14541.0.0",
    ]  # fmt: skip
    agents = []
    for version in range(147, 120, -1):
        for system in systems:
            if system.startswith("iPhone"):
                agents.append(
                    f"Mozilla/5.0 ({system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.{version % 7} "
                    f"Mobile/15E{version} Safari/604.1"
                )
                continue
            agents.append(
                f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
            )
            if "Android" not in system:
                agents.append(f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
    return tuple(agents)


def _list_programs() -> tuple[str, ...]:
    """Return user agents of program libraries, the commonest first."""
    names = ["python-httpx/0.{}", "python-requests/2.{}", "aiohttp/3.{}", "node-fetch/3.{}", "Go-http-client/2.{}",
             "okhttp/4.{}", "axios/1.{}", "curl/8.{}", "llm-sdk-python/1.{}", "llm-sdk-node/0.{}"]  # fmt: skip
    return tuple(name.format(minor) for minor in range(14, 4, -1) for name in names)
