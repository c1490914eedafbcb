"""The dashboard as people use it: a real browser on a real server, on both databases."""
