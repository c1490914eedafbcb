"""Everything that can be asked for, in the order of the navigation, and who may ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provider.config.settings import WebRole
from web import health, metrics
from web.api import actions, fleet, log, openapi, operators
from web.api import sandboxes as sandboxes_api
from web.api.answering import route_of
from web.api.operations import Operation
from web.pages import (
    acting,
    audit,
    events,
    evictions,
    exports,
    live,
    login,
    now,
    past,
    restarts,
    sandbox,
    sandboxes,
    sweeps,
    system,
    theme,
    timeline,
    workers,
)
from web.pages.page import WebPage
from web.route import NavigationEntry, Route

PAGES: tuple[WebPage, ...] = (
    now.page,
    sandboxes.page,
    sandbox.page,
    past.page,
    timeline.page,
    events.page,
    evictions.page,
    restarts.page,
    workers.page,
    sweeps.page,
    audit.page,
    system.page,
)
OPERATIONS: tuple[Operation, ...] = (
    *fleet.OPERATIONS,
    *sandboxes_api.OPERATIONS,
    *log.OPERATIONS,
    *operators.OPERATIONS,
    *actions.OPERATIONS,
)
NAVIGATION: tuple[NavigationEntry, ...] = tuple(page.entry for page in PAGES if page.entry is not None)


def list_routes() -> Iterator[Route]:
    """List every URL. What starts with `/api/` has an endpoint `api_...`: errors there are problem details."""
    yield from (page.route for page in PAGES)
    yield from (theme.route, exports.csv_route, exports.ndjson_route, live.route)
    yield from acting.ROUTES
    yield from (route_of(one) for one in OPERATIONS)
    yield openapi.route(OPERATIONS)
    yield from login.ROUTES
    yield from health.ROUTES
    yield from metrics.ROUTES


def roles_by_endpoint() -> Mapping[str, WebRole | None]:
    """Return the role that each endpoint needs; None is open to everyone who reaches the server."""
    return {"static": None, **{one.endpoint: one.role for one in list_routes()}}
