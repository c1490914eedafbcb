"""Problem details (RFC 9457): how the API says what went wrong."""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Response
from werkzeug.exceptions import HTTPException

from web.urls import own_url

MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, **extra: object) -> Response:
    """Build the answer: `detail` says what happened and what to do next."""
    document = {
        "type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail,
        "instance": own_url(), **extra,
    }  # fmt: skip
    return Response(json.dumps(document), status=status, content_type=MEDIA_TYPE)


class RequestProblem(HTTPException):
    """An answer that says what is wrong, raised from wherever it is found."""

    def __init__(self, status: int, detail: str, **extra: object) -> None:
        super().__init__(detail, problem(status, detail, **extra))
