"""The boundaries of the core, one module per audience: what the use cases need from a database and an engine."""
