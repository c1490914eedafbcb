"""A replay has the counts that one works out by hand, and keeps the sums that must hold under every policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from provider.domain import events as ev
from provider.domain.policy import BackoffPolicy
from provider.domain.tally import CourseTally, RecordedCourse
from provider.domain.what_if import Replay, ReplayPolicy

BEGIN = datetime(2026, 7, 1, tzinfo=UTC)
Story = list[tuple[float, str, ev.SandboxEvent]]


def policy(idle_timeout: float = 600, replicas: int = 3, backoff: BackoffPolicy | None = None) -> ReplayPolicy:
    return ReplayPolicy(idle_timeout=idle_timeout, replicas=replicas, backoff=backoff or BackoffPolicy())


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def acquired(how: ev.How = "created", worker: str = "w") -> ev.SandboxAcquired:
    return ev.SandboxAcquired(generation=1, worker_id=worker, how=how)


def released(worker: str = "w") -> ev.SandboxReleased:
    return ev.SandboxReleased(generation=1, worker_id=worker, cause="request")


def evicted(reason: ev.EndReason) -> ev.SandboxEvicted:
    return ev.SandboxEvicted(generation=1, reason=reason)


DIED = ev.SandboxDied(generation=1, detected_by="watch", detected_at=BEGIN)


def played(story: Story, under: ReplayPolicy, until: float, begin: float | None = None) -> CourseTally:
    replay = Replay(under)
    for seconds, sandbox_id, event in story:
        if begin is not None and seconds >= begin:
            replay.begin(at(begin))
            begin = None
        replay.apply(sandbox_id, event, at(seconds))
    return replay.finish(at(until))


TWO_TURNS: Story = [
    (0, "a", acquired()), (10, "a", released()),
    (610, "a", evicted("idle")),
    (1000, "a", acquired()), (1010, "a", released()),
]  # fmt: skip


def test_a_longer_timeout_saves_the_start_of_a_sandbox_that_was_wanted_again() -> None:
    short, long = (played(TWO_TURNS, policy(idle_timeout=t), 1100) for t in (600, 1200))
    assert (short.starts, short.warm_hits, short.idle_evictions, short.reused_after_eviction) == (2, 0, 1, 1)
    assert (long.starts, long.warm_hits, long.idle_evictions, long.reused_after_eviction) == (1, 1, 0, 0)
    assert (short.container_seconds, long.container_seconds) == (610 + 100, 1100)


def test_a_shorter_timeout_costs_starts_and_saves_container_time() -> None:
    story: Story = [(0, "a", acquired()), (10, "a", released()), (100, "a", acquired("warm")), (110, "a", released())]
    told = played(story, policy(idle_timeout=60), 1000)
    assert (told.starts, told.warm_hits, told.idle_evictions, told.container_seconds) == (2, 0, 2, 70 + 70)


def test_without_a_timeout_nothing_is_reaped() -> None:
    assert played(TWO_TURNS, policy(idle_timeout=0), 10**6).idle_evictions == 0


def test_the_least_recently_used_warm_one_makes_room_and_a_held_one_never_does() -> None:
    story: Story = [
        (0, "a", acquired()), (1, "b", acquired()), (2, "a", released()), (3, "b", released()),
        (4, "c", acquired()), (5, "b", acquired("warm")), (6, "d", acquired()),
    ]  # fmt: skip
    told = played(story, policy(replicas=2), 10)
    assert (told.capacity_evictions, told.over_capacity, told.peak_containers) == (1, 1, 3)
    assert (told.starts, told.warm_hits) == (4, 1)


def test_a_sandbox_that_two_hold_is_warm_after_the_last_one_let_go() -> None:
    story: Story = [(0, "a", acquired()), (1, "a", acquired("shared", "v")), (2, "a", released()), (900, "a", DIED)]
    assert played(story, policy(idle_timeout=60), 1000).idle_evictions == 0


def test_a_crash_ends_a_container_only_where_it_runs() -> None:
    story: Story = [(0, "a", acquired()), (1, "a", released()), (500, "a", DIED), (501, "a", acquired())]
    assert played(story, policy(idle_timeout=600), 501).idle_evictions == 0
    gone = played(story, policy(idle_timeout=60), 501)
    assert (gone.idle_evictions, gone.reused_after_eviction, gone.starts) == (1, 1, 2)


def test_a_stricter_back_off_delays_starts_and_an_operator_forgives() -> None:
    crashing: Story = [event for n in range(3) for event in ((n * 10, "a", acquired()), (n * 10 + 5, "a", DIED))]
    strict = policy(backoff=BackoffPolicy(free=0, initial=60))
    told = played(crashing, strict, 100)
    assert (told.delayed_starts, told.delayed_seconds) == (2, 55.0 + 115.0)
    cleared: Story = [
        *crashing[:2], (6, "a", ev.CrashLoopCleared(generation=1, cleared_by="operator:eve")), *crashing[2:4],
    ]  # fmt: skip
    assert played(cleared, strict, 100).delayed_starts == 0
    assert played(crashing, policy(), 100).delayed_starts == 0


def test_what_operators_destroyed_is_gone_under_every_policy() -> None:
    story: Story = [(0, "a", acquired()), (5, "a", evicted("request")), (9, "a", acquired())]
    told = played(story, policy(idle_timeout=0), 10)
    assert (told.starts, told.reused_after_eviction, told.container_seconds) == (2, 0, 6)


def test_counting_from_later_on_keeps_what_runs() -> None:
    told = played(TWO_TURNS, policy(idle_timeout=1200), 1100, begin=900)
    assert (told.acquires, told.starts, told.warm_hits, told.peak_containers) == (1, 0, 1, 1)
    assert told.container_seconds == 200


def test_the_record_is_counted_as_it_stands() -> None:
    recorded = RecordedCourse()
    creating = ev.SandboxCreating(
        generation=1, sandbox_id="a", user_id=None, thread_id=None, backend="fake", image="i", cause="cold",
        worker_id="w", container_name="n",
    )  # fmt: skip
    ready = ev.SandboxReady(generation=1, startup_seconds=1)
    story: Story = [
        (0, "a", creating), (1, "a", ready), (1, "a", acquired()), (10, "a", released()), (20, "a", evicted("idle")),
        (30, "a", creating), (31, "a", ready), (31, "a", acquired()), (40, "a", acquired("shared", "v")),
        (50, "a", DIED),
    ]  # fmt: skip
    for seconds, sandbox_id, event in story:
        recorded.apply(sandbox_id, event, at(seconds))
    told = recorded.finish(at(60))
    assert (told.acquires, told.starts, told.warm_hits, told.idle_evictions) == (3, 2, 1, 1)
    assert (told.reused_after_eviction, told.over_capacity, told.container_seconds) == (1, None, 19 + 19)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.sampled_from("abcde"),
        st.sampled_from([acquired(), acquired(worker="v"), released(), released("v"), DIED, evicted("request")]),
    ),
    max_size=60,
)


@given(STEPS, st.sampled_from([0, 30, 600]), st.integers(1, 4))
def test_under_every_policy_the_sums_hold(steps: Story, idle_timeout: float, replicas: int) -> None:
    now, story = 0.0, []
    for gap, sandbox_id, event in steps:
        now += gap
        story.append((now, sandbox_id, event))
    told = played(story, policy(idle_timeout, replicas), now)
    assert told.acquires == told.starts + told.warm_hits == sum(isinstance(e, ev.SandboxAcquired) for _, _, e in story)
    assert told.over_capacity is not None
    assert told.peak_containers <= replicas + told.over_capacity
    assert told.reused_after_eviction <= told.idle_evictions + told.capacity_evictions
    assert 0 <= told.container_seconds <= now * max(1, told.peak_containers)


@given(STEPS)
def test_with_room_for_all_a_longer_timeout_never_costs_a_start(steps: Story) -> None:
    now, story = 0.0, []
    for gap, sandbox_id, event in steps:
        now += gap
        story.append((now, sandbox_id, event))
    starts = [played(story, policy(timeout, 10), now).starts for timeout in (30, 300, 3000, 0)]
    assert starts == sorted(starts, reverse=True)
