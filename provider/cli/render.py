"""What goes to stdout: JSON for programs, tables and lines for people."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from provider.cli.plain import visible

PIPED_WIDTH = 100_000  # nothing is cut where a program reads


def write_json(value: Any, *, line: bool = False) -> None:
    """Write one JSON document, keys sorted; `line` puts it on one line."""
    layout: dict[str, Any] = {"separators": (",", ":")} if line else {"indent": 2}
    write_line(json.dumps(value, sort_keys=True, ensure_ascii=True, **layout))


def write_line(text: str = "") -> None:
    """Write one line as it is; text of strangers is made `visible` first."""
    write_text(text + "\n")


def write_wrapped(text: str, *, indent: str = "") -> None:
    """Write foreign text, made `visible`; at a terminal in lines that fit, indented."""
    lines = [indent + visible(text)]
    width = terminal_width()
    if width is not None and len(lines[0]) >= width:
        wrap = textwrap.TextWrapper(
            width=width - 1, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
        )
        lines = wrap.wrap(visible(text))
    write_line("\n".join(lines))


def terminal_width() -> int | None:
    """Tell how wide the terminal is; None where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def write_text(text: str) -> None:
    """Write text in UTF-8, whatever the locale says, at once: who follows the output must not wait for more."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, flexible: Sequence[str] = ()) -> None:
    """Write an aligned table. At a terminal the `flexible` columns give way; the others are never cut."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # With NO_COLOR the console leaves out colours, but not bold.
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.header_style = "" if os.environ.get("NO_COLOR") else "bold"
    for column in columns:
        table.add_column(column, no_wrap=column not in flexible, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(str(cell))) for cell in row))
    width = terminal_width()
    console = Console(markup=False, highlight=False, emoji=False, width=PIPED_WIDTH if width is None else width)
    with console.capture() as captured:
        console.print(table)
    text = captured.get()
    write_text(text if width is not None else "".join(f"{line.rstrip()}\n" for line in text.splitlines()))
