"""The key that signs sessions: the same in every process of an installation, and in no file of the project."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from provider.config.settings import WebSettings
from provider.config.state import make_private_directory, state_root
from provider.domain.errors import ConfigError

BYTES = 32
NAME = "web-session.key"


def find_key(web: WebSettings) -> bytes:
    """Take the configured key, else the one in the state directory, which the first process makes.

    Raise `ConfigError` when it can neither be read nor made, or when others on this machine can read it.
    """
    if web.session_key is not None:
        return web.session_key.encode()
    path = state_root() / NAME
    try:
        if not path.exists():
            _make(path)
        return _read(path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; make it readable and writable, or set web.session_key") from error


def _read(path: Path) -> bytes:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{path}: others can read the key that signs sessions; remove it, and a new one is made")
    key = path.read_bytes()
    if len(key) != BYTES:
        raise ConfigError(f"{path}: is not a key of {BYTES} bytes; remove it, and a new one is made")
    return key


def _make(path: Path) -> None:
    make_private_directory(path.parent)
    draft = path.with_name(f"{NAME}.{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(BYTES))
            file.flush()
            os.fsync(file.fileno())
        # A link is made whole or not at all: of several first processes one wins, and all use its key.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
