"""The documents name what the code has."""

from __future__ import annotations

import dataclasses
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
