"""Problem details (RFC 9457): how the API says what went wrong."""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Response

MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, **extra: object) -> Response:
    """Build the answer: `detail` says what happened and what to do next."""
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **extra}
    return Response(json.dumps(document), status=status, content_type=MEDIA_TYPE)
