"""The rows of sandboxes and their containers, which every append writes and every decision reads."""
