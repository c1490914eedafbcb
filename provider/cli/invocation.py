"""One call of the command line: its options, and what verbs open with them."""

from __future__ import annotations

import dataclasses
import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from pathlib import Path

    from provider.api import SandboxProvider
    from provider.config.settings import Settings
    from provider.reading.insights import Insights
    from provider.reading.past import Past
    from provider.runtime.operators.actions import OperatorActions


@dataclasses.dataclass(slots=True)
class Invocation:
    """The global options. Settings, ledger and engine are opened only by the verbs that need them."""

    config: str | None = None
    output: str = "table"
    verbose: bool = False

    @property
    def is_json(self) -> bool:
        """Whether programs read the output."""
        return self.output == "json"

    def settings(self) -> Settings:
        """Read the configuration."""
        from provider.config.loading import load_settings

        return load_settings(self.config)

    def existing(self) -> Settings:
        """Read the configuration of a ledger that is there; raise `StoreUnavailable` where its file is not.

        What only reads a ledger never makes one: the empty answer would come from the wrong place.
        """
        settings = self.settings()
        missing = missing_file(settings)
        if missing is not None:
            from provider.config.loading import PATH_VARIABLE
            from provider.domain.errors import StoreUnavailable

            raise StoreUnavailable(
                f"database {missing}: no such file; `sandbox-ledger db upgrade` or the first worker makes it, "
                f"and --config or {PATH_VARIABLE} names another configuration (this one: {settings.source})"
            )
        return settings

    @contextmanager
    def insights(self, *, make: bool = False) -> Iterator[Insights]:
        """Open the read side; only with `make` of a ledger that may not be there yet."""
        from provider.bootstrap import open_insights

        settings = self.settings() if make else self.existing()
        with closing(open_insights(settings, migrate=make)) as insights:
            yield insights

    @contextmanager
    def reader(self, as_of: datetime | timedelta | int | None) -> Iterator[Insights | Past]:
        """Open the read side as it is, or as it was."""
        from provider.bootstrap import open_past

        with self.insights() if as_of is None else closing(open_past(self.existing(), as_of)) as reader:
            yield reader

    @contextmanager
    def provider(self) -> Iterator[SandboxProvider]:
        """Open a worker that lives as long as this command: at its end it lets go; it never sweeps."""
        from provider.bootstrap import open_provider

        settings = self.settings()
        brief = dataclasses.replace(settings, sweeper=dataclasses.replace(settings.sweeper, enabled=False))
        with open_provider(brief) as provider:
            yield provider

    @contextmanager
    def actions(self) -> Iterator[OperatorActions]:
        """Open what carries out an operator's actions; its worker lives as long as this command and never sweeps."""
        from provider.bootstrap import open_actions

        with closing(open_actions(self.settings())) as actions:
            yield actions


def missing_file(settings: Settings) -> Path | None:
    """Return the file of a SQLite ledger where there is none yet."""
    from provider.config.database_url import sqlite_file

    file = sqlite_file(settings.database.url)
    return file if file is not None and not file.exists() else None


def operator() -> str:
    """Return who runs this command as an actor of the log: `operator:<login name>`."""
    return f"operator:{operator_name()}"


def operator_name() -> str:
    """Return the name of who runs this command, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as containers have it
        return f"uid-{os.getuid()}"


def _choose_output(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).output = value


def _output_option(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        *names, "answer_form", type=click.Choice(["table", "json"]), expose_value=False, callback=_choose_output,
        help="Tables for people, or JSON for programs.",
    )  # fmt: skip


output_option = _output_option("-o", "--output")


def verb(
    name: str, *, writes_file: bool = False, help_text: str | None = None
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a command that takes the `Invocation` first, and `-o` after its name as well as before.

    What it returns is its exit code; None is 0. Where `--output` names a file, only `-o` is the form of the answer.
    Its help is the function's docstring, unless `help_text` says it.
    """
    form = _output_option("-o") if writes_file else output_option

    def decorate(function: Callable[..., int | None]) -> click.Command:
        return click.command(name, help=help_text)(form(click.pass_obj(function)))

    return decorate
