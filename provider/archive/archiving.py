"""Archiving: the oldest part of the log goes into a bundle, and only then out of the database.

The order is bundle, its check, `LogArchived`, the row in `archives`, deletion. After each of these steps the process
may die: the next run finds what is there and goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from provider.archive.bundle_file import SUFFIX, check_bundle, file_sha256, write_bundle
from provider.core.commit import commit_ledger
from provider.core.faults import point
from provider.domain.archives import Baseline, LedgerOrigin
from provider.domain.bundles import BundleHeader, BundleManifest
from provider.domain.errors import BundleError, CorruptLogError
from provider.domain.events import LogArchived
from provider.domain.log import Author, ChainPoint, RecordedEvent
from provider.domain.seals import SealKey
from provider.domain.times import AsOf
from provider.domain.wording import count_of
from provider.ports.archives import ArchiveLedger
from provider.ports.log import EventStore

PRUNED_AT_ONCE = 2000
"""So short that no append waits long for the deletion."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReport:
    """What a run did: the bundles it put on record, how many events left the database, and where the log begins now."""

    bundles: tuple[str, ...]
    pruned: int
    base: ChainPoint


class Archiving:
    """Archives one ledger. Two runs at once do no harm: each step is refused or does nothing the second time."""

    def __init__(self, store: EventStore, ledger: ArchiveLedger, key: SealKey | None) -> None:
        self._store = store
        self._ledger = ledger
        self._key = key

    def archive(self, through: int, directory: Path, author: Author, progress: Progress) -> ArchiveReport:
        """Archive the events up to a position, and finish what an earlier run left; idempotent.

        Raise `CorruptLogError` for a log that was altered and `BundleError` or `FileError` for the bundle; nothing has
        left the database then.
        """
        pruned, bundles = self._prune(progress), list[str]()
        for earlier, event in self._find_unfinished(through, directory):
            self._ledger.record(earlier, self._check_recorded(earlier, event, directory, progress))
            bundles.append(event.bundle)
            pruned += self._prune(progress)
        base = self._ledger.base()
        if through > base.position:
            bundles.append(self._archive_next(base, through, directory, author, progress))
            pruned += self._prune(progress)
        return ArchiveReport(bundles=tuple(bundles), pruned=pruned, base=self._ledger.base())

    def find_end(self, before: AsOf) -> int:
        """Return the position of the last event before a position, a moment, or an age by the database's clock."""
        if isinstance(before, int):
            return min(before - 1, self._store.head_position())
        return self._ledger.position_before(self._store.now() - before if isinstance(before, timedelta) else before)

    def write_rest(self, path: Path, *, replace: bool) -> BundleManifest:
        """Write all that is not archived into a bundle, and leave it in the database."""
        base, head = self._ledger.base(), self._store.head_position()
        header = describe_bundle(self._ledger.describe_ledger(), base)
        return write_bundle(path, header, self._ledger.read(base, head), self._key, replace=replace)

    def _archive_next(self, base: ChainPoint, through: int, directory: Path, author: Author, progress: Progress) -> str:
        manifest, path = self._write(base, through, directory, progress)
        baseline, sha256 = self._make_baseline(through, progress), file_sha256(path)
        event = LogArchived(
            after_position=base.position, through_position=through, through_hash=manifest.through_hash,
            events=manifest.events, bundle=path.name, sha256=sha256, baseline_sha256=baseline.sha256,
        )  # fmt: skip
        commit_ledger(self._store, event, Author(author.actor, author.correlation_id, f"archive:{sha256}"))
        self._ledger.record(next(one for one in self._ledger.list_unfinished() if one.event == event), baseline)
        point("archive.row.written")
        return path.name

    def _write(
        self, base: ChainPoint, through: int, directory: Path, progress: Progress
    ) -> tuple[BundleManifest, Path]:
        origin = self._ledger.describe_ledger()
        path = directory / f"{origin.ledger_id}-{base.position + 1:012}-{through:012}{SUFFIX}"
        if not path.exists():
            progress(f"writing {path.name}")
            header = describe_bundle(origin, base)
            write_bundle(path, header, self._ledger.read(base, through), self._key)
        point("archive.bundle.written")
        progress(f"checking {path.name}")
        manifest = check_bundle(path)
        if (manifest.ledger_id, manifest.after, manifest.through_position) != (origin.ledger_id, base, through):
            raise BundleError("it is there already and is about other events: move it away", bundle=str(path))
        return manifest, path

    def _find_unfinished(self, through: int, directory: Path) -> Iterator[tuple[RecordedEvent, LogArchived]]:
        """Find the archive that an earlier run recorded and did not finish; its bundle is in this directory."""
        for recorded in self._ledger.list_unfinished():
            event = recorded.event
            fits = isinstance(event, LogArchived) and event.through_position <= through
            if isinstance(event, LogArchived) and fits and (directory / event.bundle).is_file():
                yield recorded, event
                return

    def _check_recorded(
        self, recorded: RecordedEvent, event: LogArchived, directory: Path, progress: Progress
    ) -> Baseline:
        """Check once more that what was recorded is so."""
        path = directory / event.bundle
        through = check_bundle(path).through
        if file_sha256(path) != event.sha256 or through != (event.through_position, event.through_hash):
            told = f"it is not the file that event {recorded.position} recorded: move it away"
            raise BundleError(told, bundle=str(path))
        baseline = self._make_baseline(event.through_position, progress)
        if baseline.sha256 != event.baseline_sha256:
            raise CorruptLogError(recorded.position, "the log up to the archive's end folds into something else now")
        return baseline

    def _make_baseline(self, through: int, progress: Progress) -> Baseline:
        return self._ledger.make_baseline(through, lambda position: progress(f"folded {position} of {through} events"))

    def _prune(self, progress: Progress) -> int:
        pruned = 0
        while count := self._ledger.prune(PRUNED_AT_ONCE):
            pruned += count
            progress(f"removed {count_of(pruned, 'event')} from the database")
            point("archive.chunk.pruned")
        return pruned


def describe_bundle(origin: LedgerOrigin, after: ChainPoint) -> BundleHeader:
    """Begin a bundle of a whole part of the log."""
    return BundleHeader(
        ledger_id=origin.ledger_id, ledger_created_at=origin.created_at, made_at=origin.now, after=after
    )
