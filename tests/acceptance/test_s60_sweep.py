"""S60 to S65 and the sweep's part of S22 to S24: real processes, both databases, real containers where it counts."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from provider.domain.containers import SandboxSpec
from tests.support.command_line import CommandLine
from tests.support.many_workers.crew import Crew, RemoteError, RemoteWorker, id_of
from tests.support.many_workers.fixtures import on
from tests.support.waiting import wait_until

OFTEN = {"interval": 0.2}
QUIET = {"liveness": "inspect"}


def rows(crew: Crew) -> list[dict[str, Any]]:
    return crew.ledger.rows("SELECT * FROM sweeps WHERE finished_at IS NOT NULL ORDER BY started_at")


def reason(crew: Crew, sandbox_id: str) -> str:
    (evicted,) = crew.ledger.data(sandbox_id, "SandboxEvicted")
    return str(evicted["reason"])


@on("file", "process", "docker")
def test_s60_the_sweep_finds_what_no_agent_asks_for(crew: Crew) -> None:
    worker = crew.open_worker(**QUIET)
    sandbox_id, healthy = worker.ask("acquire", "t"), worker.ask("acquire", "healthy")
    crew.crash(sandbox_id)

    def is_removed() -> bool:
        worker.ask("sweep")
        return "SandboxDestroyed" in crew.ledger.types(sandbox_id)

    wait_until(is_removed, what="the engine to know of the kill and the sweep to find it")
    for once in ("SandboxDied", "SandboxEvicted", "EvidenceCollected", "SandboxDestroyed"):
        assert crew.ledger.types(sandbox_id).count(once) == 1
    assert worker.ask("get", sandbox_id) is None
    assert worker.ask("get", healthy) == 1


def test_s60_ten_sweeps_at_once_record_a_death_once(crew: Crew) -> None:
    workers = [crew.open_worker(auto_restart=False), *(crew.open_worker(**QUIET) for _ in range(5))]
    ids = [workers[0].ask("acquire", f"t{n}") for n in range(10)]
    for sandbox_id in ids:
        crew.crash(sandbox_id)
    calls = [(worker, worker.send("sweep")) for worker in workers[1:] for _ in range(2)]
    counts = [worker.answer(call) for worker, call in calls]
    assert sum(count["dead"] for count in counts) == 10
    for sandbox_id in ids:
        assert crew.ledger.types(sandbox_id).count("SandboxDied") == 1
        assert crew.ledger.types(sandbox_id).count("SandboxDestroyed") == 1


@on("docker")
def test_s61_a_container_nobody_knows_goes_after_the_grace_and_strangers_stay(crew: Crew) -> None:
    short = {"lease": 0.5, "heartbeat": 0.1}
    waiting = crew.open_worker(sweeper={"enabled": False, "orphan_grace": 3600}, **short)
    backend = crew.overseer().worker.engine.backend
    info = backend.create(SandboxSpec("a" * 16, 1))
    waiting.ask("sweep")
    assert [found.info.container_id for found in backend.discover()] == [info.container_id]
    eager = crew.open_worker(sweeper={"enabled": False, "orphan_grace": 1}, **short)
    other_prefix = crew.open_worker(sweeper={"enabled": False, "orphan_grace": 1}, container_prefix="other", **short)
    time.sleep(2.5)  # the age of a container is the engine's to tell, in whole seconds
    other_prefix.ask("sweep")
    assert len(backend.discover()) == 1
    eager.ask("sweep")
    assert backend.discover() == []
    assert crew.ledger.count("events WHERE type = 'OrphanRemoved'") == 1


def test_s62_a_sweep_that_finds_nothing_leaves_a_row(crew: Crew) -> None:
    worker = crew.open_worker(sweeper=OFTEN)
    worker.ask("acquire", "t")
    found = wait_until(lambda: [row for row in rows(crew) if row["expected"]], what="a scheduled sweep")[0]
    assert (found["expected"], found["observed"], found["actions"], found["error"]) == (1, 1, 0, None)
    assert found["leader"] == worker.worker_id
    assert crew.ledger.count("events WHERE type = 'SweepCompleted'") == 0


def test_s63_an_engine_that_does_not_answer_fails_the_sweep_and_evicts_nothing(crew: Crew) -> None:
    worker = crew.open_worker(auto_restart=True, **QUIET)
    sandbox_id = worker.ask("acquire", "t")
    broken = _without_file_engine(crew)
    with pytest.raises(RemoteError, match="BackendUnavailable"):
        broken.ask("sweep")
    failed = next(row for row in rows(crew) if row["leader"] == broken.worker_id)
    assert "BackendUnavailable" in failed["error"]
    assert crew.ledger.status(sandbox_id) == "active"
    assert worker.ask("sweep")["observed"] == 1


def _without_file_engine(crew: Crew) -> RemoteWorker:
    """A worker of the same ledger whose engine is not there."""
    with crew.on_engine("docker"):
        return crew.open_worker(engine="unix:///nowhere/docker.sock", engine_timeout=1)


def test_s64_killing_the_one_that_sweeps_hands_over_within_one_lease(crew: Crew) -> None:
    lease = 2.0
    workers = {w.worker_id: w for w in [crew.open_worker(sweeper=OFTEN, lease=lease, heartbeat=0.3) for _ in range(2)]}
    wait_until(lambda: len(rows(crew)) >= 4, what="some sweeps")
    (leader,) = {row["leader"] for row in rows(crew)}
    workers.pop(leader).kill()
    (heir,) = workers
    wait_until(lambda: any(row["leader"] == heir for row in rows(crew)), what="the other to sweep", timeout_seconds=30)
    assert len({row["leader"] for row in rows(crew)}) == 2


@on("file", "docker")
def test_s65_idle_ones_are_reaped_active_and_warm(crew: Crew) -> None:
    worker = crew.open_worker(idle_timeout=1)
    active, warm = worker.ask("acquire", "active"), worker.ask("acquire", "warm")
    worker.ask("release", warm)
    keeper = crew.open_worker(idle_timeout=0)

    def swept() -> bool:
        assert keeper.ask("sweep")["idle"] == 0
        worker.ask("sweep")
        return crew.ledger.status(active) == crew.ledger.status(warm) == "gone"

    wait_until(swept, what="both to be reaped, although every sweep probes them", timeout_seconds=30)
    assert (reason(crew, active), reason(crew, warm)) == ("idle", "idle")


def test_s22_what_a_living_worker_uses_is_not_reaped_by_another(crew: Crew) -> None:
    user = crew.open_worker(idle_timeout=1)
    sandbox_id = user.ask("acquire", "t")
    crew.open_worker(idle_timeout=1, sweeper=OFTEN)
    used_until = time.monotonic() + 2.5  # twice as long as an unused one would stay
    while time.monotonic() < used_until or len(rows(crew)) <= 5:
        assert user.ask("get", sandbox_id) == 1


def test_s23_a_killed_workers_sandbox_is_released_then_reaped_and_not_before(crew: Crew) -> None:
    lost = crew.open_worker(lease=2, heartbeat=0.3)
    sandbox_id, lost_id = lost.ask("acquire", "t"), lost.worker_id
    sweeper = crew.open_worker(lease=2, heartbeat=0.3, idle_timeout=2)
    lost.kill()
    assert sweeper.ask("sweep")["lost_workers"] == 0
    assert crew.ledger.status(sandbox_id) == "active"
    wait_until(lambda: sweeper.ask("sweep")["lost_workers"] == 1, what="the lease to lapse")
    assert crew.ledger.data(sandbox_id, "SandboxReleased") == [
        {"generation": 1, "worker_id": lost_id, "cause": "lost_worker"}
    ]
    wait_until(lambda: sweeper.ask("sweep") and crew.ledger.status(sandbox_id) == "gone", what="the reaping")
    assert reason(crew, sandbox_id) == "idle"


def test_s24_a_creation_left_by_a_killed_worker_is_given_up_and_leaves_no_container(crew: Crew) -> None:
    lost = crew.open_worker(lease=1.5, heartbeat=0.3)
    lost.ask("pause_at", "engine.create.after")
    lost.send("acquire", "t")
    lost.wait_stopped()
    lost.kill()
    sweeper = crew.open_worker(lease=1.5, heartbeat=0.3)
    sandbox_id = id_of("t")
    wait_until(lambda: sweeper.ask("sweep") and crew.ledger.status(sandbox_id) == "gone", what="the creation's end")
    wait_until(lambda: sweeper.ask("sweep") and not crew.containers.discover(), what="the container's removal")
    assert crew.ledger.types(sandbox_id) == ["SandboxCreating", "SandboxCreateFailed", "SandboxDestroyed"]


@pytest.mark.parametrize(
    "point",
    [
        "engine.discover.before", "engine.discover.after", "append.SandboxDied.before", "append.SandboxDied.after",
        "engine.evidence.before", "engine.evidence.after", "append.SandboxEvicted.before",
        "append.SandboxEvicted.after", "engine.destroy.before", "engine.destroy.after",
        "append.SandboxDestroyed.before", "append.SandboxDestroyed.after", "append.SweepCompleted.before",
    ],
)  # fmt: skip
def test_s24_a_sweep_killed_anywhere_is_finished_by_the_next(crew: Crew, point: str) -> None:
    owner = crew.open_worker(auto_restart=False)
    sandbox_id = owner.ask("acquire", "t")
    crew.crash(sandbox_id)
    killed = crew.open_worker(**QUIET)
    killed.ask("pause_at", point)
    killed.send("sweep")
    killed.wait_stopped()
    killed.kill()
    crew.open_worker(**QUIET).ask("sweep")
    for once in ("SandboxDied", "SandboxEvicted", "EvidenceCollected", "SandboxDestroyed"):
        assert crew.ledger.types(sandbox_id).count(once) == 1
    assert crew.containers.discover() == []


def test_doctor_shows_each_job_of_another_process(crew: Crew, tmp_path: Path) -> None:
    worker = crew.open_worker(heartbeat=0.2, sweeper={"enabled": True, "interval": 0.5})
    cli = CommandLine(tmp_path, crew.configuration(backend="process"))
    jobs = {"job heartbeat", "job flush_activity", "job lead", "job sweep", "job forget_sweeps", "job seal"}

    def told() -> dict[str, str]:
        findings = json.loads(cli.run("-o", "json", "doctor").stdout)
        found = {one["subject"]: f"{one['status']}: {one['message']}" for one in findings if one["subject"] in jobs}
        return found if set(found) == jobs and "not run yet" not in found["job sweep"] else {}

    found = wait_until(told, what="the jobs in doctor")
    assert all(line.startswith("ok: ") for line in found.values()), found
    assert "every 0.5 s, on 1 worker; " in found["job sweep"]
    worker.kill()
