"""Chaos: many workers, random faults, and a checker that reads what is left."""
