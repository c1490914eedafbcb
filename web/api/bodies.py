"""Bodies of requests: a JSON object with known fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from web.api.problems import RequestProblem

MOST_BYTES = 64 * 1024
KINDS: Mapping[str, type] = {"string": str, "integer": int, "boolean": bool}


def read_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Read the body by its schema; raise a `RequestProblem` that lists all that is wrong with it."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("send a JSON object with Content-Type: application/json")
    request.max_content_length = MOST_BYTES
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict):
        raise RequestProblem(400, "the body is no JSON object", errors=[{"pointer": "", "detail": "no JSON object"}])
    properties: Mapping[str, Any] = schema["properties"]
    wrong = [_error(name, "no such field") for name in body if name not in properties]
    wrong += [_error(name, "is missing") for name in schema["required"] if name not in body]
    values: dict[str, Any] = {name: one.get("default") for name, one in properties.items()}
    for name, one in properties.items():
        if name in body:
            told = _find_fault(one, body[name])
            wrong += [_error(name, told)] if told else []
            values[name] = body[name]
    if wrong:
        told = "; ".join(f"{one['pointer']}: {one['detail']}" for one in wrong)
        raise RequestProblem(422, f"{told}; nothing was done", errors=wrong)
    return values


def _error(name: str, detail: str) -> dict[str, str]:
    pointer = name[:100].replace("~", "~0").replace("/", "~1")
    return {"pointer": f"/{pointer}", "detail": detail}


def _find_fault(schema: Mapping[str, Any], value: Any) -> str | None:
    """Return what is wrong with one field; None when nothing is."""
    kind = KINDS[schema["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return f"is no {schema['type']}"
    if isinstance(value, str):
        return _find_fault_in_text(schema, value)
    if kind is int and not schema["minimum"] <= value <= schema["maximum"]:
        return f"not between {schema['minimum']} and {schema['maximum']}"
    return None


def _find_fault_in_text(schema: Mapping[str, Any], text: str) -> str | None:
    least, most = schema.get("minLength", 0), schema["maxLength"]
    if least and not text.strip():
        return "is empty"
    if not least <= len(text) <= most:
        return f"{len(text)} characters; between {least} and {most} are allowed"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "is no Unicode text"
    if "pattern" in schema and not re.fullmatch(schema["pattern"], text):
        return f"does not match {schema['pattern']}"
    return None
