"""The promises to users, as tests through the public API, over every database and every engine."""
