"""Sandboxes as containers of a Docker engine, reached through its API with a deadline on every call."""
