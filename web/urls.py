"""URLs inside the dashboard, wherever it is mounted."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import flask
from flask import request

NAME = "sandbox_ledger"
"""The blueprint's name where nobody chose another one."""

PACKAGE = Path(__file__).parent


def url_for(endpoint: str, **values: Any) -> str:
    """Make the URL of an endpoint of the dashboard (`now`, `sandbox`); a value that is None is left out."""
    return flask.url_for(f"{request.blueprint or NAME}.{endpoint}", **values)


def has_endpoint(endpoint: str) -> bool:
    """Tell whether there is such an endpoint."""
    return f"{request.blueprint or NAME}.{endpoint}" in flask.current_app.view_functions


def static_url(filename: str) -> str:
    """Make the URL of a static file, which changes with its content: browsers may keep the file for good."""
    return url_for("static", filename=filename, v=_fingerprint(filename))


def here() -> str:
    """Tell the path and the arguments of this request, as a link back to it."""
    path = f"{request.root_path}{request.full_path}"
    return path.removesuffix("?")


@functools.cache
def _fingerprint(filename: str) -> str:
    return hashlib.sha256((PACKAGE / "static" / filename).read_bytes()).hexdigest()[:12]
