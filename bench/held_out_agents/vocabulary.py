"""Word lists, countries and user agents that the worlds draw from.

The order of each list is part of the worlds: a word that moves changes all that is drawn after it.
"""

from typing import NamedTuple


class Country(NamedTuple):
    """A country of the worlds: its share of people and what follows from living there."""

    code: str
    weight: int
    utc_offset: int
    dial_code: str
    name_group: int
    """The index into `FIRST_NAMES` and `LAST_NAMES`."""


def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a text."""
    return tuple(text.split())


def split_phrases(text: str) -> tuple[str, ...]:
    """Return the phrases of a text, one a line."""
    return tuple(line.strip() for line in text.strip().splitlines())


COUNTRIES = (
    Country("US", 24, -6, "1", 0),
    Country("IN", 14, 5, "91", 1),
    Country("DE", 8, 1, "49", 2),
    Country("GB", 8, 0, "44", 0),
    Country("BR", 8, -3, "55", 3),
    Country("FR", 6, 1, "33", 3),
    Country("VN", 4, 7, "84", 4),
    Country("ID", 5, 7, "62", 4),
    Country("PL", 4, 1, "48", 2),
    Country("NG", 4, 1, "234", 1),
    Country("ES", 4, 1, "34", 3),
    Country("JP", 4, 9, "81", 4),
    Country("CA", 4, -5, "1", 0),
    Country("UA", 3, 2, "380", 2),
)

FIRST_NAMES = (
    split_words(
        """
        james mary oliver emma liam sophia noah grace ethan chloe jack ruby harry lucy mason
        ella logan ava dylan zoe owen nora caleb hazel
        """
    ),
    split_words(
        """
        arjun priya rahul anita vikram deepa sanjay kavya rohan meera chidi amara tunde
        ngozi emeka ada farid leila imran zara suresh asha nikhil pooja
        """
    ),
    split_words(
        """
        lukas anna jonas lena piotr kasia tomasz ewa oleh iryna andriy olena felix marie
        paul clara max sofia jan zofia dmytro nadia stefan greta
        """
    ),
    split_words(
        """
        joao maria pedro ana lucas julia pierre camille louis manon diego lucia pablo carmen
        rafael beatriz hugo ines mateo elena thiago larissa theo alice
        """
    ),
    split_words(
        """
        minh linh tuan huong duc mai budi siti agus dewi rizky putri haruto yui sota hina
        ren sakura anh thao hai lan bayu wulan
        """
    ),
)
LAST_NAMES = (
    split_words(
        """
        smith jones taylor brown wilson evans walker wright hall green baker adams nelson
        carter mitchell turner parker collins stewart morris
        """
    ),
    split_words(
        """
        sharma patel singh gupta kumar reddy nair iyer okafor adeyemi balogun eze khan ahmed
        hussain das mehta joshi rao verma
        """
    ),
    split_words(
        """
        mueller schmidt weber fischer wagner nowak kowalski wisniewski kaminski shevchenko
        kovalenko bondarenko koch bauer wolf klein lewandowski zielinski melnyk tkachenko
        """
    ),
    split_words(
        """
        silva santos oliveira souza martin bernard dubois moreau garcia fernandez lopez
        martinez rodrigues almeida costa laurent petit ruiz torres ramos
        """
    ),
    split_words(
        """
        nguyen tran le pham hoang vu santoso wijaya saputra hidayat sato suzuki takahashi
        tanaka watanabe ito dang bui do kusuma
        """
    ),
)
TOPICS = split_phrases(
    """
    a rental contract
    my biology homework
    a cover letter
    quarterly sales numbers
    a birthday speech
    sourdough bread
    a react component
    a sql join
    photosynthesis
    the french revolution
    a pandas dataframe
    a marathon plan
    my landlord
    a visa application
    python decorators
    a docker compose file
    a kubernetes ingress
    an apology to a customer
    linear regression
    a haiku
    the electoral college
    spanish subjunctive
    our onboarding guide
    a nurse shift plan
    car insurance
    a wedding toast
    a history essay
    an api client
    a regex
    a meal plan
    tax deductions
    a grant proposal
    a bedtime story
    chess openings
    a press release
    a podcast outline
    mortgage rates
    the water cycle
    vector databases
    a unit test
    a garden in shade
    a dungeon campaign
    knitting patterns
    a job interview
    a resignation letter
    supply chains
    a poster abstract
    ohm's law
    a trip to lisbon
    a lease renewal
    a puppy schedule
    a math proof
    """
)
OPENINGS = split_phrases(
    """
    can you help me with
    please rewrite
    explain
    give me three ideas for
    summarise
    what is wrong with
    draft something about
    i need feedback on
    translate my notes on
    make a checklist for
    compare two approaches to
    quick question about
    turn this into bullet points:
    write a polite mail about
    debug
    how would you teach
    shorten
    proofread
    why does everybody worry about
    plan
    """
)
DETAILS = split_phrases(
    """
    for a ten year old
    in plain english
    in under {n} words
    for my boss {N}
    before friday
    without jargon
    with a table
    for {N} and {N2}
    as of {y}
    step by step
    and keep it funny
    and be strict
    with {n} examples
    in the style of a newspaper
    using only the standard library
    for a budget of {n} euro
    like my teacher {N} wants it
    for a class of {n}
    as a short dialogue
    and list the risks
    for room {n}
    from the point of view of {N}
    """
)
CLOSINGS = split_phrases(
    """
    thanks!
    no preamble.
    answer in english.
    i am a beginner.
    it is urgent.
    here is my draft so far: {N} said {n}.
    think first.
    be honest.
    use metric units.
    i already tried {n} times.
    the file is called {N}_{n}.txt
    reply in one paragraph.
    cite sources.
    ask me if unclear.
    """
)
TASKS = split_phrases(
    """
    write a listing text for
    rate the sentiment of
    produce five question and answer pairs about
    translate and normalise
    rewrite in a neutral voice
    extract entities from
    grade the reasoning of
    make a dialogue about
    generate a quiz on
    write a review style paragraph about
    expand the outline
    label the intent of
    give chain of reasoning then answer for
    write a comment in casual voice about
    """
)
FORMATS = split_phrases(
    """
    Return JSON with keys {a}, {b}, {c}.
    Output one line per item separated by {a}.
    Use XML tags <{a}> and <{b}>.
    Answer between [{a}] and [/{a}].
    Format: {a}: ... {b}: ... {c}: ...
    No markdown, fields {a};{b};{c}.
    """
)
ROLES = split_words(
    """
    editor analyst translator copywriter examiner tutor annotator reviewer merchandiser
    transcriber classifier researcher paralegal planner
    """
)
KEYWORDS = split_words(
    """
    topic score title body lang tags price brand reason label step final source tone intent
    query answer rank aspect span slug meta
    """
)
NOUNS = split_words(
    """
    harbor falcon maple orbit copper lumen atlas cedar nimbus pixel quartz raven summit tidal
    velvet willow zephyr anchor beacon cobalt delta ember fjord granite helix indigo juniper
    kestrel lotus meridian nova onyx prairie quill river sable topaz umber vertex wander
    """
)
DESKTOP_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/{v}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/{v}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.{m} Safari/605.1.15",
)
PHONE_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_{m} like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14; SM-S92{k}B) AppleWebKit/537.36 Chrome/{v}.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; Redmi Note 1{k}) AppleWebKit/537.36 Chrome/{v}.0.0.0 Mobile Safari/537.36",
)
SCRIPT_AGENTS = (
    "python-requests/2.3{k}.{m}",
    "node-fetch/3.{k}.{m}",
    "Go-http-client/2.0",
    "axios/1.{k}.{m}",
    "openai-python/1.{k}{m}.0",
)
MODELS = (
    "nano-2",
    "core-2",
    "core-2-large",
    "sight-1",
)
FIRST_OCTETS: tuple[int, ...] = (
    *range(23, 100),
    *range(101, 127),
    *range(128, 169),
    *range(176, 192),
    *range(193, 198),
    *range(199, 203),
    *range(204, 223),
)
"""First bytes of public IPv4 addresses, without most reserved ranges."""
DIRECTORIES = (
    "/app/main.py",
    "/workspace",
    "/home/user",
    "/usr/src/app",
    "C:\\Users\\user",
    "/content",
    "/root",
    "/Users/admin/Desktop",
)
KEYBOARD_LAYOUTS = split_words("us us us de gb br-abnt2 fr in-eng us-intl jp106 pl es vn-telex ru+us")
