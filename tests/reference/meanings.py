"""What config.yaml says about each key: its comments are the one place where the meaning of a key is written."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Keys of an element stand in a comment, as an example: `# - name: alice`.
_EXAMPLE = re.compile(r"^(\s*)#( [- ] )([a-z_0-9]+:.*)$")
_KEY = re.compile(r"^(\s*)([a-z_0-9]+):(?:\s[^#]*?)?(?:\s+#\s(.*))?$")
_MORE = re.compile(r"^\s+# {1,3}(\S.*)$")


def read_meanings(text: str) -> Mapping[str, str]:
    """Return the comment of each dotted key, in one line; a key without one has an empty text."""
    meanings: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    column, current = -1, ""
    for line in text.splitlines():
        example = _EXAMPLE.match(line)
        plain = f"{example[1]}  {example[2]}{example[3]}".replace("- ", "  ") if example else line
        found = _KEY.match(plain)
        if found is not None:
            indent = len(found[1])
            path = [*(step for step in path if step[0] < indent), (indent, found[2])]
            current = ".".join(name for _, name in path)
            meanings[current] = found[3] or ""
            column = line.find("# ", len(example[0]) - len(example[3]) if example else 0)
        elif current and line.find("#") == column and (more := _MORE.match(line)):
            meanings[current] = f"{meanings[current]} {more[1]}".strip()
        else:
            column = -1
    return meanings
