"""Archives of the log and the way back from bundles."""
