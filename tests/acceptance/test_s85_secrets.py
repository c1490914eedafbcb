"""Secrets of the configuration reach the sandbox and nothing else: S85."""

from __future__ import annotations

import logging

import pytest

from provider import SandboxStartError
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment

SECRET = "c4n4ry-7f3a9d-of-the-mine"


@on("process", "docker")
def test_s85_a_secret_is_in_no_event_log_line_or_error(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("API_KEY", SECRET)
    # As root, because only the server's user may write to the container's log.
    worker = deployment.open_worker(environment={"API_KEY": "$API_KEY"}, security={"user": "root"})
    sandbox = worker.provider.ensure("thread-1")
    assert sandbox.execute_command("echo $API_KEY").output == f"{SECRET}\n", "the sandbox has it"
    log = "/proc/1/fd/2" if deployment.engine.name == "docker" else "../log"
    assert sandbox.execute_command(f'echo "key is $API_KEY, so there" >> {log}').exit_code == 0
    deployment.kill(sandbox.id)

    assert worker.provider.get(sandbox.id) is None

    tail = deployment.audit.find_event(sandbox.id, "EvidenceCollected").data["log_tail"]
    assert "key is ***, so there" in tail, "the evidence holds the log, without the secret"
    _assert_nowhere(deployment, caplog)


@on("process", "docker")
def test_s85_a_start_that_fails_does_not_tell(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("API_KEY", SECRET)
    worker = deployment.open_worker(environment={"API_KEY": "$API_KEY"}, readiness={"path": "/never", "timeout": 0.5})
    with pytest.raises(SandboxStartError) as caught:
        worker.provider.acquire("thread-1")
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    _assert_nowhere(deployment, caplog)


def test_s85_what_an_engine_says_about_a_secret_is_not_repeated(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    worker = deployment.open_worker(environment={"API_KEY": SECRET})
    words = f"invalid environment: API_KEY={SECRET}"
    for error in (SandboxStartError("0" * 16, "create", words), RuntimeError(words)):
        worker.backend.fail("create", error, times=1)
        with pytest.raises(Exception, match="invalid environment") as caught:
            worker.provider.acquire("thread-1")
        assert SECRET not in str(caught.value)
    _assert_nowhere(deployment, caplog)


@on("fake")
def test_s85_settings_do_not_show_secrets(deployment: Deployment) -> None:
    worker = deployment.open_worker(environment={"API_KEY": SECRET})
    assert SECRET not in repr(deployment.settings(environment={"API_KEY": SECRET}))
    assert SECRET not in repr(worker.provider)


def _assert_nowhere(deployment: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    assert deployment.audit.count_events() > 0
    assert SECRET not in deployment.audit.dump()
    assert caplog.records
    assert all(SECRET not in str(vars(record)) for record in caplog.records)
    assert SECRET not in caplog.text
