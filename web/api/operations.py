"""An operation of the API: one value, from which its route and its description are both made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from provider.config.settings import WebRole
from provider.domain.search import Search, parse_search
from provider.reading.reports import Reports
from web.api.parameters import Parameter
from web.services import services

Etag = Literal["position", "moment", "version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked: the parameters as values (None where one is missing), and the body."""

    values: Mapping[str, Any]
    body: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def reports(self) -> Reports:
        """The read side."""
        return services().reports

    def search(self, text: str | None = None) -> Search:
        """Return a query as a search, by default that of the parameter `q`; raise `InvalidSearchError`."""
        given = self["q"] if text is None else text
        return parse_search(given or "", self.reports.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered: a value or plain JSON; `next` and `previous` are cursors, `etag` is its own tag."""

    value: Any
    next: str | None = None
    previous: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `shape` is the type of what is answered, of each item where it is a list.

    `etag` says on what an answer depends: on the last event alone (`position`), on the time as well (`moment`), or on
    one sandbox (`version`: the handler returns it). `more` are the fields that a list has beside its items.
    """

    path: str
    name: str
    summary: str
    handler: Callable[[Asked], Reply]
    shape: Any
    method: Literal["GET", "POST"] = "GET"
    parameters: tuple[Parameter, ...] = ()
    is_list: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    etag: Etag | None = None
    body: Mapping[str, Any] | None = None
    role: WebRole = "viewer"
