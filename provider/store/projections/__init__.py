"""What the log adds up to: rows, the fold that makes them, and the check that both agree."""
