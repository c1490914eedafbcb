"""Audit: which operator did what, when, why, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask.typing import ResponseReturnValue

from provider.ports.reading.audit import AuditFilter, OperatorActionRow
from provider.ports.reading.paging import Page as Listed
from web.pages.page import WebPage, show_page
from web.pages.searching import Chip
from web.presentation.address import Address
from web.presentation.moments import SPANS, read_moment
from web.rendering import here
from web.services import services

OUTCOMES = ("done", "refused", "failed")
FIELDS = ("operator", "action", "sandbox_id", "correlation_id")


@dataclass(frozen=True, slots=True)
class AuditView:
    """Everything on the page."""

    outcomes: tuple[Chip, ...]
    spans: tuple[Chip, ...]
    is_filtered: bool
    listed: Listed[OperatorActionRow]


def show() -> ResponseReturnValue:
    """Show what operators did, the newest first."""
    reports, address = services().reports, here()
    now = reports.now()
    wanted = _wanted(address, now)
    listed = reports.operations.list_actions(wanted, cursor=address.get("cursor") or None)
    view = AuditView(
        outcomes=offer(address, "outcome", OUTCOMES),
        spans=offer(address, "since", tuple(SPANS)),
        is_filtered=wanted != AuditFilter(),
        listed=listed,
    )
    return show_page("audit.html", view, now)


def _wanted(address: Address, now: datetime) -> AuditFilter:
    texts = {name: address.get(name) or None for name in FIELDS}
    return AuditFilter(
        **texts,
        outcome=address.get("outcome") or None,
        since=read_moment(address.get("since"), now),
        until=read_moment(address.get("until"), now),
    )


def offer(address: Address, name: str, values: tuple[str, ...]) -> tuple[Chip, ...]:
    """Offer the values of one argument as links; the current one takes it out again."""
    current, start = address.get(name), address.drop("cursor")
    return tuple(
        Chip(value, str(start.put(**{name: None if value == current else value})), value == current) for value in values
    )


page = WebPage(path="/audit", endpoint="audit", title="Audit", key="a", view=show)
