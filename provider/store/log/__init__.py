"""The log in SQL: append, read, follow, seal, verify."""
