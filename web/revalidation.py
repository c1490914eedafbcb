"""Pages that are asked for again and again: while nothing can have changed, that is all the answer (304)."""

from __future__ import annotations

import functools
import hashlib
import time
from typing import Any

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

from web.routes import View
from web.security.principal import find_principal
from web.services import services

REFRESH_SECONDS = 15
"""Ages and the numbers of the last hour change although nothing happens."""


def revalidated(view: View) -> View:
    """Answer 304 to one who has read this view since the last event; else call it and say by which tag to ask again.

    The position is read before the view reads: what comes in between is told the next time, never missed.
    """

    @functools.wraps(view)
    def answer(**values: Any) -> ResponseReturnValue:
        etag = _etag()
        is_known = request.if_none_match.contains_weak(etag)
        response = Response(status=304) if is_known else make_response(view(**values))
        if response.status_code in (200, 304):
            response.set_etag(etag, weak=True)
        return response

    return answer


def _etag() -> str:
    """Tell everything that decides what a page shows, but for its address."""
    principal = find_principal()
    parts = (
        services().insights.head_position(),
        int(time.time()) // REFRESH_SECONDS,
        principal.name if principal else "",
        principal.role if principal else "",
        sorted(request.cookies.items()),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
