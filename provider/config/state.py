"""Where this user's processes on this host keep what is in no database, and that nobody else reads it."""

from __future__ import annotations

import os
from pathlib import Path


def state_root() -> Path:
    """Return the directory of this user's state, below `XDG_STATE_HOME` where that is set."""
    base = os.environ.get("XDG_STATE_HOME")
    root = Path(base) if base else Path.home() / ".local" / "state"
    return root / "sandbox-ledger"


def make_private_directory(directory: Path) -> Path:
    """Make a directory, and those above it that are missing, for their owner only; what is there stays as it is."""
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
    return directory
