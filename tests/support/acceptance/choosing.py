"""Which engines a test runs on, and over which databases.

That the two databases do the same is proved below the engines (tests/contract/test_store_*, test_capacity_*,
test_workers_*, test_sweeps_*), and that the engines do the same below the databases (tests/contract/test_backend_*). So
here every engine meets a database and every database meets the use cases, but not each the other: the engines without
a process behind a container, which cost nothing, run over both.
"""

from __future__ import annotations

import pytest

DATABASES = {"fake": ("sqlite", "postgres"), "process": ("sqlite",), "docker": ("postgres",)}
"""Over which databases an engine is tried."""
MARKS = {"postgres": pytest.mark.postgres, "docker": pytest.mark.docker}


def pairs(*engines: str) -> list[object]:
    """Pair these engines with their databases, as parameters of `database_url` and `engine`."""
    return [
        pytest.param(database, engine, marks=[MARKS[name] for name in (database, engine) if name in MARKS])
        for engine in engines
        for database in DATABASES[engine]
    ]


def on(*engines: str) -> pytest.MarkDecorator:
    """Run a test on these engines only."""
    return pytest.mark.parametrize(("database_url", "engine"), pairs(*engines), indirect=True)
