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
LONGEST_NEXT = 2000


def url_for(endpoint: str, **values: Any) -> str:
    """Return the URL of an endpoint of the dashboard (`now`, `sandbox`); a value that is None is left out."""
    return flask.url_for(f"{request.blueprint or NAME}.{endpoint}", **values)


def endpoint_of(asked: Request) -> str | None:
    """Return the endpoint of a request by its own name, wherever the dashboard is mounted; None for an unknown URL."""
    return None if asked.endpoint is None else asked.endpoint.rpartition(".")[2]


def has_endpoint(endpoint: str) -> bool:
    """Whether there is such an endpoint."""
    return f"{request.blueprint or NAME}.{endpoint}" in flask.current_app.view_functions


def static_url(filename: str) -> str:
    """Return the URL of a static file, which changes with its content: browsers may keep the file for good."""
    return url_for("static", filename=filename, v=_fingerprint(filename))


def own_path() -> str:
    """Return the path of this request as it is written in a link."""
    return quote(f"{request.root_path}{request.path}", safe=_PATH)


def own_url() -> str:
    """Return the path and the arguments of this request, as a link back to it."""
    query = request.query_string.decode("ascii", "ignore")
    return f"{own_path()}?{query}" if query else own_path()


def safe_next(target: str) -> str:
    """Return a page of this dashboard to go on to; for everything else it is the first page."""
    home = url_for("now")
    # Browsers take a backslash for a slash and skip control characters, so that such a path may lead elsewhere.
    is_plain = target.isprintable() and "\\" not in target and len(target) <= LONGEST_NEXT
    return target if is_plain and target.startswith(home) and not target.startswith("//") else home


@functools.cache
def _fingerprint(filename: str) -> str:
    return hashlib.sha256((PACKAGE / "static" / filename).read_bytes()).hexdigest()[:12]
