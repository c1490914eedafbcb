"""`sandbox-ledger up`."""

from __future__ import annotations

import dataclasses
import signal
from contextlib import AbstractContextManager, closing, nullcontext
from typing import TYPE_CHECKING

import click

from provider.cli.dashboard import dashboard
from provider.cli.event_lines import follow_events, show_events
from provider.cli.invocation import Invocation, verb
from provider.cli.stderr import progress, tell

if TYPE_CHECKING:
    from provider.config.settings import Settings
    from provider.ports.engine import EngineDescription
    from provider.reading.insights import Insights


@verb("up")
@click.option("--demo", is_flag=True, help="Run the demonstration first.")
@click.option("--or-process", is_flag=True, help="Without a Docker engine, use local processes. They do NOT isolate.")
@click.option("--follow/--no-follow", default=True, help="Stay and show events as they come (default), or end.")
@click.option("--dashboard/--no-dashboard", "serve", default=True, help="Serve the dashboard as well (default).")
def command(invocation: Invocation, demo: bool, or_process: bool, follow: bool, serve: bool) -> None:
    """Get everything ready, then show what happens.

    Migrates the database, looks for the engine, builds a missing image, then sweeps and serves the dashboard until
    Ctrl-C or SIGTERM.

    Refuses to work without a Docker engine, unless sandbox.backend is `process` or --or-process allows it.
    """
    settings = invocation.settings()
    _migrate(settings)
    settings = _prepare_engine(settings, or_process=or_process)
    from provider.bootstrap import open_insights, open_provider

    with closing(open_insights(settings)) as insights:
        if demo and not invocation.is_json:
            from provider.cli.demonstration import Demonstration

            Demonstration(settings, insights).run()
        if follow:
            with _beside(invocation, settings, serve=serve), open_provider(settings) as worker:
                if settings.sweeper.enabled:
                    tell(f"worker {worker.worker_id}: sweeps every {settings.sweeper.interval:g} s")
                _follow(invocation, insights)


def _migrate(settings: Settings) -> None:
    from provider.bootstrap import open_administration

    with closing(open_administration(settings)) as ledger, progress("migrating the database"):
        schema, url = ledger.maintenance.upgrade().head, ledger.maintenance.describe().url
    tell(f"database {url}: schema {schema}")


def _prepare_engine(settings: Settings, *, or_process: bool) -> Settings:
    """Find the engine and make sure of its image; return the settings, with the backend that will be used."""
    from provider.bootstrap.engines import describe_engine
    from provider.cli.diagnosis import NO_ISOLATION
    from provider.domain.errors import BackendUnavailable

    engine = describe_engine(settings)
    if engine is None:
        tell(f"warning: {NO_ISOLATION}")
        return settings
    if engine.reachable:
        tell(f"Docker {engine.engine_version} at {engine.address}")
        _prepare_image(settings, engine)
        return settings
    if not or_process:
        raise BackendUnavailable(
            f"Docker engine {engine.address}: does not answer; start it or set sandbox.engine, or choose processes "
            "without isolation by sandbox.backend: process or `up --or-process`"
        )
    tell(f"warning: no Docker engine at {engine.address}, falling back to local processes: {NO_ISOLATION}")
    sandbox = dataclasses.replace(settings.sandbox, backend="process")
    return dataclasses.replace(settings, sandbox=sandbox)


def _prepare_image(settings: Settings, engine: EngineDescription) -> None:
    from provider.bootstrap.engines import build_image

    if engine.image_exists is False:
        tag = settings.sandbox.image
        tell(f"image {tag} is missing: building it from this machine")
        with progress(f"building {tag}") as step:
            build_image(settings, from_host=True, progress=step)


def _beside(invocation: Invocation, settings: Settings, *, serve: bool) -> AbstractContextManager[None]:
    return dashboard(invocation.config, settings) if serve else nullcontext()


def _follow(invocation: Invocation, insights: Insights) -> None:
    feed = insights.feed()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: feed.stop())
    tell("following events, Ctrl-C ends")
    show_events(invocation, follow_events(feed, insights.head_position()))
