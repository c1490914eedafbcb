"""docs/reference/cli.md: every verb with its arguments and options, as `--help` has them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime

import click

from provider.cli.application import EPILOG, VERBS, root
from provider.domain.events import WorkerStopped
from provider.domain.log import RecordedEvent
from provider.domain.state import Generation
from provider.ports.reading.sandboxes import SandboxRecord
from provider.reading.documents import event_document

INTRODUCTION = """\
# The command line

<!-- Made from the code by `make reference`: what stands here is changed in provider/cli/. -->

    sandbox-ledger [--config FILE] [-o table|json] [-v] VERB ...

"""


JSON = """\
## JSON answers

Names are those of the tables' columns ([audit](../audit.md)), times are UTC text with microseconds, and what is not
known is null.

| verb | answers |
|---|---|
| `ps` | an array of sandboxes |
| `acquire`, `release`, `restart`, `destroy`, `clear` | one sandbox |
| `history` | `sandbox`, `generations`, `events`, and `archived_events`: how many are only in an archive |
| `why` | `sandbox`, `sentences`, `generation`, `evidence`, `events` |
| `events` | one event a line |
"""
EXAMPLE = RecordedEvent(
    position=1, stream="worker:x", version=1, event=WorkerStopped(worker_id="x"), recorded_at=datetime.now(UTC),
    actor="operator:x", correlation_id="", command_id=None, hash="",
)  # fmt: skip

EVERYWHERE = ("-o, --output [table|json]", "-o [table|json]", "--help", "-h, --help")
"""Options that every verb takes."""


def describe_command_line() -> str:
    """Write the page from the commands themselves."""
    context = click.Context(root, info_name="sandbox-ledger")
    parts = [INTRODUCTION + _text(EPILOG), "Options before the verb (`-o` also after it):\n" + _options(root, context)]
    parts += [_describe(path, command) for path, command in list_commands()]
    parts.append(_describe_json())
    return "\n".join(parts)


def _describe_json() -> str:
    """List the fields of the JSON answers, which the verbs share."""
    generation = ["sandbox_id", "generation", *(one.name for one in fields(Generation) if one.name != "number")]
    shapes = {
        "sandbox": [one.name for one in fields(SandboxRecord)],
        "generation": generation,
        "event": list(event_document(EXAMPLE)),
    }
    rows = "\n".join(f"| {name} | {', '.join(f'`{field}`' for field in names)} |" for name, names in shapes.items())
    return f"{JSON}\n| object | fields |\n|---|---|\n{rows}\n"


def list_commands() -> Iterator[tuple[Sequence[str], click.Command]]:
    """List every command with the words that name it; `db upgrade` are two."""
    context = click.Context(root)
    for name in VERBS:
        command = root.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from (((name, inner), one) for inner, one in command.commands.items())
        else:
            yield (name,), command


def _describe(path: Sequence[str], command: click.Command) -> str:
    name = " ".join(path)
    context = click.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    return f"## {name}\n\n    sandbox-ledger {name} {usage}\n\n{_text(command.help or '')}{_options(command, context)}"


def _options(command: click.Command, context: click.Context) -> str:
    records = [record for one in command.get_params(context) if (record := one.get_help_record(context)) is not None]
    records = [record for record in records if command is root or record[0] not in EVERYWHERE]
    if not records:
        return ""
    rows = "\n".join(f"| `{_cell(names)}` | {_cell(text)} |" for names, text in records)
    return f"\n| option | |\n|---|---|\n{rows}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _text(text: str) -> str:
    r"""Return the paragraphs of a help text; one that begins with `\b` keeps its lines."""
    paragraphs = inspect.cleandoc(text).split("\n\n") if "\b" not in text else text.split("\b\n")
    kept = [" ".join(part.split()) for part in paragraphs if part.strip()]
    return "".join(f"{part}\n\n" for part in kept)[:-1]
