"""What every answer tells the browser: run nothing foreign, be in no frame, keep nothing."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request

from web.urls import endpoint_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
FOR_GOOD = "public, max-age=31536000, immutable"
"""For a static file under an address that changes with its content."""


def protect(response: Response) -> Response:
    """Add what is missing; what says nothing about caching is not kept anywhere."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    if endpoint_of(request) == "static" and "v" in request.args and response.status_code < 400:
        response.headers["Cache-Control"] = FOR_GOOD
    response.headers.setdefault("Cache-Control", "no-store")
    return response
