"""`sandbox-ledger history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provider.cli.event_lines import write_event_table
from provider.cli.invocation import Invocation, verb
from provider.cli.options import as_of_option, user_option
from provider.cli.render import write_json, write_wrapped

if TYPE_CHECKING:
    from provider.domain.times import AsOf


@verb("history")
@click.argument("reference", metavar="ID")
@user_option
@as_of_option
def command(invocation: Invocation, reference: str, user: str | None, as_of: AsOf | None) -> None:
    """Show everything that happened to a sandbox.

    Every event is checked against the hash chain. As JSON: an object with the sandbox, its generations and its events.
    """
    from provider.reading.archived import count_archived, tell_archived
    from provider.reading.documents import event_document, generation_document, sandbox_document
    from provider.reading.narrative import name_sandbox
    from provider.reading.wording import format_age, format_moment

    with invocation.reader(as_of) as ledger:
        record, now = ledger.get(reference, user), ledger.now()
        generations, events = ledger.list_generations(record.sandbox_id), ledger.history(record.sandbox_id)
        archives = ledger.list_archives()
    archived = tell_archived(record, events, archives)
    if invocation.is_json:
        write_json({
            "sandbox": sandbox_document(record),
            "generations": [generation_document(record.sandbox_id, generation) for generation in generations],
            "events": [event_document(event) for event in events],
            "archived_events": count_archived(record, events),
        })  # fmt: skip
        return
    made = f"made {format_moment(record.created_at)}, {format_age(record.created_at, now)} ago"
    write_wrapped(f"{name_sandbox(record)}: {record.status}, generation {record.generation}, {made}")
    if archived is not None:
        write_wrapped(archived)
    write_event_table(events)
