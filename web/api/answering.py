"""From a request to an operation's handler and back: parameters, body, what is accepted, tags and links."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotAcceptable

from provider.reading.documents import document
from web.api.bodies import read_body
from web.api.operations import Asked, Operation, Reply
from web.api.parameters import read_all
from web.etags import ledger_tag
from web.route import Route, View
from web.services import services
from web.urls import own_url

PREFIX = "/api/v1"
MEDIA_TYPE = "application/json"


def route_of(operation: Operation) -> Route:
    """Return the route of an operation."""
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
        reply = operation.handler(Asked(values=values, body=body))
        if reply.etag is not None and operation.method == "GET" and request.if_none_match.contains_weak(reply.etag):
            return _tagged(Response(status=304), reply.etag, weak=False)
        response = _write(operation, reply)
        if reply.etag is not None:
            return _tagged(response, reply.etag, weak=False)
        return _tagged(response, etag, weak=True) if etag is not None else response

    return view


def _check_accept() -> None:
    accepted = request.accept_mimetypes
    if accepted and not accepted.quality(MEDIA_TYPE):
        raise NotAcceptable(f"answers here are {MEDIA_TYPE}; accept that")


def _etag(operation: Operation) -> str | None:
    """Return a tag of the last event, and where that is not all of the time: what an answer would be made from."""
    if operation.etag not in ("position", "moment"):
        return None
    return ledger_tag(services().insights.head_position(), own_url(), by_time=operation.etag == "moment")


def _tagged(response: Response, etag: str, *, weak: bool) -> Response:
    response.set_etag(etag, weak=weak)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _write(operation: Operation, reply: Reply) -> Response:
    written = document(reply.value)
    if operation.is_list:
        written = {**written, "next": reply.next, "previous": reply.previous}
    response = Response(json.dumps(written), content_type=MEDIA_TYPE)
    for relation, cursor in (("next", reply.next), ("prev", reply.previous)):
        if cursor is not None:
            response.headers.add("Link", f'<{_at(cursor)}>; rel="{relation}"')
    return response


def _at(cursor: str) -> str:
    """Return the address of another page of the same list."""
    arguments = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return f"{request.root_path}{request.path}?{urlencode([*arguments, ('cursor', cursor)])}"
