"""Jobs: the families of prompts that operators run over many accounts."""

from bench.held_out_suppliers.people import draw_function, draw_person
from bench.held_out_suppliers.phrases import (
    ADJECTIVES,
    JOB_TEMPLATES,
    NOUNS,
    PROGRAMMING_LANGUAGES,
    SYNONYMS,
)
from bench.held_out_suppliers.world import World


class Job:
    """A prompt family over a private set of items, sharded over accounts.

    `paraphrase` is 0 for the same instruction always, 1 for combinations of its parts, 2 for synonyms too.
    """

    def __init__(self, world: World, domain: str, paraphrase: int, is_public: bool = False) -> None:
        rng = world.rng
        self.world = world
        self.paraphrase = paraphrase
        self.is_public = is_public
        self.bare_share = 0 if is_public else rng.choice((0.1, 0.3, 0.5))
        self.template = JOB_TEMPLATES[domain]
        trace, final = f"{world.draw_word(2)}_trace", f"{world.draw_word(2)}_final"
        if is_public:
            trace, final = "reasoning", "answer"
        formats = [
            f'Return JSON with keys "{trace}" and "{final}".',
            f"Output two sections named {trace} and {final}.",
            f"Finish with <{trace}> and <{final}> tags.",
        ]
        self.formats = rng.sample(formats, 2)
        self.tail = f"Use the {world.draw_word(2)}-{world.draw_word(2)} convention."
        self.author = draw_person(world, "US")
        self.author.nouns = rng.sample(NOUNS, 30)
        self.author.entities = [world.draw_word().title() for _ in range(60)]
        self.items: dict[int, str] = {}

    def write(self, number: int) -> str:
        """Return the prompt for an item: the item stays the same, its instruction may vary."""
        rng = self.world.rng
        if number not in self.items:
            self.items[number] = self._draw_item()
        item = self.items[number]
        if self.is_public:
            opening, instruction = self.template.openings[0], self.template.instructions[0]
            return f"{opening}. {instruction.capitalize()}. {self.formats[0]}\n\n{item}"
        instruction = self._draw_instruction()
        if rng.random() < self.bare_share:
            # The instruction went into a system prompt, which the exporter did not keep.
            return item
        return f"{instruction}\n\n{item}"

    def _draw_item(self) -> str:
        """Return a new item."""
        rng = self.world.rng
        nouns = rng.sample(self.author.nouns, 3)
        return self.template.item.format(
            n=nouns[0],
            n2=nouns[1],
            n3=nouns[2],
            a=rng.choice(ADJECTIVES),
            p=rng.choice(self.author.entities),
            q=rng.choice(self.author.entities),
            d=rng.randrange(2, 90),
            e=rng.randrange(20, 900),
            d2=rng.randrange(2, 60),
            e2=rng.randrange(2, 60),
            l=rng.choice(PROGRAMMING_LANGUAGES),
            f=draw_function(self.world),
        )

    def _draw_instruction(self) -> str:
        """Return the instruction, paraphrased as much as the job is."""
        rng = self.world.rng
        openings, instructions, _ = self.template
        if self.paraphrase:
            parts = (rng.choice(openings), rng.choice(instructions), rng.choice(self.formats))
        else:
            parts = (openings[0], instructions[0], self.formats[0])
        text = f"{parts[0]}; {parts[1]}. {parts[2]}"
        if self.paraphrase >= 2:
            text = " ".join(self._paraphrase(word) for word in text.split())
        if self.paraphrase < 2 or rng.random() < 0.6:
            text += " " + self.tail
        return text

    def _paraphrase(self, word: str) -> str:
        """Return a synonym of a word, or the word."""
        rng = self.world.rng
        synonyms = SYNONYMS.get(word.lower().strip(".,;"))
        return rng.choice(synonyms) if synonyms and rng.random() < 0.5 else word
