"""Container engines behind the `SandboxBackend` port, one package each; importing this imports no engine's SDK."""
