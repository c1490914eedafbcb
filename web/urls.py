"""URLs inside the dashboard, wherever it is mounted."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import flask
from flask import Request, request

NAME = "sandbox_ledger"
"""The blueprint's name where nobody chose another one."""

_PATH = "/!$&'()*+,;=:@~"
"""What stands in a path as it is."""

PACKAGE = Path(__file__).parent


def url_for(endpoint: str, **values: Any) -> str:
    """Make the URL of an endpoint of the dashboard (`now`, `sandbox`); a value that is None is left out."""
    return flask.url_for(f"{request.blueprint or NAME}.{endpoint}", **values)


def endpoint_of(asked: Request) -> str | None:
    """Tell the endpoint of a request by its own name, wherever the dashboard is mounted; None for an unknown URL."""
    return None if asked.endpoint is None else asked.endpoint.rpartition(".")[2]


def has_endpoint(endpoint: str) -> bool:
    """Tell whether there is such an endpoint."""
    return f"{request.blueprint or NAME}.{endpoint}" in flask.current_app.view_functions


def static_url(filename: str) -> str:
    """Make the URL of a static file, which changes with its content: browsers may keep the file for good."""
    return url_for("static", filename=filename, v=_fingerprint(filename))


def here() -> str:
    """Tell the path and the arguments of this request, as a link back to it."""
    path = quote(f"{request.root_path}{request.path}", safe=_PATH)
    query = request.query_string.decode("ascii", "ignore")
    return f"{path}?{query}" if query else path


@functools.cache
def _fingerprint(filename: str) -> str:
    return hashlib.sha256((PACKAGE / "static" / filename).read_bytes()).hexdigest()[:12]
