"""The stream that keeps open pages current."""

from __future__ import annotations

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ServiceUnavailable

from web.live.streams import tell
from web.route import Route
from web.server import CONNECTION, Connection
from web.services import services

FIRST_LOOK_SECONDS = 2.0
RETRY_SECONDS = 30


def show() -> ResponseReturnValue:
    """Open a stream; `Last-Event-ID`, or `after` at the first time, says what the page has seen."""
    poller, places = services().open_head_poller(), services().streams
    if not places.enter():
        raise ServiceUnavailable("all streams are in use; ask for the page itself", retry_after=RETRY_SECONDS)
    poller.first_look(FIRST_LOOK_SECONDS)
    wakeup = poller.subscribe()
    connection: Connection | None = request.environ.get(CONNECTION)
    if connection is not None:
        connection.when_closed(lambda: poller.ring(wakeup))
    lines = tell(poller, wakeup, _seen(), lambda: connection is not None and not connection.connected)
    response = Response(lines, content_type="text/event-stream; charset=utf-8")
    response.headers["X-Accel-Buffering"] = "no"

    @response.call_on_close
    def leave() -> None:
        lines.close()
        poller.unsubscribe(wakeup)
        places.leave()

    return response


def _seen() -> int | None:
    text = request.headers.get("Last-Event-ID") or request.args.get("after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


route = Route(path="/live", endpoint="live", view=show, role="viewer")
