"""What may be asked with: each parameter once, for the reading of it and for its description."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from flask import request

from provider.ports.reading.paging import DEFAULT_LIMIT, MAX_LIMIT
from web.api.problems import RequestProblem
from web.urls import url_for

Place = Literal["path", "query", "header"]
Schema = Mapping[str, Any]

LONGEST_TEXT = 1000
PLAIN = r"^[^\u0000-\u001f\u007f]*$"
TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT, "pattern": PLAIN}
MOMENT: Schema = {"type": "string", "format": "date-time"}
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt ](?P<minute>\d\d:\d\d):(?P<second>\d\d)(?P<rest>(\.\d+)?([Zz]|[+-]\d\d:\d\d))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter: where it stands, what it may be (a JSON schema), and what it means."""

    name: str
    meaning: str
    schema: Schema = field(default_factory=lambda: TEXT)
    place: Place = "query"

    @property
    def required(self) -> bool:
        """Whether it must be given: what stands in the path always does."""
        return self.place == "path"

    def read(self, texts: Sequence[str]) -> Any:
        """Read what was given; raise ValueError, which says what is allowed."""
        if self.schema.get("type") == "array":
            return tuple(_read(self.schema["items"], text) for text in texts)
        if len(texts) > 1:
            raise ValueError(f"given {len(texts)} times; give it once")
        return _read(self.schema, texts[0])


CURSOR = Parameter(name="cursor", meaning="Where to go on: from `next` or `previous` of another page of this list.")
LIMIT = Parameter(
    name="limit", meaning="How many at most.",
    schema={"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
)  # fmt: skip
QUERY = Parameter(
    name="q", meaning="Which ones: `status:warm user:alice image:x since:1h reason:oom`, and words.",
    schema={"type": "string", "maxLength": LONGEST_TEXT, "pattern": PLAIN},
)  # fmt: skip
SANDBOX_ID = Parameter(
    name="sandbox_id", meaning="The sandbox's id.", schema={"type": "string", "pattern": "^[0-9a-f]{16}$"}, place="path"
)


def read_all(parameters: Sequence[Parameter], path: Mapping[str, str]) -> dict[str, Any]:
    """Read a request's parameters; raise a `RequestProblem` that lists all that is wrong with them."""
    known = {one.name for one in parameters if one.place == "query"}
    wrong = [_error(name, "no such parameter") for name in request.args if name not in known]
    values: dict[str, Any] = {}
    for one in parameters:
        texts = _given(one, path)
        if not texts:
            values[one.name] = one.schema.get("default")
            continue
        try:
            values[one.name] = one.read(texts)
        except ValueError as error:
            wrong.append(_error(one.name, str(error)))
    if wrong:
        told = "; ".join(f"{one['parameter']}: {one['detail']}" for one in wrong)
        raise RequestProblem(400, f"{told}; see {url_for('api_openapi')}", errors=wrong)
    return values


def _given(parameter: Parameter, path: Mapping[str, str]) -> list[str]:
    match parameter.place:
        case "path":
            return [path[parameter.name]]
        case "header":
            return request.headers.getlist(parameter.name)
        case _:
            return request.args.getlist(parameter.name)


def _error(name: str, detail: str) -> dict[str, str]:
    return {"parameter": name[:100], "detail": detail}


def _read(schema: Schema, text: str) -> Any:
    match schema["type"]:
        case "integer":
            return _read_integer(schema, text)
        case "boolean":
            if text not in ("true", "false"):
                raise ValueError("neither true nor false")
            return text == "true"
    if "enum" in schema and text not in schema["enum"]:
        raise ValueError(f"none of {', '.join(schema['enum'])}")
    if schema.get("format") == "date-time":
        return read_moment(text)
    if len(text) < schema.get("minLength", 0) or len(text) > schema.get("maxLength", LONGEST_TEXT):
        raise ValueError(f"{len(text)} characters; between {schema.get('minLength', 0)} and {LONGEST_TEXT} are allowed")
    if "pattern" in schema and not re.fullmatch(schema["pattern"], text):
        raise ValueError(f"does not match {schema['pattern']}")
    return text


def _read_integer(schema: Schema, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,16}", text):
        raise ValueError("no whole number")
    number = int(text)
    if not schema["minimum"] <= number <= schema["maximum"]:
        raise ValueError(f"not between {schema['minimum']} and {schema['maximum']}")
    return number


def read_moment(text: str) -> datetime:
    """Read a time with its zone, as RFC 3339 writes it; one before or behind all events is cut to what can be asked."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError("no time with a zone; write it like 2026-11-24T14:02:00Z")
    # A leap second is none of the clock's: databases do not count it either.
    written = f"{found['day']}T{found['minute']}:{min(int(found['second']), 59):02}{found['rest']}".upper()
    try:
        moment = datetime.fromisoformat(written)
        return min(max(moment, EARLIEST), LATEST).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("no time of the calendar") from error
