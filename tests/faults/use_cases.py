"""The use cases that are walked: what is there before, and the one step that is struck."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from provider import SandboxProvider
from provider.bootstrap import open_actions, open_administration
from provider.domain.actions import Order, SandboxAction
from provider.domain.containers import SandboxSpec
from provider.domain.errors import SandboxError, SandboxGone
from provider.domain.ids import derive_sandbox_id
from tests.faults.stage import LEASE_SECONDS, OTHER, THREAD, Stage
from tests.support.waiting import wait_until

ID = derive_sandbox_id(None, THREAD)
OTHER_ID = derive_sandbox_id(None, OTHER)


@dataclass(frozen=True, slots=True)
class Actors:
    """The worker that is struck, and what it works on."""

    worker: SandboxProvider
    stage: Stage


Step = Callable[[Actors], Any]


def nothing(_: Actors) -> None:
    """Need no preparation."""


@dataclass(frozen=True, slots=True)
class UseCase:
    """`before` and `act` run in one worker; with `opens`, its start is part of the act, with `closes` its end."""

    act: Step
    before: Step = nothing
    options: dict[str, Any] = field(default_factory=dict)
    opens: bool = False
    closes: bool = False
    abandoned_at: str | None = None
    """An earlier worker is killed there in a cold acquire, and its lease lapses before the act."""


def acquire(actors: Actors) -> str:
    """Acquire the thread's sandbox."""
    return actors.worker.acquire(THREAD)


def acquire_other(actors: Actors) -> str:
    """Acquire another thread's sandbox."""
    return actors.worker.acquire(OTHER)


def let_go(actors: Actors) -> None:
    """Have a warm sandbox."""
    actors.worker.release(actors.worker.acquire(THREAD))


def crash(actors: Actors) -> None:
    """Have a sandbox whose container has crashed unnoticed."""
    actors.worker.acquire(THREAD)
    actors.stage.backend.kill(ID)


def fill(actors: Actors) -> None:
    """Have the only place taken by a warm sandbox of another thread."""
    actors.worker.release(actors.worker.acquire(OTHER))


def is_alone(actors: Actors) -> bool:
    """Tell whether one container is left."""
    return len(actors.stage.backend.discover()) <= 1


def restart(actors: Actors) -> None:
    """Replace the container, and see the old one removed."""
    actors.worker.restart(ID)
    wait_until(lambda: is_alone(actors), what="the removal", timeout_seconds=5)


def crash_and_watch(actors: Actors) -> None:
    """Crash the container and let the watch find it."""
    actors.stage.backend.kill(ID)
    wait_until(lambda: not actors.stage.backend.discover(), what="the burial", timeout_seconds=5)


def fail(switch: str) -> Step:
    """Acquire while the engine fails once, then again."""

    def step(actors: Actors) -> None:
        actors.stage.backend.switch_on(switch)
        with contextlib.suppress(SandboxError):
            actors.worker.acquire(THREAD)
        actors.worker.acquire(THREAD)

    return step


def fail_and_sweep(switch: str, act: Step) -> Step:
    """Do something while the engine fails once; then a sweep finishes it."""

    def step(actors: Actors) -> None:
        actors.stage.backend.switch_on(switch)
        with contextlib.suppress(SandboxError):
            act(actors)
        actors.worker.sweep()

    return step


def give_up_waiting(actors: Actors) -> None:
    """Have a sandbox in a crash loop's back-off."""
    crash(actors)
    actors.worker.get(ID)


def sweep(actors: Actors) -> None:
    """Sweep once."""
    actors.worker.sweep()


def plant(actors: Actors) -> None:
    """Have a container on the engine that the ledger does not know, older than the grace."""
    actors.stage.backend.create(SandboxSpec(ID, 1, None, THREAD))
    outlast_the_lease(actors)


def outlast_the_lease(_: Actors) -> None:
    """Let the lease of a killed worker lapse: nothing else tells that it is over."""
    time.sleep(1.2 * LEASE_SECONDS)


def age(actors: Actors) -> None:
    """Have a sandbox that is held and unused for a while."""
    actors.worker.acquire(THREAD)
    outlast_the_lease(actors)


def call(actors: Actors) -> None:
    """Call a sandbox that nobody holds: nobody answers here, but the hold is taken and given back."""
    sandbox = actors.worker.get(ID)
    assert sandbox is not None
    with contextlib.suppress(SandboxGone):
        sandbox.execute_command("true")


def order(action: SandboxAction) -> Step:
    """Have an operator do it, in a worker of the operator's own."""

    def step(actors: Actors) -> None:
        operator = open_actions(actors.stage.settings(), backend=actors.stage.backend)
        try:
            operator.perform(Order(operator="ann", action=action, reason="a test", target=ID, command_id="order-1"))
        finally:
            operator.close()

    return step


def seal(actors: Actors) -> None:
    """Seal the log."""
    with contextlib.closing(open_administration(actors.stage.settings())) as ledger:
        ledger.seal("operator:ann")


def come_back(actors: Actors) -> None:
    """Acquire again when a crash loop's back-off is over."""
    wait_until(lambda: _acquired(actors), what="the end of the back-off")


def _acquired(actors: Actors) -> bool:
    try:
        actors.worker.acquire(THREAD)
    except SandboxError:
        return False
    return True


USE_CASES: dict[str, UseCase] = {
    "start": UseCase(acquire, opens=True),
    "acquire_cold": UseCase(acquire),
    "acquire_warm": UseCase(acquire, let_go),
    "acquire_shared": UseCase(acquire, lambda a: a.stage.open().acquire(THREAD)),
    "acquire_crashed": UseCase(acquire, crash),
    "acquire_abandoned": UseCase(acquire, abandoned_at="engine.create.after"),
    "acquire_create_fails": UseCase(fail("fail-create")),
    "acquire_never_ready": UseCase(fail("fail-ready")),
    "acquire_after_back_off": UseCase(come_back, crash, {"backoff_free": 0}),
    "call_warm": UseCase(call, let_go, closes=True),
    "get_crashed": UseCase(lambda a: a.worker.get(ID), crash),
    "watch_crashed": UseCase(crash_and_watch, acquire, {"probes": True}),
    "release": UseCase(lambda a: a.worker.release(ID), acquire),
    "destroy": UseCase(lambda a: a.worker.destroy(ID), acquire),
    "destroy_crashed": UseCase(lambda a: a.worker.destroy(ID), crash),
    "destroy_fails": UseCase(fail_and_sweep("fail-destroy", lambda a: a.worker.destroy(ID)), acquire),
    "evidence_fails": UseCase(fail_and_sweep("fail-evidence", lambda a: a.worker.get(ID)), crash),
    "clear_back_off": UseCase(lambda a: a.worker.clear_backoff(ID), give_up_waiting, {"backoff_free": 0}),
    "restart": UseCase(restart, acquire),
    "restart_crashed": UseCase(restart, crash),
    "evict_for_capacity": UseCase(acquire, fill, {"replicas": 1}),
    "operator_destroys": UseCase(order("destroy"), acquire),
    "operator_restarts": UseCase(order("restart"), acquire),
    "operator_releases": UseCase(order("release"), acquire),
    "seal": UseCase(seal, acquire),
    "sweep_crashed": UseCase(sweep, crash),
    "sweep_idle": UseCase(sweep, age, {"idle_timeout": 0.2}),
    "sweep_orphan": UseCase(sweep, plant),
    "sweep_adopts": UseCase(lambda a: a.worker.sweep(adopt=True), plant),
    "sweep_abandoned": UseCase(sweep, outlast_the_lease, abandoned_at="engine.create.after"),
    "sweep_lost_worker": UseCase(sweep, outlast_the_lease, abandoned_at="append.SandboxReady.after"),
    "shutdown_keep": UseCase(nothing, acquire, closes=True),
    "shutdown_destroy_own": UseCase(nothing, acquire, {"on_shutdown": "destroy_own"}, closes=True),
    "shutdown_destroy_if_last": UseCase(nothing, acquire, {"on_shutdown": "destroy_if_last"}, closes=True),
}
