"""Fault injection at every boundary of every use case."""
