"""One worker process: its identity, and the threads that keep what it knows current."""
