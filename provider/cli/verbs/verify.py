"""`sandbox-ledger verify`."""

from __future__ import annotations

from contextlib import closing
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click

from provider.cli.failures import FAILED
from provider.cli.invocation import Invocation, verb
from provider.cli.plain import visible
from provider.cli.render import write_json, write_line
from provider.cli.stderr import counting
from provider.domain.wording import count_of

if TYPE_CHECKING:
    from provider.domain.seals import Seal
    from provider.domain.verification import VerificationReport

STARTS = {"beginning": "its beginning", "archive": "the end of the archive", "seal": "the last seal that matches"}


def read_seals(
    context: click.Context, parameter: click.Parameter, files: tuple[TextIOWrapper, ...]
) -> tuple[Seal, ...]:
    """Read kept seals, one a line; a file with anything else in it is refused."""
    from provider.domain.seals import InvalidSealError, parse_seals

    seals: list[Seal] = []
    for file in files:
        try:
            seals += parse_seals(file.read())
        except InvalidSealError as error:
            raise click.BadParameter(f"{file.name}: {error}; `sandbox-ledger seal` prints such lines") from None
        except (ValueError, OSError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise click.BadParameter(f"{file.name}: cannot be read: {reason}") from None
    return tuple(seals)


@verb("verify")
@click.option(
    "--seal", "seals", type=click.File(encoding="utf-8"), multiple=True, callback=read_seals, metavar="FILE",
    help="Check against kept seals, as `seal` prints them; - is stdin; repeatable.",
)  # fmt: skip
@click.option(
    "--full/--since-last-seal", default=True,
    help="Walk the whole log (default), or only what is behind the last seal that still matches.",
)  # fmt: skip
@click.option(
    "--tables/--no-tables", default=None,
    help="Also compare the tables with the log, as `db check` does; by default where the log is not long.",
)  # fmt: skip
def command(invocation: Invocation, seals: tuple[Seal, ...], full: bool, tables: bool | None) -> int:
    """Find whatever was changed, dropped, inserted or reordered in the log, and say where.

    Walks the hash chain, compares its end, its streams and the seals in it. A log whose end was cut off, or that was
    rewritten as a whole, is found by a seal that was kept outside. Changes nothing; exits with 1 for any problem.
    """
    from provider.bootstrap import open_administration
    from provider.domain.verification import Scope

    scope = Scope(kept_seals=seals, since_last_seal=not full, tables=tables)
    with closing(open_administration(invocation.existing())) as ledger, counting("verifying", "events") as advance:
        report = ledger.verify(scope, advance)
    if invocation.is_json:
        from provider.reading.documents import verification_document

        write_json(verification_document(report))
    else:
        _write(report)
    return FAILED if report.problem_count else 0


def _write(report: VerificationReport) -> None:
    for problem in report.problems:
        where = f"event {problem.position}" if problem.position is not None else "ledger"
        write_line(visible(f"{where}: {problem.rule}: {problem.detail}"))
    if report.problem_count > len(report.problems):
        write_line(f"... and {report.problem_count - len(report.problems)} more")
    for note in report.notes:
        write_line(visible(f"note: {note}"))
    seals = f"{count_of(report.recorded_seals, 'seal')} in it" + (
        f", {report.kept_seals} kept" if report.kept_seals else ""
    )
    if report.start_kind == "seal":
        seals += "; what is before that seal was not read"
    verdict = count_of(report.problem_count, "PROBLEM", "PROBLEMS") if report.problem_count else "whole"
    write_line(
        f"ledger {visible(str(report.ledger_id))}: {count_of(report.events, 'event')} from {STARTS[report.start_kind]} "
        f"(position {report.start.position}) to {report.end.position} walked, {seals}: {verdict}"
    )
