"""`sandbox-ledger doctor`."""

from __future__ import annotations

import dataclasses
import sys

import click

from provider.cli.failures import FAILED
from provider.cli.invocation import Invocation, verb
from provider.cli.plain import one_line
from provider.cli.render import write_json, write_line
from provider.cli.stderr import progress

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "unsafe": "red"}


@verb("doctor")
def command(invocation: Invocation) -> int:
    """Check database and engine; say how to repair them.

    Exits with 1 when something fails.
    """
    from provider.cli.diagnosis import diagnose

    settings = invocation.settings()
    with progress("checking"):
        findings = diagnose(settings)
    if invocation.is_json:
        write_json([dataclasses.asdict(finding) for finding in findings])
    else:
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            status = f"{finding.status:<6}"
            shown = click.style(status, fg=COLOURS[finding.status]) if sys.stdout.isatty() else status
            write_line(f"{shown}  {finding.subject:<{width}}  {one_line(finding.message)}")
    return FAILED if any(finding.status == "fail" for finding in findings) else 0
