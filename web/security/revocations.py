"""Sessions that were signed out of: kept until they would have ended by themselves, for every process of this user."""

from __future__ import annotations

import os
import time
from pathlib import Path

from provider.config.state import make_private_directory, state_root
from provider.domain.errors import ConfigError

NAME = "web-signed-out"


class Revocations:
    """One empty file for each session that was signed out of; safe from any thread and any process.

    To ask costs a look at the file system and no lock. Nothing but the ids of sessions is kept, which open nothing.
    """

    def __init__(self, directory: Path, lifetime_seconds: float) -> None:
        self._directory = directory
        self._lifetime_seconds = lifetime_seconds

    def __contains__(self, session_id: str) -> bool:
        return (self._directory / session_id).exists()

    def add(self, session_id: str) -> None:
        """Record that a session is over, and forget those whose cookie is too old anyway. May raise `OSError`."""
        os.close(os.open(self._directory / session_id, os.O_WRONLY | os.O_CREAT, 0o600))
        over = time.time() - self._lifetime_seconds
        for one in self._directory.iterdir():
            try:
                if one.stat().st_mtime < over:
                    one.unlink()
            except FileNotFoundError:  # another process was faster
                continue


def open_revocations(lifetime_seconds: float) -> Revocations:
    """Return those of this user's state directory; raise `ConfigError` when they could not be kept there."""
    directory = state_root() / NAME
    try:
        make_private_directory(directory)
    except OSError as error:
        raise ConfigError(
            f"{directory}: {error.strerror}; sign-outs are kept there: make it writable, or set XDG_STATE_HOME"
        ) from error
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        raise ConfigError(f"{directory}: sign-outs are kept there: make it writable, or set XDG_STATE_HOME")
    return Revocations(directory, lifetime_seconds)
