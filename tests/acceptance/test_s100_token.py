"""S100, S101: a sandbox obeys the workers of its ledger and nobody else, and the token is written nowhere."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

from provider.sandbox.access_token import sandbox_token
from provider.store.database import open_database
from provider.store.keys import read_token_key
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment
from tests.support.acceptance.engines import DockerAcceptanceEngine

COMMAND = json.dumps({"command": "echo reached > reached; env"})


def ask(url: str, **headers: str) -> int:
    """Post a command as any program on this machine can; return the status."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    try:
        connection.request("POST", "/v1/shell/exec", COMMAND, {"Content-Type": "application/json", **headers})
        return connection.getresponse().status
    finally:
        connection.close()


@on("process", "docker")
def test_s100_a_command_without_the_token_is_refused(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    mine, other = worker.provider.ensure("mine"), worker.provider.ensure("other")
    assert ask(mine.url) == 401
    assert ask(mine.url, Authorization=f"Bearer {token_of(deployment, other.id)}") == 401
    assert ask(mine.url, Host="evil.example") == 403
    assert ask(mine.url, Origin="http://evil.example") == 403
    inside = other.execute_command(
        "python3 -c \"import urllib.request as r; r.urlopen(r.Request('"
        + mine.url
        + "/v1/shell/exec', b'{}', {'Content-Type': 'application/json'}))\" 2>&1"
    )
    assert inside.exit_code != 0
    assert mine.execute_command("ls").output == ""
    assert ask(mine.url, Authorization=f"Bearer {token_of(deployment, mine.id)}") == 200


@on("process", "docker")
def test_s101_every_worker_of_the_ledger_can_call(deployment: Deployment) -> None:
    first, second = deployment.open_worker(), deployment.open_worker()
    sandbox_id = first.provider.acquire("thread-1")
    found = second.provider.get(second.provider.acquire("thread-1"))
    assert found is not None
    assert found.id == sandbox_id
    assert found.execute_command("echo yes").output == "yes\n"


@on("process", "docker")
def test_s101_the_token_is_written_nowhere(deployment: Deployment) -> None:
    sandbox = deployment.open_worker().provider.ensure("thread-1")
    token = token_of(deployment, sandbox.id)
    inside = sandbox.execute_command("env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null").output
    told = [inside, repr(sandbox), *map(repr, deployment.audit.rows("SELECT * FROM events"))]
    told += map(repr, deployment.containers())
    if isinstance(deployment.engine, DockerAcceptanceEngine):
        info = deployment.find_container(sandbox.id)
        with deployment.engine.client() as client:
            told.append(json.dumps(client.inspect_container(info.container_id or "")))
    assert not [text for text in told if token in text]


@on("process", "docker")
def test_an_image_that_checks_nothing_needs_to_be_allowed(deployment: Deployment) -> None:
    sandbox = deployment.open_worker(auth="none").provider.ensure("thread-1")
    assert ask(sandbox.url) == 200


def token_of(deployment: Deployment, sandbox_id: str) -> str:
    """Make the token as a worker does."""
    database = open_database(deployment.database_url)
    try:
        return sandbox_token(read_token_key(database), deployment.find_container(sandbox_id).container_name)
    finally:
        database.close()
