"""The documents name what the code has."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from provider.domain.events import REGISTRY

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_the_reference_has_every_event_with_every_field(name: str) -> None:
    reference = (ROOT / "docs" / "events.md").read_text()
    section = reference.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    named = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert named == [field.name for field in dataclasses.fields(REGISTRY[name])]


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text()
    unlisted = [path.name for path in folder.glob("0*.md") if f"({path.name})" not in listed]
    assert not unlisted


DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md")] + sorted(ROOT.glob("docs/**/*.md"))


NAMED = re.compile(r"`((?:provider|web|tests|migrations|docs)/[\w/.-]+)`")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_every_path_in_a_document_leads_somewhere(path: Path) -> None:
    text = re.sub(r"^(?:    |```).*$", "", path.read_text(), flags=re.MULTILINE)
    links = [path.parent / link for link in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text)]
    # A decision tells of the code as it was then.
    named = [] if path.parent.name == "decisions" else NAMED.findall(text)
    missing = [target for target in [*links, *(ROOT / name for name in named)] if not _exists(target)]
    assert missing == []


def test_every_document_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in DOCUMENTS if ROOT / "docs" in path.parents]
    expected = [page for page in pages if page != "README.md" and not page.startswith("decisions/0")]
    assert [page for page in expected if f"({page})" not in index] == []


def _exists(target: Path) -> bool:
    """Whether a path leads to a file, a directory or a module."""
    return target.exists() or target.with_suffix(".py").is_file()
