"""Search in files: `/v1/file/grep`; runs in a process of its own (see `apart`)."""

from __future__ import annotations

import os
import re
from collections import deque

from .fields import Fields
from .files import open_regular
from .listing import DEPTH_LIMIT, matches_any, walk
from .place import printable
from .wire import Refused, success

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .place import Place
    from .wire import Answer, Request

    Match = dict[str, Any]

MATCH_LIMIT = 1_000
LINE_LIMIT = 2_000  # characters of a line that are searched and shown
ANSWER_LIMIT = 4_000_000  # characters of all lines of an answer
CONTEXT_LIMIT = 50
UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


def grep_files(request: Request, place: Place) -> Answer:
    """Search a file, or the text files below a directory, line by line."""
    body = Fields(request)
    body.refuse("multiline", "type")
    base, expression = body.text("path"), _expression_of(body)
    limit = min(body.count("max_results", MATCH_LIMIT), MATCH_LIMIT)
    before, after = (min(body.count(f"context_{side}", 0), CONTEXT_LIMIT) for side in ("before", "after"))
    skip, searched, room, truncated = body.count("offset", 0), 0, ANSWER_LIMIT, False
    matches: list[Match] = []
    for shown, path in _files_of(body, base, place.resolve(base)):
        searched += 1
        for match in _search(shown, path, expression, before, after):
            if skip:
                skip -= 1
            elif len(matches) < limit and room > 0:
                matches.append(match)
                room -= sum(map(len, [match["line_content"], *match["context_before"], *match["context_after"]]))
            else:
                truncated = True
                break
        if truncated:
            break
    return success(
        {
            "path": base,
            "pattern": body.text("pattern"),
            "matches": matches,
            "match_count": len(matches),
            "files_searched": searched,
            "files_matched": len({match["file"] for match in matches}),
            "truncated": truncated,
        }
    )


def _expression_of(body: Fields) -> re.Pattern[str]:
    pattern = body.text("pattern")
    try:
        return re.compile(
            re.escape(pattern) if body.flag("fixed_strings") else pattern,
            re.IGNORECASE if body.flag("case_insensitive") else 0,
        )
    except re.error as error:
        raise Refused(422, f"field 'pattern' is not a regular expression: {error}") from None


def _files_of(body: Fields, base: str, real: str) -> Iterator[tuple[str, str]]:
    """Yield (path to show, path to open) of the files to search; links may lead out of the roots and are left alone."""
    if not os.path.isdir(real):
        open_regular(real, os.O_RDONLY).close()  # a file asked for by name has to be there, one met on the way has not
        yield base, real
        return
    include, exclude = tuple(body.texts("include")), tuple(body.texts("exclude"))
    largest = _bytes_of(body.text("max_file_size", "10M"))
    depth = DEPTH_LIMIT if body.flag("recursive", default=True) else 1
    for path, entry in walk(real, depth=depth, exclude=exclude):
        wanted = not include or matches_any(path, include)
        if wanted and entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_size <= largest:
            yield os.path.join(base, path), entry.path


def _bytes_of(size: str) -> int:
    parsed = re.fullmatch(r"(\d{1,12})([KMG]?)B?", size.strip().upper())
    if parsed is None:
        raise Refused(422, f"field 'max_file_size' is not a size like 500K or 1M: {size!r}")
    return int(parsed[1]) * UNITS[parsed[2]]


def _search(shown: str, path: str, expression: re.Pattern[str], before: int, after: int) -> Iterator[Match]:
    """Yield the matches of one file, each once its context is complete."""
    earlier: deque[str] = deque(maxlen=before)
    waiting: deque[Match] = deque()
    for number, line in enumerate(_lines_of(path), 1):
        for match in waiting:
            match["context_after"].append(line)
        while waiting and len(waiting[0]["context_after"]) >= after:
            yield waiting.popleft()
        if expression.search(line):
            match = {"file": printable(shown), "line_number": number, "line_content": line}
            waiting.append({**match, "context_before": list(earlier), "context_after": []})
        if after == 0 and waiting:
            yield waiting.popleft()
        earlier.append(line)
    yield from waiting


def _lines_of(path: str) -> Iterator[str]:
    """Yield the lines of a text file; nothing of a binary one, or one that may not or no longer be read."""
    try:
        stream = open_regular(path, os.O_RDONLY)
    except OSError:
        return
    with stream:
        if b"\0" in stream.read(8192):
            return
        stream.seek(0)
        for line in iter(lambda: stream.readline(1 << 20), b""):
            yield line.decode("utf-8", "replace").rstrip("\r\n")[:LINE_LIMIT]
