"""Many workers on one ledger: real processes, driven over pipes, and a look at the ledger with plain SQL."""
