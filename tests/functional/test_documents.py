"""The documents say what is there: words, files, and nothing about how they came to be."""

import re
from pathlib import Path

import pytest

from rollout.domain.verdict import Call

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLAYBOOK = (ROOT / "docs" / "playbook.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("word", [str(call) for call in Call])
def test_the_playbook_explains_every_call(word: str) -> None:
    assert f"| {word} |" in PLAYBOOK


@pytest.mark.parametrize("word", ["LAUNCHED", "RAMPED", "COMPLETED", "ROLLED_BACK", "REFUSED"])
def test_the_playbook_names_every_outcome(word: str) -> None:
    assert word in PLAYBOOK


def test_decisions_are_complete() -> None:
    for page in (ROOT / "docs" / "decisions").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in text, page.name
