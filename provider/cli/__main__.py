"""`python -m provider.cli` is `sandbox-ledger`."""

from provider.cli import main

main()
