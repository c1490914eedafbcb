"""The client an agent holds, and the server inside a sandbox."""
