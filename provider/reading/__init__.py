"""The read side that the command line and the dashboard share. Reads the ledger, never the engine; changes nothing."""
