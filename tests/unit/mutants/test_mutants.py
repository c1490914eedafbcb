"""The list of mutants fits the code: a refactoring that moves a line out of reach is noticed at once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.mutant import NEEDS, ROOT, MisfitError, Mutant, load_mutants, read_code
from tests.mutants.runner import run_one

MUTANTS = load_mutants()
CODE = read_code(ROOT)
LAYERS = {
    "archive", "backends", "cli", "config", "domain", "reading", "runtime", "sandbox", "store", "web",
}  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_fits_once_and_names_tests_that_are_there(mutant: Mutant) -> None:
    path = mutant.find(CODE)
    assert mutant.old != mutant.new
    assert "\n" not in mutant.old + mutant.new
    compile(CODE[path].replace(mutant.old, mutant.new), str(path), "exec")
    files = [one.partition("::")[0] for one in mutant.tests if one.startswith("tests/")]
    assert files
    assert all((ROOT / file).exists() for file in files)
    assert set(mutant.needs) <= set(NEEDS)
    assert mutant.why


def test_there_are_many_in_every_layer() -> None:
    counts = Counter(mutant.layer for mutant in MUTANTS)
    assert counts.keys() == LAYERS
    assert min(counts.values()) >= 3
    assert counts.total() >= 60
    assert max(Counter(mutant.name for mutant in MUTANTS).values()) == 1


def new_tree(directory: Path, test: str) -> Path:
    (directory / "provider").mkdir()
    (directory / "provider" / "__init__.py").write_text("LIMIT = 3\n")
    (directory / "test_limit.py").write_text(f"from provider import LIMIT\ndef test() -> None:\n    assert {test}\n")
    return directory


MUTANT = Mutant(layer="x", name="n", why="w", old="LIMIT = 3", new="LIMIT = 4", tests=("test_limit.py",))


@pytest.mark.parametrize(("test", "verdict"), [("LIMIT == 3", "killed"), ("LIMIT >= 3", "SURVIVED")])
def test_a_mutant_is_killed_by_a_test_that_sees_it(tmp_path: Path, test: str, verdict: str) -> None:
    tree = new_tree(tmp_path, test)
    assert run_one(MUTANT, tree).verdict == verdict
    assert (tree / "provider" / "__init__.py").read_text() == "LIMIT = 3\n"


def test_tests_that_do_not_run_kill_nothing(tmp_path: Path) -> None:
    tree = new_tree(tmp_path, "LIMIT +")
    assert run_one(MUTANT, tree).verdict == "TESTS DO NOT RUN"


def test_a_line_that_is_there_twice_or_never_does_not_fit(tmp_path: Path) -> None:
    tree = new_tree(tmp_path, "LIMIT == 3")
    module = tree / "provider" / "__init__.py"
    module.write_text("LIMIT = 3\n" * 2)
    with pytest.raises(MisfitError, match="once"):
        MUTANT.find(read_code(tree))
    module.write_text("")
    assert run_one(MUTANT, tree).verdict == "DOES NOT FIT"
