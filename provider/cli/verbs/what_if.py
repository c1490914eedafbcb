"""`sandbox-ledger what-if`."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from provider.cli.invocation import Invocation, verb
from provider.cli.options import When, read_time
from provider.cli.render import write_json, write_line, write_table
from provider.cli.stderr import counting
from provider.domain.wording import count_of

if TYPE_CHECKING:
    from provider.domain.tally import CourseTally
    from provider.domain.what_if import ReplayPolicy
    from provider.reading.what_if import WhatIf

BACKOFF = ("free", "window", "initial", "max", "reset_after")
ROWS = {
    "acquires": "acquires",
    "starts": "starts of a container",
    "warm_hits": "acquires that found one running",
    "idle_evictions": "evicted as idle",
    "capacity_evictions": "evicted to make room",
    "reused_after_eviction": "of these, wanted again later",
    "over_capacity": "starts without room",
    "delayed_starts": "starts delayed by back-off",
    "delayed_seconds": "delayed by, seconds",
    "peak_containers": "containers at the same time, at most",
    "container_hours": "container hours",
}


def read_backoff(context: click.Context, parameter: click.Parameter, text: str | None) -> dict[str, float]:
    """Read `free=3,initial=10,max=300` in the words of `sandbox.restart_backoff`."""
    values: dict[str, float] = {}
    for part in text.split(",") if text else ():
        name, _, value = part.strip().partition("=")
        if name not in BACKOFF:
            raise click.BadParameter(f"{name!r} is no key of sandbox.restart_backoff; there are {', '.join(BACKOFF)}")
        try:
            values[name] = int(value) if name == "free" else float(value)
        except ValueError:
            raise click.BadParameter(f"{name}: {value!r} is no number") from None
        if not 0 <= values[name] < float("inf"):
            raise click.BadParameter(f"{name}: {value} is out of range")
    return values


@verb("what-if")
@click.option("--idle-timeout", type=click.FloatRange(0), metavar="SECONDS", help="In place of sandbox.idle_timeout.")
@click.option("--replicas", type=click.IntRange(1), metavar="N", help="In place of sandbox.replicas.")
@click.option(
    "--backoff", callback=read_backoff, metavar="KEY=VALUE,...",
    help="In place of sandbox.restart_backoff: free, window, initial, max, reset_after.",
)  # fmt: skip
@click.option("--since", callback=read_time, metavar="TIME", help="Count since then, or for 90s, 10m, 2h, 1d.")
def command(
    invocation: Invocation,
    idle_timeout: float | None,
    replicas: int | None,
    backoff: dict[str, float],
    since: When | None,
) -> None:
    """Replay the recorded history under another policy, and show what would have changed.

    Evictions that were regretted, starts saved or caused, containers at the same time. Beside it stand the record, and
    a replay under the policy in force: compare the two replays.
    """
    from provider.reading.what_if import policy_in_force, replay

    in_force = policy_in_force(invocation.settings().sandbox)
    proposed = _change(in_force, idle_timeout, replicas, backoff)
    with invocation.insights() as insights, counting("replaying", "events") as advance:
        now, head = insights.now(), insights.head_position()
        moment = now - since if isinstance(since, timedelta) else since
        report = replay(
            insights.events(), in_force, proposed, since=moment, until=now,
            progress=(lambda done: advance(done, head)) if advance is not None else None,
        )  # fmt: skip
    if invocation.is_json:
        write_json(_document(report, in_force, proposed))
    else:
        _write(report, in_force, proposed)


def _change(
    policy: ReplayPolicy, idle_timeout: float | None, replicas: int | None, backoff: dict[str, float]
) -> ReplayPolicy:
    return dataclasses.replace(
        policy,
        idle_timeout=policy.idle_timeout if idle_timeout is None else idle_timeout,
        replicas=policy.replicas if replicas is None else replicas,
        backoff=dataclasses.replace(policy.backoff, **backoff),  # type: ignore[arg-type]
    )


def _write(report: WhatIf, in_force: ReplayPolicy, proposed: ReplayPolicy) -> None:
    from provider.reading.wording import format_moment

    begun = format_moment(report.since) if report.since is not None else "the beginning"
    write_line(f"{count_of(report.events, 'event')} read; counted from {begun} to {format_moment(report.until)}")
    write_line(f"in force: {_describe(in_force)}")
    write_line(f"what if:  {_describe(proposed)}")
    write_line()
    columns = [_values(tally) for tally in (report.recorded, report.configured, report.proposed)]
    rows = [
        (words, *(_format(column[name]) for column in columns), _difference(columns[1][name], columns[2][name]))
        for name, words in ROWS.items()
    ]
    write_table(("", "RECORDED", "IN FORCE", "WHAT IF", "CHANGE"), rows)


def _describe(policy: ReplayPolicy) -> str:
    backoff = " ".join(f"{name} {getattr(policy.backoff, name):g}" for name in BACKOFF)
    return f"idle timeout {policy.idle_timeout:g} s, {count_of(policy.replicas, 'replica')}, back-off {backoff}"


def _values(tally: CourseTally) -> dict[str, float | None]:
    values = dataclasses.asdict(tally)
    return {**values, "container_hours": values["container_seconds"] / 3600}


def _format(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.1f}"


def _difference(before: float | None, after: float | None) -> str:
    if before is None or after is None or before == after:
        return ""
    change = after - before
    return f"{change:+d}" if isinstance(change, int) else f"{change:+.1f}"


def _document(report: WhatIf, in_force: ReplayPolicy, proposed: ReplayPolicy) -> dict[str, object]:
    from provider.domain.log import format_timestamp

    courses = {"recorded": report.recorded, "in_force": report.configured, "what_if": report.proposed}
    return {
        "since": format_timestamp(report.since) if report.since is not None else None,
        "until": format_timestamp(report.until),
        "events": report.events,
        "policies": {"in_force": dataclasses.asdict(in_force), "what_if": dataclasses.asdict(proposed)},
        **{name: dataclasses.asdict(tally) for name, tally in courses.items()},
    }
