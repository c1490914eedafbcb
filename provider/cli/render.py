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
from provider.cli.table import lay_out


def write_json(value: Any, *, line: bool = False) -> None:
    """Write one JSON document, keys sorted; `line` puts it on one line."""
    layout: dict[str, Any] = {"separators": (",", ":")} if line else {"indent": 2}
    write_line(json.dumps(value, sort_keys=True, ensure_ascii=True, **layout))


def write_line(text: str = "") -> None:
    """Write one line as it is; foreign text is made `visible` first."""
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
    """Return how wide the terminal is; None where the output goes elsewhere, and nothing must be cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def write_text(text: str) -> None:
    """Write text in UTF-8, whatever the locale says, at once: who follows the output must not wait for more."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, flexible: Sequence[str] = ()) -> None:
    """Write an aligned table. At a terminal the `flexible` columns give way; the others are never cut."""
    width = terminal_width()
    cells = [[visible(str(cell)) for cell in row] for row in rows]
    header, *lines = lay_out(columns, cells, flexible=flexible, width=width)
    if width is not None and not os.environ.get("NO_COLOR"):
        header = f"\x1b[1m{header}\x1b[0m"
    write_line("\n".join([header, *lines]))
