"""The leader seals the log on schedule; a quiet ledger gets no second seal."""

from __future__ import annotations

from collections.abc import Callable

from provider import SandboxProvider, open_provider
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.domain.events import LedgerSealed
from provider.domain.seals import SealKey
from provider.testing import FakeBackend
from tests.support.waiting import wait_until

KEY = "a secret of this test: 0123456789abcdef"


def runs_of(worker: SandboxProvider) -> Callable[[], int]:
    return lambda: next(job.runs for job in worker.list_jobs() if job.name == "seal")


def test_the_leader_seals_on_schedule_and_nothing_twice(database_url: str) -> None:
    settings = load_settings({
        "database": {"url": database_url},
        "sweeper": {"interval": 0.1},
        "audit": {"seal_interval": 0.05, "seal_key": KEY},
    })  # fmt: skip
    with open_provider(settings, backend=FakeBackend("here")) as worker:
        store = open_store(settings)
        worker.acquire("thread")

        def seals() -> list[LedgerSealed]:
            return [one.event for one in store.read_stream("ledger") if isinstance(one.event, LedgerSealed)]

        def is_sealed() -> bool:
            last = seals()[-1:]
            return bool(last) and store.head_position() == last[0].position + 1

        wait_until(is_sealed, what="a seal of all that happened")
        count, runs = len(seals()), runs_of(worker)()
        wait_until(lambda: runs_of(worker)() >= runs + 3, what="three more looks")
        assert len(seals()) == count
        assert {one.key_id for one in seals()} == {SealKey.from_text(KEY).key_id}
        worker.acquire("another thread")
        wait_until(lambda: len(seals()) > count and is_sealed(), what="another seal")
        store.close()


def test_a_schedule_of_zero_seals_nothing(sqlite_url: str) -> None:
    settings = {"database": {"url": sqlite_url}, "sweeper": {"interval": 0.1}, "audit": {"seal_interval": 0}}
    with open_provider(settings, backend=FakeBackend("here")) as worker:
        assert "seal" not in {job.name for job in worker.list_jobs()}
