"""What a machine may lack, and what that means for a test: skipped and counted, or failed where it is required."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


class UnavailableError(Exception):
    """A server that tests need cannot be had on this machine; the message says why."""


@dataclass(frozen=True)
class Requirement:
    """Something outside Python that some tests need."""

    marker: str
    """The marker of the tests that need it."""
    variable: str
    """The environment variable that turns a skip for its lack into a failure."""
    fixtures: frozenset[str]
    """The fixtures that give it; a test that uses one gets the marker."""

    def is_mandatory(self, environment: Mapping[str, str] = os.environ) -> bool:
        """Say whether this run must not skip the tests that need it."""
        return environment.get(self.variable, "") not in {"", "0"}


DOCKER = Requirement(
    marker="docker",
    variable="REQUIRE_DOCKER",
    fixtures=frozenset({"docker_engine", "own_docker_engine", "sandbox_image", "firewalled_docker_engine"}),
)
POSTGRES = Requirement(
    marker="postgres",
    variable="REQUIRE_POSTGRES",
    fixtures=frozenset({"postgres_server", "own_postgres_server", "postgres_url", "bare_postgres_url"}),
)
BROWSER = Requirement(
    marker="browser",
    variable="REQUIRE_BROWSER",
    fixtures=frozenset({"chromium", "visitor"}),
)
REQUIREMENTS = (DOCKER, POSTGRES, BROWSER)
