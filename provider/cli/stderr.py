"""What goes to stderr: one line for an error, log lines with -v, and what is going on, for people at a terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from provider.cli.plain import one_line

Step = Callable[[str], None]
Count = Callable[[int, int], None]


def tell(message: str) -> None:
    """Write one line to stderr."""
    try:
        print(f"sandbox-ledger: {one_line(message)}", file=sys.stderr, flush=True)  # noqa: T201
    except (BrokenPipeError, UnicodeEncodeError):
        return  # nobody reads it, or no terminal can show it


def log_to_stderr(*, verbose: bool) -> None:
    """Show log records with -v. Without, none: what a command has to say, it says itself."""
    logger = logging.getLogger("provider")
    for handler in [*logger.handlers]:
        logger.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr) if verbose else logging.NullHandler()
    form = "%(asctime)s %(levelname)s %(name)s: %(sandbox_id)s %(message)s"
    handler.setFormatter(logging.Formatter(form, defaults={"sandbox_id": "-"}))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbose else logging.WARNING)
    logger.propagate = False


@contextmanager
def progress(doing: str) -> Iterator[Step]:
    """Show what is going on, at a terminal only; the value given takes each next step."""
    if not sys.stderr.isatty():
        yield _ignore
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    with console.status(Text(doing)) as status:
        yield lambda step: status.update(Text(one_line(step)))


@contextmanager
def counting(doing: str, what: str) -> Iterator[Count | None]:
    """Show a bar with count and rate, at a terminal only; the value given takes how many are done, and of how many."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn(doing), bars.BarColumn(), bars.MofNCompleteColumn(), bars.TextColumn("{task.fields[rate]}"),
        bars.TimeRemainingColumn(),
    )  # fmt: skip
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(doing, total=None, rate=what)

        def advance(done: int, total: int) -> None:
            shown.update(task, completed=done, total=total)
            speed = shown.tasks[0].speed
            shown.update(task, rate=f"{speed:,.0f} {what}/s" if speed else what)

        yield advance


def _ignore(_: str) -> None:
    """Show nothing: no terminal."""
