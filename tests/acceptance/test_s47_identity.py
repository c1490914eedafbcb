"""Who a sandbox belongs to, and which ids are taken at all: S47, and bad input."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Any

import pytest

from provider import ConfigError, IdentityCollision, InvalidIdError
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment

BAD_NAMES = ["", "   ", "a\0b", "line\nfeed", "\x1b[31m", "\udc80", "x" * 513, "x" * 1_000_000, 7, b"bytes", ["a"]]
UNUSUAL_NAMES = ["線程 🚀", "x" * 512, "../../etc/passwd", "'; DROP TABLE events; --", "$(reboot)", "None", "a/b:c"]
NO_TEXT = [None, 7, b"0123456789abcdef"]


def test_s47_a_sandbox_is_never_shared_by_two_identities(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1", user_id="alice")
    # No two texts with one id are known, so that the row says it is bound to another pair is made true by hand.
    deployment.is_tampered_with = True
    deployment.audit.execute("UPDATE sandboxes SET user_id = 'mallory' WHERE sandbox_id = :id", id=sandbox_id)
    before, calls = deployment.audit.types(), worker.backend.calls

    with pytest.raises(IdentityCollision, match=rf"{sandbox_id}.*'mallory'.*'thread-1'.*refused"):
        worker.provider.acquire("thread-1", user_id="alice")

    assert deployment.audit.types() == before
    assert deployment.audit.sandbox(sandbox_id)["user_id"] == "mallory"
    assert +worker.backend.calls - Counter(probe=10**6) == +calls - Counter(probe=10**6), "looking is no engine call"
    assert worker.provider.get(sandbox_id) is not None, "the one that is there is not harmed"


@on("fake")
def test_s47_a_gone_sandbox_keeps_its_identity(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1", user_id="alice")
    worker.provider.destroy(sandbox_id)
    deployment.is_tampered_with = True
    deployment.audit.execute("UPDATE sandboxes SET thread_id = 'thread-2' WHERE sandbox_id = :id", id=sandbox_id)

    with pytest.raises(IdentityCollision):
        worker.provider.acquire("thread-1", user_id="alice")
    assert deployment.containers() == []


@on("fake")
def test_identities_that_look_alike_are_kept_apart(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    pairs = [
        ("a", "b"), ("b", "a"), ("a", "b "), ("a", "B"), (None, "b"), ("None", "b"), ('a","b', "c"), ("a", 'b","c'),
        ("a", unicodedata.normalize("NFC", "é")), ("a", unicodedata.normalize("NFD", "é")),
    ]  # fmt: skip
    assert len({worker.provider.acquire(thread, user_id=user) for user, thread in pairs}) == len(pairs)


@on("fake")
def test_a_bad_name_is_refused_before_anything_is_written(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    for bad in BAD_NAMES:
        name: Any = bad
        with pytest.raises(InvalidIdError, match="thread_id") as caught:
            worker.provider.acquire(name)
        assert len(str(caught.value)) < 300
        with pytest.raises(InvalidIdError, match="user_id"):
            worker.provider.acquire("thread-1", user_id=name)
        with pytest.raises(InvalidIdError):
            worker.provider.ensure(name)
    assert deployment.audit.count_events() == 0
    assert deployment.audit.rows("SELECT * FROM sandboxes") == []
    assert worker.backend.calls == {}


@on("fake", "process")
def test_an_unusual_name_is_as_good_as_any(deployment: Deployment) -> None:
    worker, other = deployment.open_worker(), deployment.open_worker()
    for name in UNUSUAL_NAMES:
        sandbox_id = worker.provider.acquire(name, user_id=name)
        row = deployment.audit.sandbox(sandbox_id)
        assert (row["user_id"], row["thread_id"]) == (name, name)
        assert other.provider.acquire(name, user_id=name) == sandbox_id
    labels = [found.labels for found in deployment.containers()]
    assert {one["sandbox-ledger.user"] for one in labels} == set(UNUSUAL_NAMES)
    assert all(one["sandbox-ledger.user"] == one["sandbox-ledger.thread"] for one in labels)


@on("docker")
def test_a_docker_container_carries_any_name(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    names = UNUSUAL_NAMES[:2]
    ids = [worker.provider.acquire(name, user_id=name) for name in names]
    labels = {found.info.sandbox_id: found.labels["sandbox-ledger.thread"] for found in deployment.containers()}
    assert labels == dict(zip(ids, names, strict=True))


@on("fake")
def test_a_malformed_sandbox_id_is_refused(deployment: Deployment) -> None:
    provider = deployment.open_worker().provider
    for bad in [*NO_TEXT, "", "nonsense", "0123456789ABCDEF", "0123456789abcdef\n", "a\0b", "f" * 10**6]:
        sandbox_id: Any = bad
        for call in (provider.release, provider.destroy, provider.restart):
            with pytest.raises(InvalidIdError, match="sandbox id") as caught:
                call(sandbox_id)
            assert len(str(caught.value)) < 300
    assert deployment.audit.count_events() == 0


@on("fake")
def test_get_refuses_what_is_no_text(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    for bad in NO_TEXT:
        sandbox_id: Any = bad
        with pytest.raises(InvalidIdError, match="expected text"):
            worker.provider.get(sandbox_id)


@on("fake")
def test_a_bad_actor_is_refused_before_anything_is_done(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    written = deployment.audit.count_events()
    for bad in ["a\0b", "\udc80", "", "x" * 1_000_000, 7]:
        actor: Any = bad
        for call in (worker.provider.destroy, worker.provider.restart):
            with pytest.raises(InvalidIdError, match="actor"):
                call(sandbox_id, actor=actor)
    assert deployment.audit.count_events() == written
    assert worker.provider.get(sandbox_id) is not None


@on("fake")
def test_a_bad_timeout_is_refused_before_anything_is_done(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    for bad in [float("nan"), -1, "soon"]:
        timeout: Any = bad
        with pytest.raises(ConfigError, match="timeout"):
            worker.provider.acquire("thread-1", timeout=timeout)
    assert deployment.audit.count_events() == 0
