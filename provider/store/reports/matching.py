"""A search as conditions on columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, cast, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from provider.domain.ids import begins_sandbox_id, is_sandbox_id
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


Condition = Callable[[tuple[str, ...]], ColumnElement[bool]]

TEXTS = ("status", "user", "thread", "image", "host", "worker", "backend", "reason")


def matching(
    search: Search,
    columns: Mapping[str, ColumnElement[Any]],
    conditions: Mapping[str, Condition] = MappingProxyType({}),
) -> list[ColumnElement[bool]]:
    """Turn a search into conditions.

    `columns` names what each key of a search looks at: the texts, `expected`, `at` for the time range, and
    `sandbox_id`, `thread` and `user` for free words. `conditions` are for texts that are no column.
    """
    return list(_conditions(search, columns, conditions))


def _conditions(
    search: Search, columns: Mapping[str, ColumnElement[Any]], conditions: Mapping[str, Condition]
) -> Iterator[ColumnElement[bool]]:
    for key in TEXTS:
        wanted = getattr(search, key)
        if wanted:
            yield conditions[key](wanted) if key in conditions else any_of(columns[key], wanted)
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
        parts = [position_of(columns[key], literal(word)) > 0 for key in ("thread", "user")]
        if begins_sandbox_id(word):
            parts.append(columns["sandbox_id"].startswith(word, autoescape=True))
        yield or_(*parts)


def any_of(column: ColumnElement[Any], wanted: tuple[str, ...]) -> ColumnElement[bool]:
    """Compare with each of the values; one that ends in `*` stands for anything that begins so."""
    exact = [value for value in wanted if not value.endswith("*")]
    open_ended = [value[:-1] for value in wanted if value.endswith("*")]
    either = [column.startswith(beginning, autoescape=True) for beginning in open_ended]
    if exact:
        either.append(column.in_(exact))
    return or_(*either)


def holds(holders: ColumnElement[Any], wanted: str) -> ColumnElement[bool]:
    """Whether a worker is among the holders."""
    quoted = json.dumps(wanted.removesuffix("*"), ensure_ascii=False)
    if wanted.endswith("*"):
        quoted = quoted[:-1]
    return cast(holders, Text).contains(quoted, autoescape=True)
