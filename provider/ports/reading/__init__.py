"""What the read side asks of a ledger (`queries`), and the values it gets, one concern a module."""
