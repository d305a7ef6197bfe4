"""What a document says, no other says again."""

import re
from collections import defaultdict
from itertools import combinations
from pathlib import Path

from tests.fakes import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Shorter ones are headings, labels, and what any two pages may share.
WORDS = 8
# Of two sentences' words, so many in common are one sentence said twice.
ALIKE = 0.8


def sentences(page: Path) -> list[str]:
    """The sentences of a page without its code, tables and headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    text = re.sub(r"^(\||#).*$", "", text, flags=re.M)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    found = re.split(r"(?<=[.:;])\s+|\n\n", text)
    return [" ".join(one.split()) for one in found]


def test_no_sentence_is_in_two_places() -> None:
    places = defaultdict(list)
    for page in PAGES:
        for one in sentences(page):
            if len(one.split()) >= WORDS:
                places[one.lower()].append(page.name)
    assert {one: where for one, where in places.items() if len(where) > 1} == {}


def test_no_two_sentences_differ_in_a_word_or_two_only() -> None:
    known = [
        (page.name, one, frozenset(re.findall(r"[a-z']+", one.lower())))
        for page in PAGES
        for one in sentences(page)
        if len(one.split()) >= WORDS
    ]
    alike = [
        (first[:2], second[:2])
        for first, second in combinations(known, 2)
        if first[2] and len(first[2] & second[2]) / len(first[2] | second[2]) >= ALIKE
    ]
    assert alike == []


def test_there_are_sentences_at_all() -> None:
    assert sum(len(sentences(page)) for page in PAGES) > 200
