"""What keeps open pages current."""
