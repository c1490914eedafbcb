"""Puts the dashboard together: as an application of its own, or as a blueprint inside another one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from flask import Blueprint, Flask, g
from flask.sansio.scaffold import Scaffold

from provider.config import load_settings
from provider.settings import Settings
from web import errors
from web.api.table import API_ROUTES
from web.pages.table import PAGES
from web.routes import Route
from web.security.principal import Principal
from web.services import Services
from web.urls import NAME

EXTENSION = "sandbox-ledger"
"""Where `app.extensions` of the application keeps its `Services`."""

Source = Settings | Mapping[str, object] | str | os.PathLike[str] | None


def create_app(settings: Source = None) -> Flask:
    """Make the dashboard as an application; nothing is opened before the first request.

    `settings` is what `open_provider` takes. Serve it with `sandbox-ledger serve`, or with any WSGI server.
    """
    services = Services(load_settings(settings))
    app = Flask("web", static_folder=None, template_folder=None)
    app.extensions[EXTENSION] = services
    _equip(app, services)
    app.register_blueprint(_blueprint())
    return app


def create_blueprint(settings: Source = None) -> Blueprint:
    """Make the dashboard as a blueprint: `app.register_blueprint(create_blueprint(...), url_prefix="/sandboxes")`."""
    blueprint = _blueprint()
    _equip(blueprint, Services(load_settings(settings)))
    return blueprint


def routes() -> Iterator[Route]:
    """List everything that can be asked for."""
    yield from (page.route for page in PAGES)
    yield from API_ROUTES


def _blueprint() -> Blueprint:
    blueprint = Blueprint(NAME, "web", static_folder="static")
    for route in routes():
        route.register(blueprint)
    return blueprint


def _equip(target: Scaffold, services: Services) -> None:
    """Add what every request needs: to an application also for URLs that do not exist."""

    def enter() -> None:
        g.sandbox_ledger = services
        g.sandbox_ledger_principal = Principal("", "operator")

    target.before_request(enter)
    errors.register(target)
