"""Appends by bare psycopg: a life recorded once, sent again and again for other identities."""

from __future__ import annotations

import functools
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy

from provider.store.database import open_database
from provider.store.log.event_store import SqlEventStore
from tests.bench.append import appends
from tests.bench.lives import Identity, make_identity
from tests.bench.recording import Sent, recorded, replay
from tests.bench.templates import IDENTITY, fill_text
from tests.bench.timing import Work

PREPARED = 60
"""Lives that each process has ready before a round: more than it gets through."""


def count_done(works: Iterator[Work], seconds: float) -> tuple[int, float]:
    """Work for so long; tell how many pieces were done, in how many seconds."""
    began, done, taken = time.perf_counter(), 0, 0.0
    while taken < seconds:
        next(works)()
        done, taken = done + 1, time.perf_counter() - began
    return done, taken


@contextmanager
def bare(recording_url: str, url: str, name: str) -> Iterator[Callable[[float], tuple[int, float]]]:
    """Record one life, then send it by the driver for one identity after the other; a round of 0 s prepares more."""
    placeholder = Identity(f"{name:0>16}", IDENTITY.user_id, IDENTITY.thread_id)
    life = _record(recording_url, placeholder)
    address = sqlalchemy.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    numbers, ready = itertools.count(), deque[list[Sent]]()
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = life[0][0].cursor(connection)

        def play(seconds: float) -> tuple[int, float]:
            if not seconds:
                while len(ready) < PREPARED * len(life):
                    who = make_identity(next(numbers), name)
                    ready.extend(_filled(sent, placeholder, who) for sent in life)
            return count_done(iter(lambda: functools.partial(replay, cursor, ready.popleft()), None), seconds)

        yield play


def _record(url: str, who: Identity) -> list[list[Sent]]:
    store = SqlEventStore(open_database(url))
    assert store.ledger_id  # read now, so that it is no part of the first append
    life = []
    with recorded(store) as sent:
        for work in appends(store, iter([who])):
            work()
            life.append(list(sent))
            sent.clear()
    store.close()
    return life


def _filled(sent: list[Sent], placeholder: Identity, who: Identity) -> list[Sent]:
    def fill(value: Any) -> Any:
        return (
            fill_text(value.replace(placeholder.sandbox_id, who.sandbox_id), who) if isinstance(value, str) else value
        )

    return [
        Sent(one.cursor, one.method, (one.arguments[0], [fill(v) for v in one.arguments[1]]), one.options)
        for one in sent
    ]
