"""`sandbox-ledger export`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from provider.cli.invocation import Invocation, verb
from provider.cli.options import When, after_option, force_option, since_option, types_option, until_option, user_option
from provider.cli.render import write_json, write_line
from provider.cli.stderr import progress, tell
from provider.domain.wording import count_of

if TYPE_CHECKING:
    from provider.cli.stderr import Step
    from provider.reading.insights import Insights

TELL_EVERY = 1000


@verb("export", writes_file=True)
@click.option(
    "--format", "form", type=click.Choice(["ndjson", "csv", "bundle"]), default="ndjson",
    help="One event a line; or a bundle, which `import` takes.",
)  # fmt: skip
@since_option
@until_option
@types_option
@click.option("--sandbox", metavar="ID", help="Only this sandbox's.")
@user_option
@after_option
@click.option("--output", "path", type=click.Path(path_type=Path), metavar="FILE", help="Instead of stdout.")
@force_option
def command(  # noqa: PLR0913 -- one parameter for each option
    invocation: Invocation, *, form: Literal["ndjson", "csv", "bundle"], since: When | None,
    until: When | None, types: frozenset[str], sandbox: str | None, user: str | None, after: int,
    path: Path | None, force: bool,
) -> None:  # fmt: skip
    """Write the log out for other programs.

    Every event is checked against the hash chain. Columns are those of the table `events`. A bundle has all that the
    database has of the log, and goes into a file.
    """
    from provider.reading.export import WRITERS

    if user is not None and sandbox is None:
        raise click.UsageError("--user says whose thread --sandbox names: give both")
    if form == "bundle":
        if path is None or any((since, until, types, sandbox, after)):
            raise click.UsageError("a bundle has the whole log and goes into a file: give --output FILE and no choice")
        _write_bundle(invocation, path, force=force)
        return
    with invocation.insights() as insights, progress("reading the log") as step:
        now = insights.now()
        start = insights.start_of(after, _moment(since, now))
        sandbox_id = insights.get(sandbox, user).sandbox_id if sandbox is not None else None
        _tell_archived(insights, start)
        events = insights.events(start, types, until=_moment(until, now), sandbox_id=sandbox_id)
        chunks = WRITERS[form](events)
        if path is None:
            _write_stdout(chunks)
        else:
            count = _write_file(_told(chunks, step), path, force=force) - (form == "csv")
            _answer(invocation, path, count)


def _tell_archived(insights: Insights, start: int) -> None:
    """Report when a part of what was asked for is no longer in the database."""
    from provider.reading.archived import tell_log_archived

    archives = insights.list_archives()
    if archives and start < archives[-1].through.position:
        tell(f"{tell_log_archived(archives)}, not in this export")


def _write_bundle(invocation: Invocation, path: Path, *, force: bool) -> None:
    from provider.bootstrap import open_administration

    with closing(open_administration(invocation.existing(), migrate=True)) as ledger, progress(f"writing {path}"):
        _answer(invocation, path, ledger.write_bundle(path, replace=force).events)


def _write_stdout(chunks: Iterable[str]) -> None:
    for chunk in chunks:
        sys.stdout.buffer.write(chunk.encode())
    sys.stdout.buffer.flush()


def _write_file(chunks: Iterable[str], path: Path, *, force: bool) -> int:
    from provider.archive.new_file import new_file

    count = 0
    with new_file(path, replace=force) as stream:
        for count, chunk in enumerate(chunks, 1):  # noqa: B007 -- the last one counts
            stream.write(chunk.encode())
    return count


def _answer(invocation: Invocation, path: Path, events: int) -> None:
    if invocation.is_json:
        write_json({"events": events, "output": str(path)})
    else:
        write_line(f"wrote {count_of(events, 'event')} to {path}")


def _told(chunks: Iterable[str], step: Step) -> Iterator[str]:
    for count, chunk in enumerate(chunks):
        if count % TELL_EVERY == 0:
            step(f"wrote {count_of(count, 'event')}")
        yield chunk


def _moment(when: When | None, now: datetime) -> datetime | None:
    return now - when if isinstance(when, timedelta) else when
