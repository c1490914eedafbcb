"""What a mutant is, and where it fits into the code."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = ("provider", "web")
NEEDS = ("postgres", "docker", "browser")


class MisfitError(Exception):
    """The line that a mutant changes is not in the code, or is there more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of a part of a line: wherever it stands, so that a file may be moved; and what should see it.

    `tests` are arguments of pytest. Of the tests that need a server, only those that need what is in `needs` are run.
    """

    layer: str
    name: str
    why: str
    old: str
    new: str
    tests: tuple[str, ...]
    needs: tuple[str, ...] = ()

    @property
    def selection(self) -> str:
        """What pytest's `-m` is given."""
        return " and ".join(f"not {one}" for one in NEEDS if one not in self.needs)

    def find(self, code: Mapping[Path, str]) -> Path:
        """Return the one file that has the old text, once; raise `MisfitError`."""
        found = [(path, count) for path, text in code.items() if (count := text.count(self.old))]
        if [count for _, count in found] != [1]:
            places = ", ".join(f"{path} ({count})" for path, count in found)
            raise MisfitError(f"{self.name}: {self.old!r} must be in the code once, and is in {places or 'no file'}")
        return found[0][0]


def read_code(root: Path) -> Mapping[Path, str]:
    """Read the files that are mutated, under their paths in the tree."""
    paths = (path for package in PACKAGES for path in sorted((root / package).rglob("*.py")))
    return {path.relative_to(root): path.read_text() for path in paths}


def load_mutants(directory: Path = Path(__file__).parent) -> Sequence[Mutant]:
    """Read all mutants, layer by layer."""
    return [
        _read(path.stem, entry)
        for path in sorted(directory.glob("*.toml"))
        for entry in tomllib.loads(path.read_text())["mutant"]
    ]


def _read(layer: str, entry: dict[str, Any]) -> Mutant:
    lists = {name: tuple(entry.get(name, ())) for name in ("tests", "needs")}
    return Mutant(layer=layer, **{**entry, **lists})
