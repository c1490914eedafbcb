"""Take the fields of a JSON body, checked; null counts as absent, as the SDK may send either."""

from __future__ import annotations

import json

from .wire import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .wire import Request


class Fields:
    """The body of a request."""

    def __init__(self, request: Request) -> None:
        try:
            parsed = json.loads(request.body)
        except (ValueError, RecursionError) as error:
            raise Refused(422, f"the body is not JSON: {error}") from None
        if not isinstance(parsed, dict):
            raise Refused(422, "the body is not a JSON object")
        self._body: dict[str, Any] = parsed

    def text(self, name: str, default: str | None = None) -> str:
        """Take a string; without a default it is required."""
        value: str = self._take(name, str, default)
        if value is None:
            raise Refused(422, f"field {name!r} is missing")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Take a boolean."""
        return bool(self._take(name, bool, default))

    def number(self, name: str, default: float) -> float:
        """Take a number that is not negative."""
        value = float(self._take(name, (int, float), default))
        if not value >= 0:
            raise Refused(422, f"field {name!r} is negative")
        return value

    def count(self, name: str, default: int) -> int:
        """Take a whole number that is not negative."""
        value: int = self._take(name, int, default)
        if value < 0:
            raise Refused(422, f"field {name!r} is negative")
        return value

    def texts(self, name: str) -> list[str]:
        """Take a list of strings, empty if absent."""
        values: list[str] = self._take(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise Refused(422, f"field {name!r} is not a list of strings")
        return values

    def environment(self, name: str) -> dict[str, str | None]:
        """Take a map of strings, where null means: unset."""
        values: dict[str, str | None] = self._take(name, dict, {})
        if not all(value is None or isinstance(value, str) for value in values.values()):
            raise Refused(422, f"field {name!r} is not a map of strings")
        return values

    def refuse(self, *names: str) -> None:
        """Refuse fields whose meaning this server does not have: ignoring them would silently do something else."""
        for name in names:
            if self._body.get(name):
                raise Refused(422, f"field {name!r} is not supported by this server; leave it out")

    def _take(self, name: str, kind: type | tuple[type, ...], default: Any) -> Any:
        value = self._body.get(name)
        if value is None:
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Refused(422, f"field {name!r} has the wrong type: {type(value).__name__}")
        return value
