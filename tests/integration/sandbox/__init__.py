"""The sandbox client against real servers."""
