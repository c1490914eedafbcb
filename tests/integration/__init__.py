"""Tests of adapters against the real thing."""
