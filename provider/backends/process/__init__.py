"""Sandboxes as plain local processes: no engine, no image, and no isolation."""
