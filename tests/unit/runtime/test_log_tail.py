"""What evidence keeps of a container's log is what `audit.log_tail` says; a configured value is never in it."""

from __future__ import annotations

import pytest

from provider import open_provider
from provider.bootstrap import open_insights
from provider.config.loading import load_settings
from provider.domain.events import EvidenceCollected
from provider.testing import FakeBackend
from tests.support.waiting import wait_until

LOG = "login with password=hunter2 and key s3cret-value\n"


@pytest.mark.parametrize(
    ("kept", "tail"),
    [
        ("redacted", "login with password=*** and key ***\n"),
        ("full", "login with password=hunter2 and key ***\n"),
        ("none", ""),
    ],
)
def test_the_log_of_a_dead_sandbox_is_kept_as_configured(sqlite_url: str, kept: str, tail: str) -> None:
    settings = load_settings(
        {
            "database": {"url": sqlite_url},
            "sandbox": {"environment": {"KEY": "s3cret-value"}},
            "audit": {"log_tail": kept},
            "sweeper": {"enabled": False},
        }
    )
    backend = FakeBackend()
    with open_provider(settings, backend=backend) as provider:
        sandbox_id = provider.acquire("thread-1")
        backend.write_log(sandbox_id, LOG)
        backend.kill(sandbox_id)
        wait_until(lambda: provider.get(sandbox_id) is None, what="the death")
        with_insights = open_insights(settings)
        found = [one.event for one in with_insights.history(sandbox_id) if isinstance(one.event, EvidenceCollected)]
        with_insights.close()
    assert [one.log_tail for one in found] == [tail]
