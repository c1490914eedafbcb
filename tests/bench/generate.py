"""A history of any length for an empty ledger: valid events, hash chain and projections, as if it had been lived.

    python -m tests.bench.generate sqlite:///demo.db 1000000

Many lives go on at the same time, so that a stream's events lie scattered over the log as they do in use.
"""

from __future__ import annotations

import dataclasses
import json
import random
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from provider.domain.ids import sandbox_stream
from provider.domain.log import GENESIS_HASH, chain_hash, format_timestamp
from provider.store.log.batch import make_batch
from tests.bench.lives import Identity, make_identity
from tests.bench.surroundings import HOSTS, IMAGES, Surroundings
from tests.bench.templates import (
    ACTOR,
    CORRELATION,
    IDENTITY,
    KINDS,
    WEIGHTS,
    StepTemplate,
    fill_row,
    fill_text,
    make_template,
    mark_of,
)

AT_ONCE = 64
SPAN = timedelta(days=30)


@dataclass(slots=True)
class Life:
    """One sandbox on its way."""

    who: Identity
    template: tuple[StepTemplate, ...]
    done: int = 0
    times: list[datetime] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)

    @property
    def stream(self) -> str:
        return sandbox_stream(self.who.sandbox_id)

    def sandbox(self) -> dict[str, Any]:
        row = fill_row(self.template[self.done - 1].sandbox, self.who, self.times, self.positions)
        crashes = [
            [format_timestamp(one["died_at"]), round((one["died_at"] - one["ready_at"]).total_seconds(), 3)]
            for one in self.generations()
            if one["died_at"] is not None
        ]
        return {**row, "crashes": json.dumps(crashes, separators=(",", ":"))}

    def generations(self) -> Iterator[dict[str, Any]]:
        rows = self.template[self.done - 1].generations
        return (fill_row(row, self.who, self.times, self.positions) for row in rows)


class History:
    """Events in order, and what they add up to; read everything else after the last event."""

    def __init__(self, events: int, *, seed: int = 1, ends_at: datetime | None = None, span: timedelta = SPAN) -> None:
        self.lives: list[Life] = []
        self.position = 0
        self.hash = self.previous_hash = GENESIS_HASH
        self.recorded_at = (ends_at or datetime.now(UTC)) - span
        self._events = events
        self._gap = span / events
        self._random = random.Random(seed)
        self._templates = [make_template(kind(IDENTITY)) for kind in KINDS]
        self._active: list[Life] = []
        self.surroundings = Surroundings(self._random)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of `events`, column by column as the table has them; never more than asked for."""
        while self.position < self._events:
            yield from self._note()
            life = self._choose()
            step = life.template[life.done]
            if self.position + len(step.events) > self._events:
                return
            self.recorded_at += self._gap * len(step.events) * self._random.uniform(0.01, 1.99)
            yield from self._take(life, step)
            if life.done == len(life.template):
                self._active.remove(life)

    def _choose(self) -> Life:
        if len(self._active) < AT_ONCE:
            (template,) = self._random.choices(self._templates, WEIGHTS)
            life = Life(self._make_identity(), template)
            self.lives.append(life)
            self._active.append(life)
        return self._random.choice(self._active)

    def _make_identity(self) -> Identity:
        who = make_identity(len(self.lives), "history")
        (image,) = self._random.choices(tuple(IMAGES), tuple(IMAGES.values()))
        worker = self._random.choice(self.surroundings.workers)
        return dataclasses.replace(who, image=image, host=self._random.choice(HOSTS), worker=worker)

    def _note(self) -> Iterator[tuple[Any, ...]]:
        """Record what is no sandbox's: workers, sweeps, operators."""
        if self.position + 2 > self._events:
            return
        for author, stream, version, event in self.surroundings.happen(self.recorded_at):
            self.recorded_at += self._gap * self._random.uniform(0.01, 1.99)
            (entry,) = make_batch(stream, version - 1, [event], author, None).entries
            self.position += 1
            at, self.previous_hash = format_timestamp(self.recorded_at), self.hash
            self.hash = chain_hash(self.hash, self.position, at, entry.body)
            yield (
                self.position, stream, version, event.type, event.schema_version, entry.data, at, author.actor,
                author.correlation_id, None, self.hash,
            )  # fmt: skip

    def _take(self, life: Life, step: StepTemplate) -> Iterator[tuple[Any, ...]]:
        """Record one append; the head row keeps the hash before it."""
        at, self.previous_hash = format_timestamp(self.recorded_at), self.hash
        correlation = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        life.times.append(self.recorded_at)
        actor = fill_text(ACTOR, life.who)
        for event in step.events:
            self.position += 1
            life.positions.append(self.position)
            data = fill_text(event.data, life.who)
            body = fill_text(event.body, life.who).replace(CORRELATION, correlation)
            for time in event.times:
                mark, moment = format_timestamp(mark_of(time)), format_timestamp(life.times[time])
                data, body = data.replace(mark, moment), body.replace(mark, moment)
            self.hash = chain_hash(self.hash, self.position, at, body)
            yield (
                self.position, life.stream, event.version, event.type, event.schema_version, data, at, actor,
                correlation, None, self.hash,
            )  # fmt: skip
        life.done += 1


if __name__ == "__main__":
    from tests.bench.bulk import fill_database

    print(f"{fill_database(sys.argv[1], int(sys.argv[2])).position} events")
