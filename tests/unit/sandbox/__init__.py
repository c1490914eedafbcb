"""The sandbox client and server, their pure parts."""
