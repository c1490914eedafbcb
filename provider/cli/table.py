"""Aligned tables of text, as wide as the terminal is. Written here: a library for them costs more than all of `ps`."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest

GAP = "  "
NARROWEST = 8
"""No column gives way further than this, however small the terminal is."""


def lay_out(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, flexible: Sequence[str] = (), width: int | None = None
) -> list[str]:
    """Return the lines of a table, its header first.

    Where it is wider than `width`, the `flexible` columns give way, the widest first, and their texts go on in further
    lines; the other columns are never cut.
    """
    lines = [columns, *rows]
    widths = [max(count_cells(line[index]) for line in lines) for index in range(len(columns))]
    if width is not None:
        _give_way(widths, [index for index, name in enumerate(columns) if name in flexible], width)
    return [text for line in lines for text in _write_row(line, widths)]


def count_cells(text: str) -> int:
    """Count the cells of a terminal that a text takes: characters of East Asia two, marks upon another one none."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _give_way(widths: list[int], flexible: Sequence[int], width: int) -> None:
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
    while excess > 0 and flexible:
        widest = max(flexible, key=widths.__getitem__)
        if widths[widest] <= NARROWEST:
            return
        widths[widest] -= 1
        excess -= 1


def _write_row(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    folded = [list(_fold(cell, width)) for cell, width in zip(cells, widths, strict=True)]
    for parts in zip_longest(*folded, fillvalue=""):
        padded = (part + " " * (width - count_cells(part)) for part, width in zip(parts, widths, strict=True))
        yield GAP.join(padded).rstrip()


def _fold(text: str, width: int) -> Iterator[str]:
    """Cut a text into lines of so many cells, at blanks where there are any."""
    while count_cells(text) > width:
        end = _fitting(text, width)
        blank = text.rfind(" ", 1, end + 1)
        cut = blank if blank > 0 else end
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    yield text


def _fitting(text: str, width: int) -> int:
    """Count the characters, at least one, whose cells fit."""
    taken = 0
    for index, character in enumerate(text):
        taken += _cells(character)
        if taken > width:
            return max(index, 1)
    return len(text)
