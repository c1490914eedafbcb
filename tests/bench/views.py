"""The questions of docs/audit.md, as they stand there, over 1,000,000 events: how long does each view take?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from provider.domain.log import format_timestamp
from provider.store.audit_sql.views import CURRENT
from provider.store.log.event_store import SqlEventStore
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.generate import History
from tests.bench.long_history import long_history
from tests.bench.stage import Stage
from tests.bench.timing import Work, in_words, median, take_turns

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "audit.md"
LIMIT_MS = {"postgres": 500.0, "sqlite": 1500.0}
HOURS_AGO = {
    "'2026-11-24T06:00:00Z'": 0, "'2026-11-24T02:00:00Z'": 4, "'2026-11-23T22:00:00Z'": 8,
    "'2026-11-23T06:00:00Z'": 24, "'2026-11-17T06:00:00Z'": 168,
}  # fmt: skip
"""The moments that the document's questions name, and what they are counted from the end of the history."""


def read_questions(dialect: str) -> dict[str, list[str]]:
    """Read the questions that each view is asked, by the view each asks first."""
    name = "postgresql" if dialect == "postgres" else dialect
    blocks = re.findall(r"```sql ?(\w*)\n(.*?);\n```", DOCUMENT.read_text(), flags=re.DOTALL)
    asked: dict[str, list[str]] = {view: [] for view in CURRENT}
    for only, sql in blocks:
        view = re.search(r"v_\w+", sql)
        if view and only in ("", name):
            asked[view[0]].append(sql)
    return asked


def put_in(sql: str, history: History) -> str:
    """Let a question be about somebody and some time in this history."""
    lives = [life for life in history.lives if len(life.positions) >= 20]
    who = lives[len(lives) // 2].who
    words = {"'0123456789abcdef'": who.sandbox_id, "'alice'": who.user_id, "'thread-1'": who.thread_id}
    for word, hours in HOURS_AGO.items():
        words[word] = format_timestamp(history.recorded_at - timedelta(hours=hours))
    words["'2026-11-17'"] = (history.recorded_at - timedelta(days=7)).date().isoformat()
    for word, value in words.items():
        sql = sql.replace(word, f"'{value}'")
    return sql


def questions(store: SqlEventStore, sql: str) -> Iterator[Work]:
    """Ask the same again and again, each time as somebody at a console would."""

    def ask() -> None:
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql(sql).all()

    while True:
        yield ask


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Ask all questions in turn, of a ledger that others only read as well."""
    turns = 1 if stage.quick else 7
    store, history = long_history(stage, dialect)
    asked = {view: [put_in(sql, history) for sql in sqls] for view, sqls in read_questions(dialect).items()}
    sides = [(view, questions(store, sql)) for view, sqls in asked.items() for sql in sqls]
    taken = take_turns(turns, *(side for _, side in sides), warm_up=1)
    times: dict[str, list[float]] = {view: [] for view in asked}
    for (view, _), samples in zip(sides, taken, strict=True):
        times[view].append(median(samples))
    against = f"the slowest question of docs/audit.md about it, over {history.position:,} events"
    return {
        _name(view, dialect): Reading(max(seconds) * 1000, f"{against}; {len(seconds)} in {in_words(sum(seconds))}")
        for view, seconds in times.items()
    }


def _name(view: str, dialect: str) -> str:
    return f"{view}_{dialect}"


def make(dialect: str) -> Benchmark:
    """Make the benchmark for one kind of database."""
    goal = Goal("<=", LIMIT_MS[dialect])
    claims = tuple(Claim(_name(view, dialect), "ms", goal) for view in CURRENT)
    return Benchmark(f"views_{dialect}", claims, lambda stage: run(stage, dialect))
