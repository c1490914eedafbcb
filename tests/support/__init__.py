"""What the tests stand on: servers, the accounting of skips, waiting."""
