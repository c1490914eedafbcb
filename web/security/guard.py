"""The door: every request passes here before its view, in one order, and nothing is let in that no rule lets in."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Forbidden, Unauthorized

from provider.config.settings import WebRole, WebSettings
from web.security.authentication import Authenticator
from web.security.origins import Hosts, is_foreign
from web.security.principal import Principal, remember_principal
from web.urls import endpoint_of, own_url, url_for

ANYWHERE = frozenset({"livez", "readyz"})
"""Asked by probes under whatever name they know; they tell nothing that a foreign page could use."""


class AccessGuard:
    """Lets a request through to its view, or answers it: name of the host, who asks, another site, role."""

    def __init__(self, web: WebSettings, authenticator: Authenticator, roles: Mapping[str, WebRole | None]) -> None:
        self._web = web
        self._hosts = Hosts(web)
        self._authenticator = authenticator
        self._roles = roles

    def admit(self) -> ResponseReturnValue | None:
        """Answer instead of the view, or return None to let the request through."""
        endpoint = endpoint_of(request)
        remember_principal(None)
        if endpoint not in ANYWHERE and not self._hosts.allows(request.host):
            raise BadRequest(f"this dashboard is not called {request.host!r}; add the name to web.allowed_hosts")
        # What nobody registered is for those who are let in; a URL that does not exist is not found for everybody.
        role = self._roles.get(endpoint, "viewer") if endpoint is not None else None
        principal = self._identify(role)
        remember_principal(principal)
        if is_foreign(request.method, dict(request.headers), request.host, principal, self._web.public_url):
            raise Forbidden("another site made your browser send this; nothing was done: open the dashboard itself")
        if role is None:
            return None
        if principal is None:
            return self._ask_to_sign_in()
        if not principal.may(role):
            raise Forbidden(f"{principal.name} is a {principal.role}; this needs the role {role}")
        return None

    def _identify(self, role: WebRole | None) -> Principal | None:
        try:
            return self._authenticator.identify(request)
        except Forbidden:
            if role is not None:
                raise
            return None

    def _ask_to_sign_in(self) -> ResponseReturnValue:
        """Show people the form; tell programs what to send."""
        is_page = request.method in ("GET", "HEAD") and not (endpoint_of(request) or "").startswith(("api_", "metrics"))
        if not is_page:
            raise Unauthorized(
                "sign in first, or send `Authorization: Bearer TOKEN`", www_authenticate=WWWAuthenticate("bearer")
            )
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            return _come_again()
        return redirect(url_for("login", next=own_url()), 303)


def _come_again() -> Response:
    """Let the browser ask again by itself: a strict cookie is not sent along when another site's link is followed."""
    return Response("", headers={"Refresh": f"0; url={own_url()}"}, content_type="text/html; charset=utf-8")
