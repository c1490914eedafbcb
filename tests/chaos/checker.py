"""The checker: from what is left after a run to the list of broken invariants (DESIGN.md section 4). Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from provider.domain import events as ev
from provider.domain.codec import to_payload
from tests.chaos.lives import Account, Life
from tests.chaos.log_rules import check_log
from tests.chaos.observation import Called, Observation, Violation

STAMP_SLACK = timedelta(seconds=1)
"""An end is stamped before its commit is seen: for so long others may in good faith be given what has just ended."""
PREFIX = "sandbox:"


def check(seen: Observation) -> list[Violation]:
    """List every violation that can be seen; none for a healthy ledger."""
    accounts: dict[str, Account] = {}
    violations = [*check_log(seen.events), *_follow(seen, accounts), *_check_workers(seen)]
    violations += [Violation("folding the log gives the projections", difference) for difference in seen.differences]
    violations += [*_check_identities(accounts), *_check_handed(seen, accounts), *_check_secrets(seen)]
    violations += [*_check_doubles(seen), *_check_called(seen)]
    if seen.converged:
        violations += [*_check_settled(seen, accounts), *_check_engine(seen, accounts)]
    return violations


def _follow(seen: Observation, accounts: dict[str, Account]) -> Iterator[Violation]:
    """Follow the log in its order; the capacity must hold at every position."""
    for recorded in seen.events:
        event = recorded.event
        if not isinstance(event, ev.SandboxEvent):
            continue
        sandbox_id = recorded.stream.removeprefix(PREFIX)
        account = accounts.setdefault(sandbox_id, Account(sandbox_id))
        before = account.occupies
        for rule in account.apply(event, recorded.recorded_at):
            yield Violation(rule, f"{event.type} of {sandbox_id} g{event.generation} at {recorded.position}")
        if account.occupies and not before:
            yield from _check_capacity(seen, accounts, account, recorded.position)


def _check_capacity(
    seen: Observation, accounts: dict[str, Account], grown: Account, position: int
) -> Iterator[Violation]:
    live = [account for account in accounts.values() if account.occupies]
    if len(live) > seen.replicas:
        yield Violation("the capacity holds", f"{len(live)} live at {position}, {seen.replicas} allowed")
    user = grown.identity[0] if grown.identity else None
    own = sum(1 for account in live if account.identity and account.identity[0] == user)
    if seen.per_user is not None and own > seen.per_user:
        yield Violation("the capacity of a user holds", f"{own} live of {user!r} at {position}")


def _check_identities(accounts: dict[str, Account]) -> Iterator[Violation]:
    bound: dict[tuple[str | None, str | None], str] = {}
    for account in accounts.values():
        if account.identity is None or account.identity[1] is None:
            continue
        other = bound.setdefault(account.identity, account.sandbox_id)
        if other != account.sandbox_id:
            yield Violation("one sandbox per (user, thread)", f"{account.identity}: {other} and {account.sandbox_id}")


def _check_workers(seen: Observation) -> Iterator[Violation]:
    """Only a worker that has joined holds anything; one that has left holds nothing in the end."""
    joined: set[str] = set()
    there: set[str] = set()
    for recorded in seen.events:
        match recorded.event:
            case ev.WorkerStarted(worker_id=worker_id):
                joined.add(worker_id)
                there.add(worker_id)
            case ev.WorkerStopped(worker_id=worker_id) | ev.WorkerLost(worker_id=worker_id):
                there.discard(worker_id)
            case ev.SandboxAcquired(worker_id=worker_id) if worker_id not in joined:
                yield Violation("only known workers hold", f"{worker_id} at {recorded.position}")
    if seen.converged:
        for row in seen.rows:
            for holder in set(row.holders) - there:
                yield Violation("ended workers hold nothing", f"{holder} holds {row.sandbox_id}")


def _check_settled(seen: Observation, accounts: dict[str, Account]) -> Iterator[Violation]:
    """Nothing is left half done."""
    for account in accounts.values():
        for life in account.lives.values():
            who = f"{life.sandbox_id} g{life.number}"
            if life.occupies and life.ready_at is None:
                yield Violation("no creation is left half done", who)
            if life.died_at is not None and not life.examined:
                yield Violation("every death is examined", who)
            if not life.occupies and life.removed_at is None:
                yield Violation("no removal is left half done", who)
    for row in seen.rows:
        live = _find_live(accounts.get(row.sandbox_id))
        if (row.status in ("active", "warm")) != (live is not None):
            yield Violation("the mapping holds live sandboxes only", f"{row.sandbox_id} is {row.status}")
        elif live is not None and (set(row.holders) != live.holders or row.generation != live.number):
            yield Violation("the mapping says what the log says", f"{row.sandbox_id} g{row.generation} {row.holders}")


def _check_engine(seen: Observation, accounts: dict[str, Account]) -> Iterator[Violation]:
    """The engine's containers are the live generations: no leak, no loss."""
    live = [life for account in accounts.values() if (life := _find_live(account)) is not None]
    recorded = {(life.sandbox_id, life.number) for life in live}
    running = {(found.info.sandbox_id, found.info.generation) for found in seen.containers if found.running}
    present = {(found.info.sandbox_id, found.info.generation) for found in seen.containers}
    for sandbox_id, number in sorted(present - recorded):
        yield Violation("no container is leaked", f"{sandbox_id} g{number}")
    for sandbox_id, number in sorted(recorded - running):
        yield Violation("no container is lost", f"{sandbox_id} g{number}")


def _check_doubles(seen: Observation) -> Iterator[Violation]:
    """Even before convergence no generation has two containers."""
    counted = Counter((found.info.sandbox_id, found.info.generation) for found in seen.containers)
    for (sandbox_id, number), count in counted.items():
        if count > 1:
            yield Violation("one container per generation", f"{sandbox_id} g{number} has {count}")


def _check_handed(seen: Observation, accounts: dict[str, Account]) -> Iterator[Violation]:
    """Whatever an acquire returned was live at a moment of that call.

    Live generations of a sandbox never overlap in the log, so no two workers were given different containers of one
    thread at the same time.
    """
    given: dict[tuple[str | None, str], str] = {}
    for handed in seen.handed:
        what = f"{handed.sandbox_id} g{handed.generation} to {handed.worker_id} at {handed.ended_at.isoformat()}"
        first = given.setdefault((handed.user_id, handed.thread_id), handed.sandbox_id)
        if first != handed.sandbox_id:
            yield Violation("a thread has one sandbox", f"{handed.thread_id}: {first} and {what}")
        account = accounts.get(handed.sandbox_id)
        life = account.lives.get(handed.generation) if account else None
        if life is None or life.ready_at is None:
            yield Violation("what is handed out is live", f"{what} was never ready")
        elif life.ready_at > handed.ended_at:
            yield Violation("what is handed out is live", f"{what} was not ready yet")
        elif life.over_at is not None and life.over_at + STAMP_SLACK < handed.began_at:
            yield Violation("what is handed out is live", f"{what} was over at {life.over_at.isoformat()}")


def _check_called(seen: Observation) -> Iterator[Violation]:
    """What is being called is evicted neither as idle nor for others' sake, unless the caller's lease lapsed."""
    evicted = [
        (recorded.stream.removeprefix(PREFIX), recorded.event.generation, recorded)
        for recorded in seen.events
        if isinstance(recorded.event, ev.SandboxEvicted) and recorded.event.reason in ("idle", "capacity")
    ]
    for called in seen.called:
        for sandbox_id, generation, recorded in evicted:
            if (sandbox_id, generation) != (called.sandbox_id, called.generation):
                continue
            if called.began_at < recorded.recorded_at < called.ended_at and not _was_lost(seen, called):
                yield Violation("what is being called is not evicted", f"{sandbox_id} g{generation} by {called}")


def _was_lost(seen: Observation, called: Called) -> bool:
    lost = (r for r in seen.events if isinstance(r.event, ev.WorkerLost) and r.event.worker_id == called.worker_id)
    return any(recorded.recorded_at < called.ended_at for recorded in lost)


def _check_secrets(seen: Observation) -> Iterator[Violation]:
    for secret in seen.secrets:
        for recorded in seen.events:
            payload = json.dumps(to_payload(recorded.event), ensure_ascii=False)
            if secret in payload or secret in recorded.actor:
                yield Violation("no secret is told", f"event {recorded.position} ({recorded.event.type})")
        for name, text in seen.texts.items():
            if secret in text:
                yield Violation("no secret is told", f"log {name}")


def _find_live(account: Account | None) -> Life | None:
    lives: Sequence[Life] = list(account.lives.values()) if account is not None else ()
    return next((life for life in lives if life.is_live), None)
