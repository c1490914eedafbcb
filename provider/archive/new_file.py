"""A file that is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from provider.domain.errors import FileError


@contextmanager
def new_file(path: Path, *, replace: bool = False) -> Iterator[IO[bytes]]:
    """Write a file beside its place; at the end it is made durable and takes its name, on any error it is removed.

    Raise `FileError` for one that is there already, unless it may be replaced, and for what the system refuses. Only
    its owner may read it: the log names people.
    """
    with refused(path):
        if not replace and path.exists():
            raise _exists(path)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            _take_place(temporary, path, replace=replace)
            sync_directory(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def refused(path: Path) -> Iterator[None]:
    """Turn what the system refuses into `FileError`."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError(path, f"{error.strerror or error}; mend that, and run this again") from error


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_place(temporary: Path, path: Path, *, replace: bool) -> None:
    if replace:
        temporary.replace(path)
        return
    try:
        path.hardlink_to(temporary)  # a rename would silently replace what another process put there meanwhile
    except FileExistsError:
        raise _exists(path) from None


def _exists(path: Path) -> FileError:
    return FileError(path, "is there already, and was left as it is; choose another name, or give --force")
