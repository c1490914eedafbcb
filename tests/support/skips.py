"""A pytest plugin: no test is skipped quietly, and none at all for the lack of what the run requires.

The last line of a run with skips says how many and why, so that a green run on a bare machine does not look like a
full one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable

import pytest

from tests.support.requirements import REQUIREMENTS


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses a server's fixture, before `-m` selects."""
    for item in items:
        for requirement in REQUIREMENTS:
            if requirement.fixtures.intersection(getattr(item, "fixturenames", ())):
                item.add_marker(requirement.marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where the run requires what the test needs."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        mandatory = [one.variable for one in REQUIREMENTS if one.is_mandatory() and item.get_closest_marker(one.marker)]
        if mandatory:
            report.outcome = "failed"
            report.longrepr = f"skipped, although {' and '.join(mandatory)} is set: {read_reason(report.longrepr)}"
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write the last line."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    line = summarise(read_reason(report.longrepr) for report in reporter.stats.get("skipped", ()))
    if line:
        reporter.write_line(line, yellow=True)


def read_reason(longrepr: object) -> str:
    """Return the reason out of what pytest keeps of a skip: (path, line, 'Skipped: reason')."""
    text = str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ") or "no reason given"


def summarise(reasons: Iterable[str]) -> str:
    """Say in one line how many tests were skipped and why; nothing for none."""
    counts = Counter(reasons)
    if not counts:
        return ""
    if len(counts) == 1:
        return f"SKIPPED {counts.total()}: {next(iter(counts))}"
    return f"SKIPPED {counts.total()}: " + "; ".join(f"{count} {reason}" for reason, count in counts.most_common())
