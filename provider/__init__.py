"""Sandbox Ledger: durable sandboxes for agents, every lifecycle step an event in SQL."""
