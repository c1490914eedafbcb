"""The sweep: plan what to do about what ledger and engine do not agree on, and do it."""
