from __future__ import annotations

import pytest

from provider.cli.table import count_cells, lay_out

COLUMNS = ("ID", "WHY", "BY")


def test_columns_are_as_wide_as_what_is_in_them_and_no_line_ends_in_blanks() -> None:
    assert lay_out(COLUMNS, [["1", "crashed", ""], ["1000", "idle", "w1"]]) == [
        "ID    WHY      BY",
        "1     crashed",
        "1000  idle     w1",
    ]


def test_an_empty_table_is_its_header() -> None:
    assert lay_out(COLUMNS, []) == ["ID  WHY  BY"]


def test_nothing_is_cut_where_no_width_is_known() -> None:
    assert lay_out(("A",), [["x" * 500]])[1] == "x" * 500


def test_flexible_columns_give_way_at_blanks_and_the_others_stay_whole() -> None:
    lines = lay_out(COLUMNS, [["0123456789", "the kernel killed it", "w1"]], flexible=("WHY",), width=26)
    assert lines == [
        "ID          WHY         BY",
        "0123456789  the kernel  w1",
        "            killed it",
    ]


def test_a_long_word_is_cut_and_loses_nothing() -> None:
    lines = lay_out(("A", "B"), [["x" * 30, "end"]], flexible=("A",), width=15)
    assert [line.split()[0] for line in lines[1:]] == ["x" * 10] * 3
    assert lines[1].endswith("end")


def test_the_widest_flexible_column_gives_way_first() -> None:
    lines = lay_out(("A", "B"), [["a" * 10, "b" * 40]], flexible=("A", "B"), width=32)
    assert lines[1] == "a" * 10 + "  " + "b" * 20


def test_a_terminal_of_no_width_still_shows_everything() -> None:
    text = "".join(lay_out(("A",), [["abcdefghij klm"]], flexible=("A",), width=1)[1:])
    assert text.replace(" ", "") == "abcdefghijklm"


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("", 0), ("ünï", 3)])
def test_cells_of_a_terminal_are_counted_not_characters(text: str, cells: int) -> None:
    assert count_cells(text) == cells


def test_wide_characters_stay_aligned() -> None:
    lines = lay_out(("USER", "B"), [["日本語", "x"], ["alice", "y"]])
    assert [count_cells(line[: line.index(mark)]) for line, mark in zip(lines[1:], "xy", strict=True)] == [8, 8]
