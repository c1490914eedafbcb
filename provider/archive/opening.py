"""Opening bundles as a ledger of their own in a directory: a SQLite file, a configuration, and the bundles."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from provider.archive.bundle_file import file_sha256, open_bundle
from provider.archive.importing import ImportReport, ImportTarget, import_log
from provider.archive.new_file import refused, sync_directory
from provider.domain.bundles import BundleHeader, BundleReader
from provider.domain.chain import StoredEvent
from provider.domain.errors import BundleError, FileError
from provider.domain.seals import SealKey

DATABASE = "ledger.db"
CONFIGURATION = f"""\
# A copy for reading. Nothing can be recorded in it, no engine is asked, nothing is swept.
database:
  url: sqlite:///{DATABASE}
sandbox:
  backend: process
sweeper:
  enabled: false
audit:
  seal_interval: 0
"""


class OpeningTarget(ImportTarget, Protocol):
    """An empty ledger, for reading only once it is filled."""

    def open_extract(self, header: BundleHeader, events: Iterable[StoredEvent], bundle: str, sha256: str) -> int:
        """Import an extract, all or nothing; return how many events of it there are."""


def open_bundles(
    make_target: Callable[[Path], AbstractContextManager[OpeningTarget]],
    paths: Sequence[Path],
    directory: Path,
    key: SealKey | None,
) -> ImportReport:
    """Make a directory with a ledger of these bundles: one extract, or bundles that follow each other.

    The directory is there whole or as it was; it must be new or empty.
    """
    with refused(directory):
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise FileError(directory, "is there already, and was left as it is; choose another name")
        fresh = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}.", suffix=".part"))
        try:
            with make_target(fresh / DATABASE) as target:
                report = _fill(target, paths, key)
            (fresh / "config.yaml").write_text(CONFIGURATION, encoding="utf-8")
            for path in paths:
                shutil.copyfile(path, fresh / path.name)
            fresh.rename(directory)
            sync_directory(directory.parent)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return report


def _fill(target: OpeningTarget, paths: Sequence[Path], key: SealKey | None) -> ImportReport:
    path = paths[0]
    with open_bundle(path) as reader:
        header = reader.header
        if header.extract is None:
            return import_log(target, paths, key, accept_unsigned=True)
        if len(paths) > 1:
            raise BundleError("it is an extract, and is opened by itself", bundle=str(path))
        count = target.open_extract(header, _checked(reader, key), path.name, file_sha256(path))
    is_proven = reader.manifest is not None and reader.manifest.check_authenticity(key) == "genuine"
    return ImportReport(ledger_id=header.ledger_id, events=count, unproven=() if is_proven else (str(path),))


def _checked(reader: BundleReader, key: SealKey | None) -> Iterator[StoredEvent]:
    """Yield the events, and refuse a wrong HMAC behind the last one: nothing is committed then."""
    yield from reader.events()
    if reader.manifest is not None and reader.manifest.check_authenticity(key) == "forged":
        raise BundleError("its HMAC is not the one that the configured key gives: it was altered")
