"""The read side in SQL: one module per concern, each one answering a protocol of `provider.ports.reading.queries`."""
