"""The stream of hints (Server-Sent Events): that something changed, never what. A page then reads itself again.

event: change        something happened, or some time has passed; `id` is the position
event: heartbeat     nothing did; the connection and the ledger are there
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Generator
from datetime import datetime

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ServiceUnavailable

from web.live.changes import Change
from web.live.tailer import Freshness, Tailer
from web.live.wakeup import Wakeup, Woken
from web.routes import Route
from web.services import services

HEARTBEAT_SECONDS = 15.0
REFRESH_SECONDS = 30.0
"""A page shows what happened within the last hour: it changes although nothing happens."""
LONGEST_SECONDS = 3600.0
"""A stream ends then and is opened again by whoever may still open it."""
FIRST_LOOK_SECONDS = 2.0
RETRY_SECONDS = 30
NO_TOPIC: frozenset[str] = frozenset()
TIME = frozenset({"time"})


def live() -> ResponseReturnValue:
    """Open a stream; `Last-Event-ID`, or `after` at the first time, says what the page has seen."""
    tailer, places = services().open_tailer(), services().streams
    if not places.enter():
        raise ServiceUnavailable("all streams are in use; ask for the page itself", retry_after=RETRY_SECONDS)
    tailer.first_look(FIRST_LOOK_SECONDS)
    wakeup = tailer.subscribe()
    lines = tell(tailer, wakeup, _seen(), request.environ.get("gunicorn.socket"))
    response = Response(lines, content_type="text/event-stream; charset=utf-8")
    response.headers["X-Accel-Buffering"] = "no"

    @response.call_on_close
    def leave() -> None:
        lines.close()
        tailer.unsubscribe(wakeup)
        places.leave()

    return response


def tell(
    tailer: Tailer, wakeup: Wakeup, after: int | None, connection: socket.socket | None
) -> Generator[str, None, None]:
    """Tell what changes until the client goes away or the server ends."""
    begun = refreshed = time.monotonic()
    seen = after if after is not None else tailer.freshness().position
    told: tuple[bool, datetime | None] = (True, None)
    yield "retry: 3000\n\n"
    yield _write("heartbeat", tailer.freshness(), NO_TOPIC)
    while not tailer.is_leaving and time.monotonic() - begun < LONGEST_SECONDS:
        fresh, change = tailer.freshness(), tailer.find_change(seen)
        state = (fresh.as_of is not None, fresh.stale_since)
        if change is not None or state != told:
            seen, told = fresh.position, state
            yield _write("change", fresh, change.topics if change else NO_TOPIC, change)
        woken = wakeup.wait(HEARTBEAT_SECONDS, connection)
        if woken is Woken.GONE:
            return
        if woken is Woken.QUIET:
            is_old = time.monotonic() - refreshed >= REFRESH_SECONDS - 1
            refreshed = time.monotonic() if is_old else refreshed
            yield _write("change" if is_old else "heartbeat", tailer.freshness(), TIME if is_old else NO_TOPIC)


def _write(event: str, fresh: Freshness, topics: frozenset[str], change: Change | None = None) -> str:
    document = {
        "position": fresh.position,
        "topics": sorted(topics),
        "sandbox_ids": sorted(change.sandbox_ids) if change else [],
        "as_of": fresh.as_of.isoformat() if fresh.as_of else None,
        "stale_since": fresh.stale_since.isoformat() if fresh.stale_since else None,
    }
    return f"event: {event}\nid: {fresh.position}\ndata: {json.dumps(document, separators=(',', ':'))}\n\n"


def _seen() -> int | None:
    text = request.headers.get("Last-Event-ID") or request.args.get("after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


ROUTES = (Route(path="/live", endpoint="live", view=live),)
