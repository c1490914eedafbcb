"""The pure core: ids, events, state, decisions and errors. Standard library only, no clock, no I/O."""
