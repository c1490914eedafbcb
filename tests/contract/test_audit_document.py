"""docs/audit.md is true: it has every view with every column in order, every rule, and SQL that runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy

from provider.store.audit_sql.views import CURRENT
from provider.store.log.event_store import SqlEventStore
from tests.contract.store_support import append, born, died
from tests.contract.test_violations import PLANTED

DOCUMENT = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
BLOCKS = re.findall(r"```sql ?(\w*)\n(.*?)```", DOCUMENT, flags=re.DOTALL)


def section(view: str) -> str:
    return DOCUMENT.partition(f"\n## {view}\n")[2].partition("\n## ")[0]


def first_cells(table: str) -> list[str]:
    """List the names in the first column of a table of Markdown."""
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


@pytest.mark.parametrize("view", sorted(CURRENT))
def test_each_view_is_there_with_its_columns_in_order(store: SqlEventStore, view: str) -> None:
    described, _, _ = section(view).partition("\n| rule |")
    assert first_cells(described) == [
        column["name"] for column in sqlalchemy.inspect(store.database.engine).get_columns(view)
    ]


def test_each_rule_is_there() -> None:
    _, _, rules = section("v_violations").partition("\n| rule |")
    named = first_cells(rules)
    assert set(named) == {rule for rule, _, _ in PLANTED.values()}
    assert len(named) == len(set(named))


def test_each_block_of_sql_runs(store: SqlEventStore) -> None:
    append(store, *born())
    append(store, *died(store))
    append(store, *born(2))
    mine = [sql for dialect, sql in BLOCKS if dialect in ("", store.database.engine.dialect.name)]
    assert len(mine) == len(BLOCKS) - 1, "all but the other database's own variant"
    with store.database.engine.connect() as connection:
        for sql in mine:
            connection.exec_driver_sql(sql).all()


def test_every_view_answers_a_question() -> None:
    questions = "".join(sql for _, sql in BLOCKS)
    assert {view for view in CURRENT if view in questions} == set(CURRENT)
