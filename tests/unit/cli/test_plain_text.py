from __future__ import annotations

import pytest

from provider.cli.plain import one_line, visible, visible_lines


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("a\rb\x00\x9b31m", r"a\rb\x00\x9b31m"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("lone \ud800", r"lone \ud800"),
        ("[bold]markup[/] stays, ünïcödé 日本 too", "[bold]markup[/] stays, ünïcödé 日本 too"),
    ],
)
def test_control_characters_become_visible(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


def test_lines_stay_lines_and_tabs_become_blanks() -> None:
    assert visible_lines("one\n\ttwo\x1b\n") == ["one", r"    two\x1b"]


def test_many_lines_become_one() -> None:
    assert one_line("start failed\nlast log lines:\n\n  boom\n") == "start failed | last log lines: |   boom"
