"""No skip is quiet, and none is accepted where the run requires what the test needs."""

from __future__ import annotations

import pytest

from tests.support.requirements import REQUIREMENTS
from tests.support.skips import summarise

PLUGIN = ("-p", "no:randomly", "-p", "tests.support.skips", "-p", "no:cacheprovider", "-p", "no:xdist")


@pytest.fixture(autouse=True)
def known_markers(pytester: pytest.Pytester) -> None:
    """An unknown marker is a warning, and warnings are errors in some orders of the tests and not in others."""
    names = [requirement.marker for requirement in REQUIREMENTS]
    pytester.makeini("\n".join(["[pytest]", "markers =", *(f"    {name}: needed" for name in names)]))


def test_the_last_line_counts_the_skips_and_says_why(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(3))
        def test_needs_an_engine(n): pytest.skip("no Docker engine (not root)")

        @pytest.mark.skip(reason="not today")
        def test_other(): ...

        def test_passes(): ...
        """
    )
    result = pytester.runpytest(*PLUGIN)
    result.assert_outcomes(passed=1, skipped=4)
    assert result.outlines[-1] == "SKIPPED 4: 3 no Docker engine (not root); 1 not today"


def test_a_module_skipped_whole_is_counted(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest; pytest.skip('nothing here', allow_module_level=True)")
    assert pytester.runpytest(*PLUGIN).outlines[-1] == "SKIPPED 1: nothing here"


def test_a_run_without_skips_ends_as_always(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_passes(): ...")
    assert "1 passed" in pytester.runpytest(*PLUGIN).outlines[-1]


def test_a_skip_for_what_is_required_fails(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_DOCKER", "1")
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def docker_engine(): pytest.skip("no Docker engine (not root)")

        def test_needs_an_engine(docker_engine): ...

        def test_needs_something_else(): pytest.skip("another reason")
        """
    )
    result = pytester.runpytest(*PLUGIN)
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*although REQUIRE_DOCKER is set: no Docker engine (not root)"])


def test_an_expected_failure_is_no_skip(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_DOCKER", "1")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.docker
        @pytest.mark.xfail
        def test_fails(): assert False
        """
    )
    pytester.runpytest(*PLUGIN).assert_outcomes(xfailed=1)


def test_tests_are_marked_by_the_fixtures_they_use(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def postgres_server(): return "server"

        @pytest.fixture
        def postgres_url(postgres_server): return "url"

        def test_uses_it(postgres_url): ...

        def test_does_not(): ...
        """
    )
    pytester.runpytest(*PLUGIN, "-m", "postgres").assert_outcomes(passed=1, deselected=1)


def test_one_reason_needs_no_second_number() -> None:
    assert summarise(["no PostgreSQL"] * 2) == "SKIPPED 2: no PostgreSQL"
