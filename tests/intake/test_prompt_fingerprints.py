"""Two fillings of a template share a band, two different prompts do not, and no text is kept."""

import itertools
import random
import subprocess
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.signals.prompts import BANDS, compute_bands

CORPUS = tomllib.loads(
    (Path(__file__).parents[1].parent / "bench" / "prompt_bands.toml").read_text(encoding="utf-8")
)


def sketches(texts: list[str]) -> list[set[str]]:
    found: list[set[str]] = [set() for _ in texts]
    for row, band in compute_bands(pl.Series(texts, dtype=pl.String)).iter_rows():
        found[row].add(band)
    return found


def filled(template: str, rng: random.Random) -> str:
    for name, values in CORPUS["slots"].items():
        while "{" + name + "}" in template:
            template = template.replace("{" + name + "}", rng.choice(values), 1)
    return template.replace("{number}", str(rng.randrange(2, 500)))


@pytest.mark.parametrize("length", ["long", "medium", "short"])
def test_two_fillings_of_one_template_share_a_band(length: str) -> None:
    rng = random.Random(11)
    shared = []
    for template in CORPUS[length]:
        sets = sketches([filled(template, rng) for _ in range(12)])
        shared += [not a.isdisjoint(b) for a, b in itertools.combinations(sets, 2)]
    assert sum(shared) / len(shared) >= 0.97


def test_different_prompts_share_none() -> None:
    rng = random.Random(12)
    prompts = [filled(template, rng) for length in ("long", "medium", "short") for template in CORPUS[length]]
    sets = sketches(prompts)
    assert all(sets)
    shared = [not a.isdisjoint(b) for a, b in itertools.combinations(sets, 2)]
    assert sum(shared) / len(shared) < 0.01


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Solve 3 + 4 for me now please", "Solve 977.5 + 12 for me now please"),
        ("Please check the page https://a.example/b?c=d today", "Please check the page www.b.example today"),
        ("Send the report to ann@a.example by noon", "Send the report to bob@b.example by noon"),
        ('What does "carpe diem" mean to you', "What does “ad hoc and more” mean to you"),
        ("Ping 192.0.2.1 from the other host", "Ping 2001:db8::7 from the other host"),
        ("Open ~/notes/a.txt and read it aloud", "Open /etc/fstab and read it aloud"),
        ("Delete 123e4567-e89b-12d3-a456-426614174000 from it", "Delete 9f8e4567-e89b-12d3-a456-426614174fff from it"),
        ("Explain this:\n```\nx = 1\n```\nline by line", "Explain this:\n```py\nfor a in b:\n  c()\n```\nline by line"),
        ("Run `ls -l` and explain what you see", "Run `git log --oneline` and explain what you see"),
    ],
)  # fmt: skip
def test_what_looks_like_a_slot_makes_no_difference(one: str, other: str) -> None:
    first, second = sketches([one, other])
    assert first == second != set()


def test_short_prompts_stay_apart() -> None:
    prompts = [
        "hi",
        "hello",
        "thanks",
        "go on",
        "continue please",
        "write a poem",
        "tell me a joke",
        "who are you",
    ]
    sets = sketches(prompts)
    assert all(sets)
    assert all(a.isdisjoint(b) for a, b in itertools.combinations(sets, 2))
    assert sketches(["Hi!"]) == sketches(["hi"])


def test_scripts_without_spaces() -> None:
    one, same, other, thai = sketches(
        [
            "次の文章を英語に翻訳して、難しい単語を説明してください：犬が走る。",
            "次の文章を英語に翻訳して、難しい単語を説明してください：昨日は雨が降りました。",
            "東京で一番おいしいラーメン屋はどこにありますか、教えてください。",
            "ช่วยอธิบายวิธีทำต้มยำกุ้งให้หน่อย",
        ]
    )
    assert one & same
    assert not one & other
    assert thai
    assert (
        sketches(["请把下面的句子翻译成英文：你好"])[0] & sketches(["请把下面的句子翻译成英文：天气很好"])[0]
    )


def test_nothing_to_tell_apart_gives_no_band() -> None:
    found = compute_bands(
        pl.Series(["", None, "   ", "12345", "???", "🙂🙂", "https://a.example", "real words here"])
    )
    assert found["row"].unique().to_list() == [7]
    assert found.schema == {"row": pl.UInt32, "band": pl.String}
    assert compute_bands(pl.Series([], dtype=pl.String)).is_empty()


@given(st.lists(st.one_of(st.none(), st.text(max_size=200)), max_size=20))
def test_any_text(texts: list[str | None]) -> None:
    found = compute_bands(pl.Series(texts, dtype=pl.String))
    assert found.equals(found.sort("row", "band").unique(maintain_order=True))
    assert found.filter(~pl.col("band").str.contains("^[0-9a-f]{16}$")).is_empty()
    assert found.group_by("row").len()["len"].max() in {None, *range(1, BANDS + 1)}
    alone = [compute_bands(pl.Series([text], dtype=pl.String))["band"].to_list() for text in texts]
    assert [found.filter(pl.col("row") == i)["band"].to_list() for i in range(len(texts))] == alone


def test_the_same_in_every_process() -> None:
    text = "Explain step by step how the tides work and name 3 books"
    code = (
        "import polars as pl; from graphsvc.signals.prompts import compute_bands;"
        f"print(*compute_bands(pl.Series([{text!r}]))['band'])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert runs == {" ".join(compute_bands(pl.Series([text]))["band"]) + "\n"}
    assert compute_bands(pl.Series(["go on"]))["band"].to_list() == ["0268eb57c8adb6a1"]
