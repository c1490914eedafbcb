"""The description of the API (OpenAPI 3.1), made from the same values as its routes."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue

from web.api import problems
from web.api.answering import MEDIA_TYPE, PREFIX
from web.api.operations import Operation
from web.api.parameters import Parameter
from web.api.schemas import Schemas
from web.route import Route
from web.urls import url_for

Document = dict[str, Any]

PROBLEM: Document = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened, and what to do next."},
        "instance": {"type": "string", "description": "What was asked for."},
        "errors": {
            "type": "array",
            "items": {"type": "object"},
            "description": "Each parameter or field that is wrong.",
        },
        "action": {"type": "object", "description": "What came of an action that was refused or failed."},
    },
    "required": ["type", "title", "status", "detail", "instance"],
}
HEADERS: Mapping[str, Document] = {
    "ETag": {"schema": {"type": "string"}, "description": "Send it as If-None-Match, to read only what changed."},
    "Link": {"schema": {"type": "string"}, "description": "The pages after (`next`) and before (`prev`) this one."},
}
REFUSALS: Mapping[int, str] = {
    400: "Something in the request is wrong.",
    401: "Sign in first.",
    403: "Another role is needed.",
    404: "No such sandbox.",
    405: "Another method is needed.",
    406: "Only JSON is answered.",
    409: "Refused as things are now, or the same request is under way.",
    412: "The sandbox moved on.",
    413: "Too much was sent.",
    415: "Only JSON is read.",
    422: "Understood, but nothing can be made of it.",
    429: "Too many wrong tokens.",
    503: "The database or the engine does not answer.",
}
FOR_ALL, FOR_POST = (400, 401, 403, 404, 405, 406, 422, 429, 503), (409, 412, 413, 415)


def route(operations: Sequence[Operation]) -> Route:
    """Return the route of the description."""
    described = functools.cache(lambda: describe(operations))

    def view() -> ResponseReturnValue:
        found = {**described(), "servers": [{"url": url_for("api_openapi").removesuffix("/openapi.json")}]}
        return Response(json.dumps(found), content_type=MEDIA_TYPE)

    return Route(path=f"{PREFIX}/openapi.json", endpoint="api_openapi", view=view, role="viewer")


def describe(operations: Sequence[Operation]) -> Document:
    """Describe all operations."""
    schemas = Schemas()
    schemas.add("Problem", PROBLEM)
    paths: dict[str, Document] = {}
    for one in operations:
        paths.setdefault(_path(one), {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sandbox Ledger", "version": version("sandbox-ledger"),
            "description": "Names are the column names of the tables and views; times are UTC, as in the log.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }  # fmt: skip


def _path(operation: Operation) -> str:
    return re.sub(r"<(\w+)>", r"{\1}", operation.path)


def _operation(operation: Operation, schemas: Schemas) -> Document:
    described: Document = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"For the role {operation.role}.",
        "parameters": [_parameter(one) for one in operation.parameters],
        "responses": _responses(operation, schemas),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": {MEDIA_TYPE: {"schema": operation.body}}}
    return described


def _parameter(parameter: Parameter) -> Document:
    return {
        "name": parameter.name, "in": parameter.place, "required": parameter.required, "schema": parameter.schema,
        "description": parameter.meaning,
    }  # fmt: skip


def _responses(operation: Operation, schemas: Schemas) -> Document:
    schema = _list(operation, schemas) if operation.is_list else schemas.of(operation.shape)
    names = (["ETag"] if operation.etag else []) + (["Link"] if operation.is_list else [])
    done: Document = {
        "description": "What was asked for.", "content": {MEDIA_TYPE: {"schema": schema}},
        "headers": {name: HEADERS[name] for name in names},
    }  # fmt: skip
    unchanged = {"304": {"description": "As it was when you read it."}} if operation.etag else {}
    statuses = FOR_ALL + (FOR_POST if operation.method == "POST" else ())
    refused = {
        str(status): {
            "description": REFUSALS[status],
            "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
    return {"200": done, **unchanged, **refused}


def _list(operation: Operation, schemas: Schemas) -> Document:
    cursor = {"type": ["string", "null"]}
    properties = {
        "items": {"type": "array", "items": schemas.of(operation.shape)},
        **{name: schemas.of(hint) for name, hint in operation.more.items()},
        "next": cursor, "previous": cursor,
    }  # fmt: skip
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
