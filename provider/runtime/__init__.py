"""The use cases, one module each. All read the same way: load, decide, append, act, append the outcome."""
