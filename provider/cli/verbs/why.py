"""`sandbox-ledger why`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provider.cli.invocation import Invocation, verb
from provider.cli.options import as_of_option, user_option
from provider.cli.plain import visible_lines
from provider.cli.render import write_json, write_line, write_wrapped

if TYPE_CHECKING:
    from provider.domain.times import AsOf
    from provider.ports.reading.sandboxes import SandboxRecord
    from provider.reading.endings import Ending
    from provider.reading.insights import Insights
    from provider.reading.narrative import Narrative
    from provider.reading.past import Past


@verb("why")
@click.argument("reference", metavar="ID")
@user_option
@click.option("--generation", type=click.IntRange(min=1), metavar="N", help="This one; default: the last that ended.")
@as_of_option
def command(
    invocation: Invocation, reference: str, user: str | None, generation: int | None, as_of: AsOf | None
) -> None:
    """Explain how a sandbox last ended, and why.

    With the evidence, what happened since, and what to do.
    """
    from provider.reading.documents import sandbox_document
    from provider.reading.narrative import tell_alive, tell_ending

    with invocation.reader(as_of) as ledger:
        record, now = ledger.get(reference, user), ledger.now()
        ending = ledger.find_ending(record, generation)
        archived = _tell_archived(ledger, record, ending)
    narrative = tell_ending(ending, now) if ending is not None else tell_alive(record, generation, now)
    if invocation.is_json:
        sentences = [narrative.headline, *narrative.facts, *narrative.since, *narrative.advice]
        write_json({"sandbox": sandbox_document(record), "sentences": sentences, **_ending_document(ending)})
    else:
        write_narrative(narrative)
        if archived is not None:
            write_wrapped(f"\n{archived}.")


def write_narrative(narrative: Narrative) -> None:
    """Write the story in paragraphs."""
    write_wrapped(narrative.headline)
    _write_paragraph("What happened", narrative.facts)
    if narrative.log_tail:
        write_line("\nIts last log lines:")
        for line in visible_lines(narrative.log_tail):
            write_line(f"  | {line}")
    _write_paragraph("Since then", narrative.since)
    _write_paragraph("What to do", narrative.advice)


def _tell_archived(ledger: Insights | Past, record: SandboxRecord, ending: Ending | None) -> str | None:
    """Return the note that a part of the history is archived; None where nothing ended or all is here."""
    from provider.reading.archived import tell_archived

    if ending is None:
        return None
    return tell_archived(record, ledger.history(record.sandbox_id), ledger.list_archives())


def _write_paragraph(title: str, sentences: tuple[str, ...]) -> None:
    if sentences:
        write_line(f"\n{title}:")
        for sentence in sentences:
            write_wrapped(sentence, indent="  ")


def _ending_document(ending: Ending | None) -> dict[str, object]:
    from provider.domain.codec import to_payload
    from provider.reading.documents import event_document, generation_document

    if ending is None:
        return {"generation": None, "evidence": None, "events": []}
    return {
        "generation": generation_document(ending.sandbox.sandbox_id, ending.generation),
        "evidence": to_payload(ending.evidence) if ending.evidence is not None else None,
        "events": [event_document(recorded) for recorded in ending.events],
    }
