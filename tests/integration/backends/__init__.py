"""Tests of the backends against real processes, real engines and broken ones."""
