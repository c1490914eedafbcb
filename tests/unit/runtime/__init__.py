"""The runtime's parts that need no database."""
