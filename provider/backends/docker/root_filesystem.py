"""Write a container's root file system as a tar archive."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO


class RootFilesystem:
    """Collects files under their paths in the image; the first one to take a path keeps it.

    Everything belongs to root; modification times are kept, because compiled Python files carry those of their
    sources. Parent directories are made as needed.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._tar = tarfile.open(fileobj=stream, mode="w")  # noqa: SIM115 -- `close` ends the archive
        self._paths = {PurePosixPath("/")}

    def close(self) -> None:
        """End the archive; the stream stays open."""
        self._tar.close()

    def add_directory(self, path: str | PurePosixPath, mode: int = 0o755) -> None:
        """Add an empty directory."""
        entry = self._claim(path)
        if entry is not None:
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            self._tar.addfile(entry)

    def add_bytes(self, path: str | PurePosixPath, content: bytes, mode: int = 0o644, mtime: float = 0) -> None:
        """Add a file with this content."""
        entry = self._claim(path)
        if entry is not None:
            entry.size, entry.mode, entry.mtime = len(content), mode, int(mtime)
            self._tar.addfile(entry, io.BytesIO(content))

    def add_link(self, path: str | PurePosixPath, target: str) -> None:
        """Add a symbolic link."""
        entry = self._claim(path)
        if entry is not None:
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            self._tar.addfile(entry)

    def add_file(self, path: str | PurePosixPath, source: Path) -> None:
        """Add a copy of a file of this machine; a link is followed, nobody's write permission is kept."""
        status = source.stat()
        mode = stat.S_IMODE(status.st_mode) & 0o755 | 0o444
        self.add_bytes(path, source.read_bytes(), mode, status.st_mtime)

    def _claim(self, path: str | PurePosixPath) -> tarfile.TarInfo | None:
        path = PurePosixPath(path)
        if path in self._paths:
            return None
        self.add_directory(path.parent)
        self._paths.add(path)
        return tarfile.TarInfo(str(path).lstrip("/"))
