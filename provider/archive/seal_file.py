"""The seals made on this host, in a file that no user of the database can write: one a line, the newest last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from provider.archive.new_file import new_file, refused
from provider.config.state import make_private_directory
from provider.domain.errors import FileError
from provider.domain.seals import MAX_LINE, InvalidSealError, Seal, format_seal, parse_seals

MOST_KEPT = 10_000


class SealFile:
    """Keeps seals. Two processes that write at once may lose one of two new lines; the older ones still bind both."""

    def __init__(self, path: Path, sinks: Sequence[str] = ()) -> None:
        self._path = path
        self._sinks = sinks

    def list(self) -> tuple[Seal, ...]:
        """Read all seals, the oldest first; raise `FileError` for a file with anything else in it."""
        with refused(self._path):
            if not self._path.exists():
                return ()
            text = self._path.read_text(encoding="utf-8", errors="replace")
        return self._parse(text)

    def last(self) -> Seal | None:
        """Read the newest seal; None when none was made here."""
        with refused(self._path):
            if not self._path.exists():
                return None
            with self._path.open("rb") as stream:
                stream.seek(max(0, self._path.stat().st_size - MAX_LINE))
                line = stream.read().decode(errors="replace").rstrip().rpartition("\n")[2]
        return self._parse(line)[-1]

    def keep(self, seal: Seal) -> None:
        """Add a seal, durable on return, and hand it to the sinks; raise `SealNotDelivered` when one fails."""
        kept = (*self.list(), seal)[-MOST_KEPT:]
        with refused(self._path):
            make_private_directory(self._path.parent)
        with new_file(self._path, replace=True) as stream:
            stream.write("".join(f"{format_seal(one)}\n" for one in kept).encode())
        if self._sinks:
            # Imported here: few have sinks, and a client for the web is no small thing to import.
            from provider.archive.seal_sinks import deliver_seal

            deliver_seal(seal, self._sinks)

    def start_anew(self) -> None:
        """Put the file aside, under a name that says how far it went; what was kept binds nobody any more."""
        last = self.last()
        if last is not None:
            with refused(self._path):
                self._path.replace(self._path.with_suffix(f".until-{last.position}"))

    def _parse(self, text: str) -> tuple[Seal, ...]:
        try:
            return tuple(parse_seals(text))
        except InvalidSealError as error:
            told = f"{error}: it was damaged; put it back from a backup, or move it away"
            raise FileError(self._path, told) from None
