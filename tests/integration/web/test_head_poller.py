"""The head poller: what it notices, what it survives, and whom it wakes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from provider.bootstrap import open_insights
from provider.domain.errors import StoreUnavailable
from provider.reading.insights import Insights
from tests.support.waiting import wait_until
from tests.support.web import Fleet
from web.live.changes import EVERYTHING, Change
from web.live.head_poller import HeadPoller
from web.live.streams import tell


class Switch:
    """Gives the read side, or says that the database does not answer."""

    def __init__(self, insights: Insights) -> None:
        self.insights = insights
        self.error: Exception | None = None

    def __call__(self) -> Insights:
        if self.error is not None:
            raise self.error
        return self.insights


@pytest.fixture
def switch(empty_fleet: Fleet) -> Iterator[Switch]:
    insights = open_insights(empty_fleet.settings)
    yield Switch(insights)
    insights.close()


@pytest.fixture
def poller(switch: Switch) -> Iterator[HeadPoller]:
    made = HeadPoller(switch, look_seconds=0.01).start()
    yield made
    made.stop()


def test_it_notices_what_another_process_commits(empty_fleet: Fleet, switch: Switch, poller: HeadPoller) -> None:
    before = poller.first_look(10).position
    assert poller.find_change(before) is None
    sandbox_id = empty_fleet.acquire("thread")
    head = switch.insights.head_position()
    wait_until(lambda: poller.freshness().position == head, what="the last event")
    change = poller.find_change(before)
    assert change is not None
    assert change == Change(head, frozenset({"sandbox"}), frozenset({sandbox_id}))


def test_a_position_from_another_ledger_or_from_long_ago_is_told_everything(poller: HeadPoller) -> None:
    position = poller.first_look(10).position
    for seen in (position + 1000, -1):
        change = poller.find_change(seen)
        assert change is not None
        assert change.topics == {EVERYTHING}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StoreUnavailable("the database is away"), "the database is away"),
        (RuntimeError("'NoneType' object"), "the look at the ledger failed; the log of this server says why"),
    ],
)
def test_it_survives_a_database_that_is_away_and_says_since_when(
    switch: Switch, poller: HeadPoller, error: Exception, said: str
) -> None:
    assert poller.first_look(10).stale_since is None
    switch.error = error
    wait_until(lambda: poller.freshness().stale_since, what="it is noticed as away")
    stale = poller.freshness()
    assert stale.error == said
    assert stale.stale_since == stale.as_of
    switch.error = None
    wait_until(lambda: poller.freshness().stale_since is None, what="it is noticed as back")
    assert poller.freshness().error is None


def test_a_stream_tells_that_something_changed_and_when_the_ledger_is_away(
    empty_fleet: Fleet, switch: Switch, poller: HeadPoller
) -> None:
    position = poller.first_look(10).position
    wakeup = poller.subscribe()
    lines = tell(poller, wakeup, position)
    assert next(lines) == "retry: 3000\n\n"
    assert next(lines).startswith("event: heartbeat\n")
    sandbox_id = empty_fleet.acquire("thread")
    told = next(lines)
    assert told.startswith("event: change\nid: ")
    assert sandbox_id in told
    switch.error = StoreUnavailable("the database is away")
    while '"stale_since":null' in told:
        told = next(lines)
    switch.error = None
    while '"stale_since":null' not in told:
        told = next(lines)
    poller.leave()
    assert list(lines) == []
    poller.unsubscribe(wakeup)


def test_a_stream_that_comes_back_is_told_what_it_missed(empty_fleet: Fleet, poller: HeadPoller) -> None:
    position = poller.first_look(10).position
    empty_fleet.acquire("thread")
    wait_until(lambda: poller.freshness().position > position, what="the events")
    wakeup = poller.subscribe()
    lines = tell(poller, wakeup, position)
    assert "event: change" in "".join(next(lines) for _ in range(3))
    lines.close()
    poller.unsubscribe(wakeup)


def test_a_stream_says_when_the_ledger_has_not_answered_yet_and_when_it_has(switch: Switch) -> None:
    poller = HeadPoller(switch, look_seconds=0.01)
    wakeup = poller.subscribe()
    lines = tell(poller, wakeup, 0)
    told = [next(lines) for _ in range(3)]
    assert told[2].startswith("event: change\n"), "the page is read again, and told that nobody knows"
    assert '"as_of":null' in told[2]
    poller.start()
    told += [next(lines)]
    assert told[3].startswith("event: change\n")
    assert '"as_of":null' not in told[3]
    poller.stop()
    poller.unsubscribe(wakeup)


def test_a_stream_ends_when_its_client_is_gone_and_its_bell_is_rung(poller: HeadPoller) -> None:
    position = poller.first_look(10).position
    wakeup, gone = poller.subscribe(), threading.Event()
    lines = tell(poller, wakeup, position, gone.is_set)
    assert next(lines) == "retry: 3000\n\n"
    gone.set()
    poller.ring(wakeup)
    assert len(list(lines)) == 1, "the heartbeat that every stream begins with"
    poller.unsubscribe(wakeup)
    poller.ring(wakeup)  # its descriptors may be somebody else's by now
