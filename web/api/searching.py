"""The queries of the lists."""

from __future__ import annotations

from provider.domain.search import Search, parse_search
from web.api.operations import Asked


def read_search(asked: Asked, text: str | None = None) -> Search:
    """Read a query, by default the parameter `q`; raise `InvalidSearchError`."""
    given = asked["q"] if text is None else text
    return parse_search(given or "", asked.reports.fleet.freshness().now)
