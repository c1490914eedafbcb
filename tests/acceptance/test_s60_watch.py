"""S60, the half of the watch: deaths are recorded when they happen, once, though nobody calls."""

from __future__ import annotations

from typing import Any

from tests.support.many_workers.crew import Crew
from tests.support.many_workers.fixtures import on
from tests.support.waiting import wait_until


def wait_for_death(crew: Crew, sandbox_id: str) -> dict[str, Any]:
    found = wait_until(lambda: crew.ledger.data(sandbox_id, "SandboxDied"), what="the death in the ledger")
    return found[0]


def test_s60_ten_workers_see_it_and_one_records_it(crew: Crew) -> None:
    workers = [crew.start_worker() for _ in range(10)]
    calls = [(worker, worker.send("acquire", "t")) for worker in workers if worker.worker_id]
    (sandbox_id,) = {worker.answer(call) for worker, call in calls}
    crew.crash(sandbox_id)
    died = wait_for_death(crew, sandbox_id)
    assert died["detected_by"] == "watch"
    wait_until(lambda: "SandboxDestroyed" in crew.ledger.types(sandbox_id), what="the removal")
    assert [worker.ask("get", sandbox_id) for worker in workers] == [None] * 10
    once = ["SandboxDied", "SandboxEvicted", "EvidenceCollected", "SandboxDestroyed"]
    assert sorted(crew.ledger.types(sandbox_id)[-4:]) == sorted(once)
    assert all(crew.ledger.types(sandbox_id).count(type_) == 1 for type_ in once)


@on("process", "docker")
def test_s60_the_kernel_tells_while_nobody_asks(crew: Crew) -> None:
    """How soon is what `make bench` measures."""
    workers = [crew.open_worker(), crew.open_worker()]
    (sandbox_id,) = {worker.ask("acquire", "t") for worker in workers}
    crew.crash(sandbox_id)
    died = wait_for_death(crew, sandbox_id)
    assert died["detected_by"] == "watch"
    wait_until(lambda: "SandboxDestroyed" in crew.ledger.types(sandbox_id), what="the removal")
    assert crew.ledger.types(sandbox_id).count("SandboxDied") == 1
