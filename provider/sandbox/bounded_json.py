"""Parse JSON of unknown intent: few values, little depth, bounded memory, no NaN and no infinity.

A parser makes up to 80 bytes of memory from a byte of JSON, so size alone bounds nothing. What an object would cost is
counted first, on the text.
"""

from __future__ import annotations

import json
import re
from typing import Any

DEPTH_LIMIT = 32
VALUE_LIMIT = 150_000  # a full listing (10,000 files) has half as many
TEXT_LIMIT = 16 * 1024 * 1024  # bytes in memory, where one emoji makes a whole text four times as wide

# All up to the next bracket or comma that is in no string; a string without an end goes to the end of the text.
_NEXT = re.compile(rb'(?:[^"\[\]{},]++|"(?:[^"\\]++|\\.)*+"?)*+[\[\]{},]', re.DOTALL)
_WIDE = re.compile(rb"[\xf0-\xff]|\\u[dD][89abAB]")


class UnfitJson(Exception):
    """This is no JSON object, or one that is too much."""


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the object that `body` holds; raise `UnfitJson`, within bounds of time and memory, for anything else."""
    _check_text(body)
    _check_structure(body)
    try:
        parsed = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # UnicodeDecodeError among them, and numbers of thousands of digits
        raise UnfitJson("no JSON object") from None
    if not isinstance(parsed, dict):
        raise UnfitJson("no JSON object")
    return parsed


def _check_text(body: bytes) -> None:
    width = 1 if body.isascii() and b"\\u" not in body else 4 if _WIDE.search(body) else 2
    if len(body) * width > TEXT_LIMIT:
        raise UnfitJson(f"text of more than {TEXT_LIMIT // width} bytes")


def _check_structure(body: bytes) -> None:
    openings = body.count(b"[") + body.count(b"{")
    if openings <= DEPTH_LIMIT and openings + body.count(b",") <= VALUE_LIMIT:
        return
    values = depth = position = 0
    while found := _NEXT.match(body, position):
        position = found.end()
        char = body[position - 1]
        if char in b"]}":
            depth -= 1
            continue
        values += 1
        depth += char in b"[{"
        if values > VALUE_LIMIT:
            raise UnfitJson(f"JSON of more than {VALUE_LIMIT} values")
        if depth > DEPTH_LIMIT:
            raise UnfitJson(f"JSON of more than {DEPTH_LIMIT} levels")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
