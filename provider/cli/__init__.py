"""The command line. Importing it imports no database, no engine and no HTTP client: verbs do when they need them."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run `sandbox-ledger` and exit with its code."""
    from provider.cli.application import INTERRUPTED, run

    code = run(sys.argv[1:])
    if code == INTERRUPTED:
        # Python would end by SIGINT, although the interruption was caught, where it hit a class that was being made.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
