"""The read side of the fleet: what the dashboard and the command line ask of the ledger, and the values they get."""

from __future__ import annotations
