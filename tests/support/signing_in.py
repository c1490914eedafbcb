"""Tokens for tests, and a browser that has signed in with one."""

from __future__ import annotations

import hashlib
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

TOKENS = {"alice": "the-token-of-alice", "victor": "the-token-of-victor"}
"""Alice is an operator, Victor a viewer."""
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def token_settings() -> dict[str, Any]:
    """Make the keys of the section `web` for `auth: token`."""
    roles = {"alice": "operator", "victor": "viewer"}
    tokens = [
        {"name": name, "role": roles[name], "sha256": hashlib.sha256(token.encode()).hexdigest()}
        for name, token in TOKENS.items()
    ]
    return {"auth": "token", "tokens": tokens, "session_key": "a key that only tests use, long enough"}


def bearer(name: str) -> dict[str, str]:
    """Make the header of a program that has a token."""
    return {"Authorization": f"Bearer {TOKENS[name]}"}


def sign_in(client: FlaskClient, name: str, token: str | None = None, next_url: str = "/", **more: Any) -> TestResponse:
    """Send the form as a browser does."""
    form = {"name": name, "token": TOKENS[name] if token is None else token, "next": next_url}
    return client.post("/login", data=form, headers=SAME_ORIGIN, **more)


def add_an_action(client: FlaskClient) -> None:
    """Give the dashboard one more URL, which changes something and which nobody gave a role."""
    client.application.add_url_rule("/unlisted", "unlisted", lambda: "done", methods=["POST"])
