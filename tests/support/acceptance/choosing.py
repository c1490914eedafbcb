"""Which engines a test runs on, where it is not all of them, each on both databases."""

from __future__ import annotations

import pytest


def on(*engines: str) -> pytest.MarkDecorator:
    """Run a test on these engines only."""
    chosen = [pytest.param(engine, marks=pytest.mark.docker) if engine == "docker" else engine for engine in engines]
    return pytest.mark.parametrize("engine", chosen, indirect=True)


def lightly_on(*engines: str) -> pytest.MarkDecorator:
    """Run a test on these engines (all without any), but on Docker over PostgreSQL only.

    For what does not depend on the pair: a container costs a second, and the stores are compared on the other engines.
    """
    pairs = [
        pytest.param(database, engine, marks=_marks(database, engine))
        for engine in engines or ("fake", "process", "docker")
        for database in ("sqlite", "postgres")
        if (database, engine) != ("sqlite", "docker")
    ]
    return pytest.mark.parametrize(("database_url", "engine"), pairs, indirect=True)


def _marks(database: str, engine: str) -> list[pytest.MarkDecorator]:
    marks = [pytest.mark.postgres] if database == "postgres" else []
    return [*marks, pytest.mark.docker] if engine == "docker" else marks
