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
from provider.config.settings import Settings
from web import errors
from web.routes import NAVIGATION, list_routes, roles_by_endpoint
from web.security.access import Ask, open_access
from web.security.guard import Guard
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
    if loaded.web.public_url is not None:
        app.wsgi_app = PublicUrl(app.wsgi_app, loaded.web.public_url)  # type: ignore[method-assign]  # as Flask documents
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
    guard = Guard(settings.web, access.authenticator, roles_by_endpoint())

    def enter() -> ResponseReturnValue | None:
        g.sandbox_ledger = services
        g.sandbox_ledger_position = services.position()
        return guard.admit()

    target.before_request(enter)
    target.after_request(protect)
    errors.register(target)
    return services


class PublicUrl:
    """Behind a reverse proxy: serves under the path of `public_url`, whether or not the proxy takes the path off."""

    def __init__(self, application: WSGIApplication, public_url: str) -> None:
        self._application = application
        parts = urlsplit(public_url)
        self._scheme, self._netloc, self._prefix = parts.scheme, parts.netloc.lower(), parts.path.rstrip("/")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request as if it had come to the public address."""
        path = environ.get("PATH_INFO", "")
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
        environ["SCRIPT_NAME"] = self._prefix
        if environ.get("HTTP_HOST", "").lower() == self._netloc:
            environ["wsgi.url_scheme"] = self._scheme
        return self._application(environ, start_response)
