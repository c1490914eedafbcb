"""Foreign text made harmless for a terminal: control characters and reordering marks become visible."""

from __future__ import annotations

import re

# C0 and C1 with ESC and CSI; marks that reorder or hide text; lone surrogates, which cannot be written at all.
_HOSTILE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    """Write control characters as the escapes that Python has for them, in one line."""
    return _HOSTILE.sub(lambda found: ascii(found[0])[1:-1], text)


def visible_lines(text: str) -> list[str]:
    """Split text into lines, each of them harmless; a tab is only a blank."""
    return [visible(line.expandtabs(4)) for line in text.splitlines()]


def one_line(text: str) -> str:
    """Write text of several lines as one."""
    return " | ".join(line for line in visible_lines(text) if line.strip())
