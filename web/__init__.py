"""The dashboard: what happened to the sandboxes, in the browser. Reads through `provider.runtime`, never a table."""
