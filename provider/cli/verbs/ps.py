"""`sandbox-ledger ps`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provider.cli.invocation import Invocation, verb
from provider.cli.options import as_of_option
from provider.cli.render import terminal_width, write_json, write_table

if TYPE_CHECKING:
    from datetime import datetime

    from provider.domain.times import AsOf
    from provider.ports.reading.sandboxes import SandboxRecord

STATUSES = ("creating", "active", "warm", "evicting", "dead", "gone")
COLUMNS = ("SANDBOX", "STATUS", "GEN", "USER", "THREAD", "HELD", "AGE", "USED", "CREATED (UTC)")
WIDE_ENOUGH = 100


@verb("ps")
@click.option("-a", "--all", "everything", is_flag=True, help="Dead and gone ones too.")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only these; may be repeated.")
@as_of_option
def command(invocation: Invocation, everything: bool, statuses: tuple[str, ...], as_of: AsOf | None) -> None:
    """List sandboxes that have a container, the newest first.

    HELD counts the workers that hold it, AGE and USED say how long ago it was made and last used.
    """
    from provider.reading.insights import LIVE_STATUSES

    chosen = None if everything and not statuses else statuses or LIVE_STATUSES
    with invocation.reader(as_of) as ledger:
        records, now = list(ledger.each_sandbox(chosen)), ledger.now()
    if invocation.is_json:
        from provider.reading.documents import sandbox_document

        write_json([sandbox_document(record) for record in records])
        return
    width = terminal_width()
    shown = len(COLUMNS) if width is None or width >= WIDE_ENOUGH else COLUMNS.index("CREATED (UTC)")
    write_table(COLUMNS[:shown], [_row(record, now)[:shown] for record in records], flexible=("USER", "THREAD"))


def _row(record: SandboxRecord, now: datetime) -> tuple[object, ...]:
    from provider.reading.wording import format_age, format_moment

    return (
        record.sandbox_id, record.status, record.generation, record.user_id or "-", record.thread_id or "-",
        len(record.holders), format_age(record.created_at, now), format_age(record.last_activity_at, now),
        format_moment(record.created_at)[:-1],
    )  # fmt: skip
