"""Check the language of the documentation: long sentences, and words that the glossary replaces.

`make lint` runs it and fails on a fault; `make language` prints a table of the lengths instead. Pages that a command
writes (benchmarks, faults, the reference of the schema) and the records in `docs/decisions/` are not checked.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONG, TOO_LONG = 30, 40
"""Words of a sentence that the table counts as long, and more than a sentence may have. Documentation of yente, splink,
datasette and httpx has 4 to 6 % of sentences above 30."""
WRITTEN = frozenset({"docs/graphql/reference.md"})
"""Pages that are made of other texts, which have checks of their own."""


def list_pages(root: Path) -> list[Path]:
    """Return the pages that people write and readers of a task open."""
    docs = root / "docs"
    folders = (docs, docs / "graphql", docs / "loading", docs / "notebooks")
    pages = [
        root / "README.md",
        root / "CONTRIBUTING.md",
        *(page for at in folders for page in at.glob("*.md")),
    ]
    return sorted(page for page in pages if page.relative_to(root).as_posix() not in WRITTEN)


def split_paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Yield the prose of a page: number of its first line, and text; no code, tables, headings or pictures."""
    parts: list[str] = []
    began, code = 0, False
    for number, line in enumerate([*text.splitlines(), ""], 1):
        stripped = line.strip()
        fence = stripped.startswith("```")
        code ^= fence
        apart = fence or code or not stripped or stripped.startswith(("|", "#", "![", "<"))
        item = re.match(r"([-*]|\d+\.)\s+", stripped)
        if (apart or item) and parts:
            yield began, " ".join(parts)
            parts = []
        if not apart:
            began = began if parts else number
            parts.append(stripped[item.end() :] if item else stripped.removeprefix("> "))


def split_sentences(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph, a piece of code as one word and a link as its text."""
    plain = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", paragraph)
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", plain)
    plain = re.sub(r"`[^`]*`", "CODE", plain).replace("**", "")
    # The project's name and paths begin sentences in lower case.
    return re.split(r"(?<=[.!?])[\"”)*]*\s+(?=[A-Z\"“(\[\d]|graphsvc\b|docs/)", plain)


def count_words(sentence: str) -> int:
    """Return the words of a sentence; what has no letter and no digit is none."""
    return sum(bool(re.search(r"\w", word)) for word in sentence.split())


@cache
def read_replaced() -> dict[str, str]:
    """Return the words that the glossary replaces everywhere, with what to write instead."""
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    section = page.partition("## Plain words\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE)[1:]
    return {word: instead for words, instead in rows for word in words.split(", ")}


def find_words(text: str) -> Iterator[str]:
    """Yield each word that the glossary replaces, with what to write."""
    replaced = read_replaced()
    for word in re.findall(rf"\b(?:{'|'.join(map(re.escape, replaced))})\b", text, re.IGNORECASE):
        yield f'"{word}": write {replaced[word.lower()]}'


def find_faults(text: str, *, words: bool = True) -> Iterator[tuple[int, str]]:
    """Yield the line and the description of each fault of a page.

    Args:
        text: Markdown.
        words: check words too; the glossary itself has to name them.
    """
    for line, paragraph in split_paragraphs(text):
        for sentence in split_sentences(paragraph):
            if (count := count_words(sentence)) > TOO_LONG:
                yield line, f"a sentence of {count} words, at most {TOO_LONG}: {sentence[:60]}…"
    # Words count in tables and headings too, and within code nowhere.
    prose = re.sub(
        r"^```.*?^```$", lambda code: "\n" * code[0].count("\n"), text, flags=re.DOTALL | re.MULTILINE
    )
    for line, each in enumerate(prose.splitlines() if words else (), 1):
        for fault in find_words(re.sub(r"`[^`]*`|\]\([^)]*\)", "", each)):
            yield line, fault


def measure_lengths(text: str) -> list[int]:
    """Return the number of words of each sentence of a page."""
    return [
        count_words(sentence)
        for _, paragraph in split_paragraphs(text)
        for sentence in split_sentences(paragraph)
    ]


def print_table(root: Path) -> None:
    """Print the sentences of each page, and how many are long."""
    every: list[int] = []
    for page in list_pages(root):
        lengths = measure_lengths(page.read_text(encoding="utf-8"))
        every += lengths
        long = sum(count > LONG for count in lengths)
        print(
            f"{page.relative_to(root).as_posix():36} {len(lengths):4} sentences, {long:3} of more than {LONG} words"
        )
    print(
        f"{sum(count > LONG for count in every) / max(len(every), 1):.1%} of {len(every)} sentences are long"
    )


def main() -> int:
    """Print each fault as `page:line: fault`; return 1 if there is one."""
    if "--table" in sys.argv[1:]:
        print_table(ROOT)
        return 0
    faults = [
        f"{page.relative_to(ROOT)}:{line}: {fault}"
        for page in list_pages(ROOT)
        for line, fault in find_faults(page.read_text(encoding="utf-8"), words=page.name != "glossary.md")
    ]
    print("\n".join(faults) or "language: no faults")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
