"""The command line. Importing it imports no database, no engine and no HTTP client: verbs do when they need them."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `sandbox-ledger` and exit with its code."""
    from provider.cli.application import run

    sys.exit(run(sys.argv[1:]))
