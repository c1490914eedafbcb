"""The dashboard without a server: words, times, addresses, drawings."""
