"""The table for people and the list for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench.claims import Row

HEADER = ("benchmark", "value", "unit", "goal", "met", "against")


def write_json(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as a list of {name, value, unit, against, goal, met}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False) + "\n")


def format_table(rows: Sequence[Row]) -> str:
    """Lay the rows out in columns."""
    lines = [HEADER, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER) - 1)]
    return "\n".join(_format(line, widths) for line in lines)


def is_passed(rows: Sequence[Row]) -> bool:
    """Tell whether every goal was measured and met."""
    return all(row.met for row in rows if row.goal is not None)


def _cells(row: Row) -> tuple[str, ...]:
    value = "-" if row.value is None else f"{row.value:,.4g}" if row.value < 1000 else f"{row.value:,.0f}"
    met = {True: "yes", False: "NO", None: "-"}[row.met]
    return (row.name, value, row.unit, row.goal or "-", met, row.against)


def _format(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if column == 1 else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=False))
    ]
    return "  ".join([*padded, cells[-1]]).rstrip()
