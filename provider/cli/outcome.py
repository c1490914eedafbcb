"""What an operator's verbs print when they are done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provider.cli.invocation import Invocation
from provider.cli.render import write_json, write_line

if TYPE_CHECKING:
    from provider.reading.insights import Insights


def write_outcome(invocation: Invocation, insights: Insights, sandbox_id: str, done: str) -> None:
    """Say what was done and how the sandbox is now; as JSON, its row."""
    from provider.reading.documents import sandbox_document

    record = insights.get(sandbox_id)
    if invocation.is_json:
        write_json(sandbox_document(record))
    else:
        write_line(f"sandbox {sandbox_id}: {done}; {record.status}, generation {record.generation}")
