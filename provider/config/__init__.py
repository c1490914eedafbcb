"""The configuration: `config.yaml` and the environment, read once into frozen settings."""
