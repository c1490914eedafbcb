"""The tests of Sandbox Ledger."""
