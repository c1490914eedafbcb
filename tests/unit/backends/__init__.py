"""Tests of the backends' pure parts."""
