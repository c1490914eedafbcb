"""Read the answers of a sandbox, which are not to be trusted: commands in it may have replaced its server."""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from provider.domain.errors import AccessRefused, SandboxError
from provider.sandbox.bounded_json import UnfitJson, parse_object

T = TypeVar("T")
# Servers that do not name the errno, as `sandboxd` does, still choose a status.
ERRNO_OF_STATUS = {403: errno.EACCES, 404: errno.ENOENT, 413: errno.EFBIG, 507: errno.ENOSPC}
LONGEST_MESSAGE = 1000
LONGEST_SECONDS = 10 * 365 * 86400.0
LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Data:
    """The `data` object of an answer; a field of the wrong type or out of range raises `SandboxError`."""

    sandbox_id: str
    fields: Mapping[str, Any]

    def find(self, name: str, kind: type[T] | tuple[type[T], ...]) -> T | None:
        """Take a field, None if it is null or absent."""
        value = self.fields.get(name)
        if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
            raise not_the_protocol(self.sandbox_id, f"field {name!r} is {type(value).__name__}")
        return value

    def take(self, name: str, kind: type[T] | tuple[type[T], ...], default: T) -> T:
        """Take a field, `default` if it is null or absent."""
        value = self.find(name, kind)
        return default if value is None else value

    def text(self, name: str) -> str:
        """Take a text, empty if absent; what UTF-8 cannot carry (half a surrogate pair) becomes a question mark."""
        value = self.take(name, str, "")
        return value if value.isascii() else value.encode("utf-8", "replace").decode()

    def find_integer(self, name: str, lowest: int = 0, highest: int = LARGEST_INTEGER) -> int | None:
        """Take a whole number within its range."""
        value = self.find(name, int)
        if value is not None and not lowest <= value <= highest:
            raise not_the_protocol(self.sandbox_id, f"field {name!r} is out of range")
        return value

    def seconds(self, name: str) -> float:
        """Take a duration; JSON does not tell 1 from 1.0."""
        value = self.take(name, (int, float), 0.0)
        if not 0 <= value <= LONGEST_SECONDS or not math.isfinite(value):
            raise not_the_protocol(self.sandbox_id, f"field {name!r} is no duration")
        return float(value)

    def find_time(self, name: str) -> datetime | None:
        """Take a time, None if there is none that can be read."""
        try:
            parsed = datetime.fromisoformat(self.take(name, str, ""))
            return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return None

    def list_objects(self, name: str, most: int) -> Sequence[Data]:
        """Take a list of at most `most` objects; what is beyond them is left out."""
        objects = self.take(name, list, [])[:most]
        if not all(isinstance(fields, dict) for fields in objects):
            raise not_the_protocol(self.sandbox_id, f"field {name!r} holds more than objects")
        return [Data(self.sandbox_id, fields) for fields in objects]


def read_data(sandbox_id: str, status: int, body: bytes, path: str | None = None) -> Data:
    """Return the data of a successful answer, or raise what a local call would have raised.

    `OSError` and its subclasses (`FileNotFoundError`, `PermissionError`, `IsADirectoryError`, ...) for the file `path`,
    `ValueError` for a request that makes no sense, `SandboxError` for a server that failed.
    """
    try:
        envelope = parse_object(body)
    except UnfitJson as problem:
        raise not_the_protocol(sandbox_id, f"HTTP {status}, {problem}") from None
    data = envelope.get("data")
    fields = data if isinstance(data, dict) else {}
    if status == 200 and envelope.get("success") is not False:
        return Data(sandbox_id, fields)
    raise _failure(sandbox_id, status, envelope, fields, path)


def _failure(
    sandbox_id: str, status: int, envelope: Mapping[str, Any], fields: Mapping[str, Any], path: str | None
) -> Exception:
    message = _message(envelope.get("message") or envelope.get("detail") or f"HTTP {status}")
    if status == 401:
        return AccessRefused(sandbox_id, message)
    name = fields.get("errno")
    number = getattr(errno, name, None) if isinstance(name, str) else ERRNO_OF_STATUS.get(status)
    if isinstance(number, int) and path is not None:
        reason = fields.get("reason")
        return OSError(number, f"sandbox {sandbox_id}: {_message(reason) if reason else message}", path)
    if isinstance(number, int):
        return OSError(number, f"sandbox {sandbox_id}: {message}")
    if 400 <= status < 500:
        return ValueError(f"sandbox {sandbox_id} refused the request: {message}")
    return SandboxError(f"sandbox {sandbox_id}: its server failed ({message}); see the container's log, or restart it")


def _message(value: object) -> str:
    """Return what a server says as one line that can be logged and shown."""
    text = value[: LONGEST_MESSAGE + 1] if isinstance(value, str) else repr(value)
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[: LONGEST_MESSAGE + 1])
    return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}..."


def not_the_protocol(sandbox_id: str, what: str) -> SandboxError:
    """Make the error for an answer that no server of this protocol gives."""
    return SandboxError(
        f"sandbox {sandbox_id}: its answer is not the sandbox protocol ({what}); "
        "check the image, and that `sandbox.port` is the port of its API"
    )
