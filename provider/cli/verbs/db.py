"""`sandbox-ledger db upgrade|current|check`."""

from __future__ import annotations

from contextlib import closing

import click

from provider.cli.failures import FAILED
from provider.cli.invocation import Invocation, verb
from provider.cli.plain import visible
from provider.cli.render import write_json, write_line
from provider.cli.stderr import progress
from provider.domain.wording import count_of


@click.group("db", no_args_is_help=False)
def command() -> None:
    """Maintain the database: its schema and its integrity."""


@verb("upgrade")
def upgrade(invocation: Invocation) -> None:
    """Bring the schema to this version's; safe from any number of processes at once."""
    from provider.bootstrap import open_administration

    with closing(open_administration(invocation.settings())) as ledger, progress("migrating"):
        found = ledger.maintenance.upgrade()
    if invocation.is_json:
        write_json({"before": found.current, "current": found.head})
    elif found.current == found.head:
        write_line(f"schema {found.head}: nothing to do")
    else:
        write_line(f"schema {found.head}: upgraded from {found.current or 'an empty database'}")


@verb("current")
def current(invocation: Invocation) -> None:
    """Show the schema the database has, and the one this version needs."""
    from provider.bootstrap import open_administration

    with closing(open_administration(invocation.existing())) as ledger:
        found = ledger.maintenance.versions()
    if invocation.is_json:
        write_json({"current": found.current, "head": found.head})
        return
    advice = "" if found.current == found.head else f"; this version needs {found.head}"
    write_line(f"schema {found.current or 'none, the database is empty'}{advice}")


@verb("check")
def check(invocation: Invocation) -> int:
    """Verify schema, hash chain, and that the tables equal the fold of the log; exit 1 for any difference."""
    from provider.bootstrap import open_administration

    with closing(open_administration(invocation.existing())) as ledger, progress("reading the whole log"):
        report = ledger.maintenance.check()
    if invocation.is_json:
        unchecked = report.schema_unchecked
        write_json({
            "events": report.events, "problems": list(report.problems), "schema": report.schema,
            "schema_unchecked": unchecked,
        })  # fmt: skip
    else:
        for problem in report.problems:
            write_line(visible(problem))
        if report.schema_unchecked is not None:
            write_line(f"note: the schema was not compared with the shipped one: {report.schema_unchecked}")
        told = (
            f"{count_of(len(report.problems), 'problem')}; `sandbox-ledger rebuild` makes the tables from the log again"
        )
        verdict = told if report.problems else "hash chain whole, tables equal the log"
        write_line(f"schema {report.schema}, {count_of(report.events, 'event')}: {verdict}")
    return FAILED if report.problems else 0


for subcommand in (upgrade, current, check):
    command.add_command(subcommand)
