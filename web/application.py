"""Puts the dashboard together: as an application of its own, or as a blueprint inside another one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from flask import Blueprint, Flask, g
from flask.sansio.scaffold import Scaffold
from flask.typing import ResponseReturnValue

from provider.config.loading import load_settings
from provider.config.settings import Settings
from web import errors, health, metrics
from web.api.table import API_ROUTES
from web.live import streams
from web.pages.table import PAGE_ROUTES, PAGES
from web.public_url import PublicUrl
from web.routes import Route
from web.security import login
from web.security.access import Ask, open_access
from web.security.guard import Guard
from web.security.headers import protect
from web.services import Services
from web.urls import NAME

EXTENSION = "sandbox-ledger"
"""Where `app.extensions` of the application keeps its `Services`."""

LARGEST_REQUEST = 1024**2
"""In bytes; what people and programs send here is forms and small documents."""

Source = Settings | Mapping[str, object] | str | os.PathLike[str] | None


def create_app(settings: Source = None) -> Flask:
    """Make the dashboard as an application; the ledger is opened by the first request.

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
    """Make the dashboard as a blueprint: `app.register_blueprint(create_blueprint(...), url_prefix="/sandboxes")`.

    `ask` tells who makes the current request, as (name, role), or None for somebody who may not see this; without it
    `web.auth` holds here as well. The names of the application belong into `web.allowed_hosts`.
    """
    blueprint = _blueprint()
    _equip(blueprint, load_settings(settings), ask)
    return blueprint


def routes() -> Iterator[Route]:
    """List everything that can be asked for."""
    yield from (page.route for page in PAGES)
    yield from PAGE_ROUTES
    yield from API_ROUTES
    yield from login.ROUTES
    yield from streams.ROUTES
    yield from health.ROUTES
    yield from metrics.ROUTES


def _blueprint() -> Blueprint:
    blueprint = Blueprint(NAME, "web", static_folder="static")
    for route in routes():
        route.register(blueprint)
    return blueprint


def _equip(target: Scaffold, settings: Settings, ask: Ask | None) -> Services:
    """Add what every request needs: to an application also for URLs that do not exist."""
    access = open_access(settings.web, ask)
    services = Services(settings, access.sign_in)
    guard = Guard(settings.web, access.authenticator, {"static": None, **{one.endpoint: one.role for one in routes()}})

    def enter() -> ResponseReturnValue | None:
        g.sandbox_ledger = services
        g.sandbox_ledger_position = services.position()
        return guard.admit()

    target.before_request(enter)
    target.after_request(protect)
    errors.register(target)
    return services
