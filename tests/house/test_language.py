"""Promise: the documentation and the help are in sentences that are read once, and in the words of the glossary."""

import re
from pathlib import Path

import pytest
from test_documentation import helps

from bench import language

PAGES = language.list_pages(language.ROOT)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(language.ROOT).as_posix())
def test_a_page_has_no_endless_sentence_and_no_word_that_is_replaced(page: Path) -> None:
    words = page.name != "glossary.md"
    assert [*language.find_faults(page.read_text(encoding="utf-8"), words=words)] == []


def test_few_sentences_are_long() -> None:
    """The share in the documentation of other projects is 4 to 6 %."""
    lengths = [
        count for page in PAGES for count in language.measure_lengths(page.read_text(encoding="utf-8"))
    ]
    assert sum(count > language.LONG for count in lengths) <= 0.06 * len(lengths)


def test_the_help_has_no_word_that_is_replaced() -> None:
    faults = {}
    for command, text in helps().items():
        # Frames and line ends of the terminal are no words; names of options stay as clients call them.
        plain = re.sub(r"--[\w-]+", "", " ".join(re.sub(r"[│╭╮╰╯─]+", " ", text).split()))
        faults[command] = [*language.find_words(plain)]
    assert not {command: found for command, found in faults.items() if found}


def test_the_readme_fits_on_two_screens() -> None:
    assert len((language.ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 100


def test_prose_is_told_from_code_tables_and_headings() -> None:
    text = "# Head\n\nOne two.\nThree.\n\n```sh\ncode\n```\n\n| a | b |\n\n- item one\n  goes further\n- item two\n"
    assert [*language.split_paragraphs(text)] == [
        (3, "One two. Three."),
        (12, "item one goes further"),
        (14, "item two"),
    ]


@pytest.mark.parametrize(
    ("paragraph", "counts"),
    [
        ("One two three. Four five.", [3, 2]),
        ("It takes 1.5 s and 24 GiB. [A link](to.md) ends.", [7, 3]),
        ("Say `graphsvc load a b c`. **Bold** it is – so.", [2, 4]),
        ("It ends. graphsvc begins, e.g. here. Then it stops.", [2, 4, 3]),
    ],
)
def test_sentences_are_split_and_counted(paragraph: str, counts: list[int]) -> None:
    assert [language.count_words(each) for each in language.split_sentences(paragraph)] == counts


def test_the_words_are_those_of_the_glossary() -> None:
    replaced = language.read_replaced()
    assert replaced["goes on"] == "continue"
    assert {"nobody", "anew", "innocents"} <= set(replaced)
    assert "older" not in replaced


def test_faults_are_named_with_their_line() -> None:
    long = " ".join(["word"] * 41) + "."
    text = f"Fine.\n\n{long}\n\n| cell | nobody |\n\n```\nnobody\n```\n\nSee `nobody` and [x](nobody.md). He goes on.\n"
    lines = [(line, fault.partition(":")[0]) for line, fault in language.find_faults(text)]
    assert lines == [(3, "a sentence of 41 words, at most 40"), (5, '"nobody"'), (11, '"goes on"')]
    assert [line for line, _ in language.find_faults(text, words=False)] == [3]
