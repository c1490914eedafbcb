"""List directories and find names: `/v1/file/list|find|glob`."""

from __future__ import annotations

import os
import time
from fnmatch import fnmatchcase
from itertools import islice

from .fields import Fields
from .place import printable
from .wire import Refused, success

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .place import Place
    from .wire import Answer, Request

    Entry = os.DirEntry[str]

ENTRY_LIMIT = 10_000
DEPTH_LIMIT = 100
SORT_KEYS = {"path": "path", "name": "name", "size": "size", "modified": "modified_time", "type": "extension"}


def walk(
    base: str, *, depth: int = DEPTH_LIMIT, hidden: bool = True, exclude: tuple[str, ...] = (), prefix: str = ""
) -> Iterator[tuple[str, Entry]]:
    """Yield (path below `base`, entry) by name; links are not followed, directories that cannot be read skipped.

    `exclude` holds globs for names or for paths below `base`.
    """
    try:
        entries = sorted(os.scandir(base), key=lambda entry: entry.name)
    except OSError:
        if prefix:
            return
        raise
    for entry in entries:
        path = prefix + entry.name
        if (entry.name.startswith(".") and not hidden) or matches_any(path, exclude):
            continue
        yield path, entry
        if depth > 1 and entry.is_dir(follow_symlinks=False):
            yield from walk(entry.path, depth=depth - 1, hidden=hidden, exclude=exclude, prefix=f"{path}/")


def matches_any(path: str, globs: tuple[str, ...]) -> bool:
    """Match a relative path, by its last name or as a whole, with any of some globs."""
    return any(
        fnmatchcase(path.rpartition("/")[2], glob) or matches(path.split("/"), glob.split("/")) for glob in globs
    )


def matches(parts: list[str], pattern: list[str]) -> bool:
    """Match path components with those of a glob; `**` stands for any number of them."""
    if not pattern or not parts:
        return not parts and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return matches(parts, pattern[1:]) or matches(parts[1:], pattern)
    return fnmatchcase(parts[0], pattern[0]) and matches(parts[1:], pattern[1:])


def list_path(request: Request, place: Place) -> Answer:
    """List a directory, and with `recursive` what is below it, down to `max_depth`."""
    body = Fields(request)
    base, types = body.text("path"), body.texts("file_types")
    depth = min(body.count("max_depth", DEPTH_LIMIT), DEPTH_LIMIT) if body.flag("recursive") else 1
    found = (
        describe(os.path.join(base, path), entry, permissions=True)
        for path, entry in walk(place.resolve(base), depth=depth, hidden=body.flag("show_hidden"))
        if not types or os.path.splitext(path)[1] in types
    )
    files = list(islice(found, ENTRY_LIMIT + 1))
    truncated = len(files) > ENTRY_LIMIT
    files = _sort(files[:ENTRY_LIMIT], body)
    directories = sum(file["is_directory"] for file in files)
    return success(
        {
            "path": base,
            "files": files,
            "total_count": len(files),
            "directory_count": directories,
            "file_count": len(files) - directories,
            "truncated": truncated,
        }
    )


def find(request: Request, place: Place) -> Answer:
    """Find files by their name, at any depth."""
    body = Fields(request)
    base, glob = body.text("path"), body.text("glob")
    found = (os.path.join(base, path) for path, _ in walk(place.resolve(base)) if matches_any(path, (glob,)))
    return success({"path": base, "files": [printable(path) for path in islice(found, ENTRY_LIMIT)]})


def glob_files(request: Request, place: Place) -> Answer:
    """Find files by a glob over their path below `path`."""
    body = Fields(request)
    base, pattern, exclude = body.text("path"), body.text("pattern"), tuple(body.texts("exclude"))
    if pattern.startswith("/") or ".." in pattern.split("/"):
        raise Refused(422, "the pattern has to be relative to 'path'")
    limit = min(body.count("max_results", ENTRY_LIMIT), ENTRY_LIMIT)
    parts = [part for part in pattern.split("/") if part not in {"", "."}]
    files_only = body.flag("files_only")
    found = (
        describe(os.path.join(base, path), entry)
        for path, entry in walk(place.resolve(base), hidden=body.flag("include_hidden"), exclude=exclude)
        if matches(path.split("/"), parts) and not (files_only and entry.is_dir())
    )
    files = list(islice(found, limit + 1))
    kept = _sort(files[:limit], body)
    answer = {
        "path": base,
        "pattern": pattern,
        "files": kept,
        "total_count": len(kept),
        "truncated": len(files) > limit,
    }
    return success(answer)


def describe(path: str, entry: Entry, *, permissions: bool = False) -> dict[str, Any]:
    """Describe a file as the protocol has it; what vanishes meanwhile has neither size nor time."""
    is_directory = entry.is_dir(follow_symlinks=False)
    fields: dict[str, Any] = {"name": printable(entry.name), "path": printable(path), "is_directory": is_directory}
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return fields
    fields["size"] = status.st_size
    fields["modified_time"] = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(status.st_mtime))
    if permissions:
        fields["permissions"] = f"{status.st_mode & 0o7777:o}"
        fields["extension"] = None if is_directory else os.path.splitext(fields["name"])[1] or None
    return fields


def _sort(files: list[dict[str, Any]], body: Fields) -> list[dict[str, Any]]:
    key = SORT_KEYS.get(body.text("sort_by", "path"))
    if key is None:
        raise Refused(422, f"field 'sort_by' is none of {', '.join(SORT_KEYS)}")
    neutral: Any = 0 if key == "size" else ""
    return sorted(files, key=lambda file: file.get(key) or neutral, reverse=body.flag("sort_desc"))
