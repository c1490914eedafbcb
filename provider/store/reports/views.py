"""The audit views as tables to select from: the columns that a row's value has."""

from __future__ import annotations

import dataclasses

from sqlalchemy import BigInteger, Boolean, Column, Double, MetaData, Table, Text

from provider.ports.reading.audit import EvictionRow, OperatorActionRow, RestartRow
from provider.store.types import UtcTimestamp

_NUMBERS = {"generation", "from_generation", "to_generation", "exit_code", "position"}
_FLAGS = {"expected", "oom_killed"}
_VIEWS = MetaData()
"""Apart from the tables: no migration compares views with this."""


def _column(name: str) -> Column[object]:
    if name.endswith("_at"):
        return Column(name, UtcTimestamp)
    if name.endswith("_seconds"):
        return Column(name, Double)
    return Column(name, BigInteger if name in _NUMBERS else Boolean if name in _FLAGS else Text)


def _view(name: str, row: type[object], *more: str) -> Table:
    names = [field.name for field in dataclasses.fields(row)]  # type: ignore[arg-type]
    return Table(name, _VIEWS, *(_column(one) for one in (*names, *more)))


evictions = _view("v_evictions", EvictionRow)
restarts = _view("v_restarts", RestartRow, "expected")
operator_actions = _view("v_operator_actions", OperatorActionRow)
