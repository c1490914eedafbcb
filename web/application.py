"""Puts the dashboard together: as an application of its own, or as a blueprint inside another one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Flask, g
from flask.sansio.scaffold import Scaffold
from flask.typing import ResponseReturnValue

from provider.config.loading import load_settings
from provider.config.settings import Settings, WebSettings
from web import errors
from web.routes import NAVIGATION, list_routes, roles_by_endpoint
from web.security.access import Ask, open_access
from web.security.addresses import Trusted, is_loopback, parse_address
from web.security.guard import AccessGuard
from web.security.headers import protect
from web.services import Services
from web.urls import NAME

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

EXTENSION = "sandbox-ledger"
"""Where `app.extensions` of the application keeps its `Services`."""

LARGEST_REQUEST = 1024**2
"""In bytes; what people and programs send here is forms and small documents."""

Source = Settings | Mapping[str, object] | str | os.PathLike[str] | None


def create_app(settings: Source = None) -> Flask:
    """Return the dashboard as an application; the ledger is opened by the first request.

    `settings` is what `open_provider` takes. Serve it with `sandbox-ledger serve`, or with any WSGI server.
    """
    app = Flask("web", static_folder=None, template_folder=None)
    loaded = load_settings(settings)
    services = _equip(app, loaded, None)
    app.extensions[EXTENSION] = services
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    app.register_blueprint(_blueprint())
    app.wsgi_app = Forwarded(app.wsgi_app, loaded.web)  # type: ignore[method-assign]  # as Flask documents
    return app


def create_blueprint(settings: Source = None, *, ask: Ask | None = None) -> Blueprint:
    """Return the dashboard as a blueprint: `app.register_blueprint(create_blueprint(...), url_prefix="/sandboxes")`.

    `ask` returns who makes the current request, as (name, role), or None for somebody who may not see this; without it
    `web.auth` holds here as well. The names of the application belong into `web.allowed_hosts`.
    """
    blueprint = _blueprint()
    _equip(blueprint, load_settings(settings), ask)
    return blueprint


def _blueprint() -> Blueprint:
    blueprint = Blueprint(NAME, "web", static_folder="static")
    for route in list_routes():
        route.register(blueprint)
    return blueprint


def _equip(target: Scaffold, settings: Settings, ask: Ask | None) -> Services:
    """Add what every request needs: to an application also for URLs that do not exist."""
    access = open_access(settings.web, ask)
    services = Services(settings, access.sign_in, NAVIGATION)
    guard = AccessGuard(settings.web, access.authenticator, roles_by_endpoint())

    def enter() -> ResponseReturnValue | None:
        g.sandbox_ledger = services
        g.sandbox_ledger_position = services.position()
        return guard.admit()

    target.before_request(enter)
    target.after_request(protect)
    errors.register(target)
    return services


class Forwarded:
    """Behind a reverse proxy: answers as if a request had come to the address that people see.

    The path of `public_url` counts whether or not the proxy takes it off. The scheme is that of `public_url`, or what
    `X-Forwarded-Proto` says in a request from this machine or from a trusted proxy.
    """

    def __init__(self, application: WSGIApplication, web: WebSettings) -> None:
        self._application = application
        self._public = urlsplit(web.public_url or "")
        self._prefix = self._public.path.rstrip("/")
        self._trusted = Trusted(web.proxy.trusted_addresses)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        peer = environ.get("REMOTE_ADDR")
        if is_loopback(peer) or parse_address(peer) in self._trusted:
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "")
            environ["wsgi.url_scheme"] = scheme if scheme in ("http", "https") else environ["wsgi.url_scheme"]
        if self._public.netloc:
            self._apply_public_url(environ)
        return self._application(environ, start_response)

    def _apply_public_url(self, environ: WSGIEnvironment) -> None:
        path = environ.get("PATH_INFO", "")
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
        environ["SCRIPT_NAME"] = self._prefix
        if environ.get("HTTP_HOST", "").lower() == self._public.netloc.lower():
            environ["wsgi.url_scheme"] = self._public.scheme
