"""How the fleet is doing."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

from provider.domain.findings import Violation
from provider.ports.reading.fleet import Overview
from provider.ports.reading.system import IntegritySummary, ProjectionCheck, SystemReport
from provider.ports.reading.timeline import RowBy, TimelineReading
from web.api.operations import Asked, Operation, Reply
from web.api.parameters import LIMIT, MOMENT, Parameter


def _now(asked: Asked) -> Reply:
    return Reply(value=asked.reports.fleet.overview())


def _timeline(asked: Asked) -> Reply:
    until = asked["until"] or asked.reports.now()
    since = asked["since"] or until - timedelta(hours=1)
    return Reply(value=asked.reports.timeline.read(asked["by"], min(since, until), until))


def _system(asked: Asked) -> Reply:
    return Reply(value=asked.reports.system.describe())


def _integrity(asked: Asked) -> Reply:
    return Reply(value=asked.reports.integrity.summary())


def _check_projections(asked: Asked) -> Reply:
    return Reply(value=asked.reports.system.check_projections(asked["limit"]))


def _list_violations(asked: Asked) -> Reply:
    return Reply(value={"items": asked.reports.system.list_violations(asked["limit"])})


BY = Parameter(
    name="by", meaning="What a row is.", schema={"type": "string", "enum": list(get_args(RowBy)), "default": "host"}
)
OPERATIONS = (
    Operation(
        path="/now", name="now", handler=_now, shape=Overview, etag="moment",
        summary="Get how the fleet is doing, since when, and why.",
    ),
    Operation(
        path="/timeline", name="timeline", handler=_timeline, shape=TimelineReading, etag="moment",
        summary="Count what happened when and where.",
        parameters=(
            BY,
            Parameter(name="since", meaning="From when on; an hour before `until` when left out.", schema=MOMENT),
            Parameter(name="until", meaning="Until when; now when left out.", schema=MOMENT),
        ),
    ),
    Operation(
        path="/system", name="system", handler=_system, shape=SystemReport, etag="moment",
        summary="Describe the database and the ledger in it.",
    ),
    Operation(
        path="/integrity", name="integrity", handler=_integrity, shape=IntegritySummary, etag="position",
        summary="Get how far the log is sealed.",
    ),
    Operation(
        path="/projections", name="projections", handler=_check_projections, shape=ProjectionCheck, parameters=(LIMIT,),
        summary="Compare the sandboxes that changed last with the log.",
    ),
    Operation(
        path="/violations", name="violations", handler=_list_violations, shape=Violation, is_list=True,
        parameters=(LIMIT,),
        summary="List the broken invariants of the ledger: none on a healthy one. Reads the whole history.",
    ),
)  # fmt: skip
