"""Read single values: text, booleans, numbers and sizes."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from provider.config.place import KeyPlace
from provider.config.settings import Bytes

_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?) *([kmgt]?)(?:i?b)?", re.IGNORECASE)
_SIZE_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def parse_text(_hint: Any, raw: object, place: KeyPlace) -> str:
    """Take text only: a bare number or `no` may have lost what was written."""
    if isinstance(raw, str):
        return raw
    raise place.wrong(raw, "text; put it in quotes")


def parse_bool(_hint: Any, raw: object, place: KeyPlace) -> bool:
    """Take true or false only."""
    if isinstance(raw, bool):
        return raw
    raise place.wrong(raw, "true or false")


def parse_int(_hint: Any, raw: object, place: KeyPlace) -> int:
    """Take a whole number; a boolean is none."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    raise place.wrong(raw, "a whole number")


def parse_float(_hint: Any, raw: object, place: KeyPlace) -> float:
    """Take a finite number; a boolean is none."""
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        try:
            number = float(raw)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise place.wrong(raw, "a finite number")


def parse_size(_hint: Any, raw: object, place: KeyPlace) -> Bytes:
    """Take bytes as a number or with a unit, in powers of 1024 as Docker counts."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return Bytes(raw)
    match = _SIZE.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        raise place.wrong(raw, "a size such as 512m, 1g or a number of bytes")
    return Bytes(int(Decimal(match[1]) * _SIZE_UNITS[match[2].lower()]))
