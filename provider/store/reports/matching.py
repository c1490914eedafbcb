"""A search as conditions on columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, and_, cast, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from provider.domain.ids import is_sandbox_id
from provider.domain.search import Search


class position_of(GenericFunction[int]):  # noqa: N801
    """Find where a text begins in another, from 1; 0 when it is not there. Cheaper than LIKE, and case counts."""

    type = Integer()
    inherit_cache = True


@compiles(position_of, "sqlite")
def _on_sqlite(element: position_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(position_of)
def _elsewhere(element: position_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


TEXTS = ("status", "user", "thread", "image", "host", "worker", "backend", "reason")


def matching(
    search: Search, columns: Mapping[str, ColumnElement[Any]], holders: ColumnElement[Any] | None = None
) -> list[ColumnElement[bool]]:
    """Turn a search into conditions.

    `columns` names what each key of a search looks at: the texts, `expected`, `at` for the time range, and
    `sandbox_id`, `thread` and `user` for free words. A worker is also looked for among the `holders`.
    """
    return list(_conditions(search, columns, holders))


def _conditions(
    search: Search, columns: Mapping[str, ColumnElement[Any]], holders: ColumnElement[Any] | None
) -> Iterator[ColumnElement[bool]]:
    for key in TEXTS:
        wanted = getattr(search, key)
        if wanted:
            among = _any_of(columns[key], wanted)
            if key == "worker" and holders is not None:
                among = or_(among, *(_holds(holders, value) for value in wanted))
            yield among
    if search.expected is not None:
        yield columns["expected"].is_(search.expected)
    if search.since is not None:
        yield columns["at"] >= search.since
    if search.until is not None:
        yield columns["at"] < search.until
    for word in search.words:
        if is_sandbox_id(word):
            yield columns["sandbox_id"] == word
            continue
        parts = (position_of(columns[key], literal(word)) > 0 for key in ("thread", "user"))
        yield or_(columns["sandbox_id"].startswith(word, autoescape=True), *parts)


def _any_of(column: ColumnElement[Any], wanted: tuple[str, ...]) -> ColumnElement[bool]:
    exact = [value for value in wanted if not value.endswith("*")]
    open_ended = [value[:-1] for value in wanted if value.endswith("*")]
    either = [column.startswith(beginning, autoescape=True) for beginning in open_ended]
    if exact:
        either.append(column.in_(exact))
    return or_(*either)


def _holds(holders: ColumnElement[Any], wanted: str) -> ColumnElement[bool]:
    quoted = json.dumps(wanted.removesuffix("*"), ensure_ascii=False)
    if wanted.endswith("*"):
        quoted = quoted[:-1]
    return and_(cast(holders, Text) != "[]", cast(holders, Text).contains(quoted, autoescape=True))
