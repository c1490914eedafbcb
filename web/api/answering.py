"""From a request to an operation's handler and back: parameters, body, what is accepted, tags and links."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotAcceptable

from provider.reading.documents import document
from web.api.bodies import read_body
from web.api.operations import Answer, Asked, Operation
from web.api.parameters import read_all
from web.routes import Route, View
from web.services import services
from web.urls import here

PREFIX = "/api/v1"
MEDIA_TYPE = "application/json"
REFRESH_SECONDS = 15
"""Ages, rates and heartbeats change although nothing happens."""


def route_of(operation: Operation) -> Route:
    """Make the route of an operation."""
    return Route(
        path=PREFIX + operation.path, endpoint=f"api_{operation.name}", view=_view(operation),
        methods=(operation.method,), role=operation.role,
    )  # fmt: skip


def _view(operation: Operation) -> View:
    def view(**path: str) -> ResponseReturnValue:
        values = read_all(operation.parameters, path)
        _check_accept()
        body = read_body(operation.body) if operation.body is not None else {}
        etag = _etag(operation)
        if etag is not None and request.if_none_match.contains_weak(etag):
            return _tagged(Response(status=304), etag, weak=True)
        answer = operation.handler(Asked(values=values, body=body))
        if answer.etag is not None and operation.method == "GET" and request.if_none_match.contains_weak(answer.etag):
            return _tagged(Response(status=304), answer.etag, weak=False)
        response = _write(operation, answer)
        if answer.etag is not None:
            return _tagged(response, answer.etag, weak=False)
        return _tagged(response, etag, weak=True) if etag is not None else response

    return view


def _check_accept() -> None:
    accepted = request.accept_mimetypes
    if accepted and not accepted.quality(MEDIA_TYPE):
        raise NotAcceptable(f"answers here are {MEDIA_TYPE}; accept that")


def _etag(operation: Operation) -> str | None:
    """Tell by the last event, and where that is not all by the time, what an answer would be made from.

    It is read before the handler reads: what happens in between is told the next time, never missed.
    """
    if operation.etag not in ("position", "moment"):
        return None
    parts: list[Any] = [services().insights.head_position(), here()]
    if operation.etag == "moment":
        parts.append(int(time.time()) // REFRESH_SECONDS)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def _tagged(response: Response, etag: str, *, weak: bool) -> Response:
    response.set_etag(etag, weak=weak)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _write(operation: Operation, answer: Answer) -> Response:
    written = document(answer.value)
    if operation.is_list:
        written = {**written, "next": answer.next, "previous": answer.previous}
    response = Response(json.dumps(written), content_type=MEDIA_TYPE)
    for relation, cursor in (("next", answer.next), ("prev", answer.previous)):
        if cursor is not None:
            response.headers.add("Link", f'<{_at(cursor)}>; rel="{relation}"')
    return response


def _at(cursor: str) -> str:
    """Make the address of another page of the same list."""
    arguments = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return f"{request.root_path}{request.path}?{urlencode([*arguments, ('cursor', cursor)])}"
