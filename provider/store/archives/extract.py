"""An extract as a ledger of its own: it begins where the extract does, and its events follow each other without a gap.

Where no event was left out, positions and hashes are those of the log it was taken from. Else the events are counted on
from the extract's beginning and chained anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import Connection, insert

from provider.domain.bundles import BundleHeader
from provider.domain.chain import StoredEvent, compute_link, moment_of
from provider.domain.codec import to_payload
from provider.domain.errors import BundleError, CorruptLogError
from provider.domain.events import ExtractOpened
from provider.domain.extracts import read_baseline
from provider.domain.ids import LEDGER_STREAM
from provider.domain.log import ChainPoint, canonical_json
from provider.store.archives.restoration import Restoration
from provider.store.database import database_now
from provider.store.projections.fold import Fold
from provider.store.tables import archives

ACTOR = "operator:open"


class Rechained:
    """Counts events on from a base and chains them; `is_whole` while that changes nothing; `last` is as it was."""

    def __init__(self, base: ChainPoint) -> None:
        self._point = base
        self.count = 0
        self.is_whole = True
        self.last: StoredEvent | None = None

    def move(self, originals: Iterable[StoredEvent]) -> Iterator[StoredEvent]:
        """Yield the events as they stand in the extract."""
        for original in originals:
            moved = self.chain(original)
            self.is_whole = self.is_whole and moved == original
            self.last, self.count = original, self.count + 1
            yield moved

    def chain(self, stored: StoredEvent) -> StoredEvent:
        """Put one event behind those before."""
        placed = stored._replace(position=self._point.position + 1)
        link, _ = compute_link(self._point.hash, placed)
        self._point = ChainPoint(placed.position, link)
        return placed._replace(hash=link)


def fill_from_extract(
    connection: Connection, header: BundleHeader, originals: Iterable[StoredEvent], bundle: str, sha256: str
) -> int:
    """Write an extract's events and projections into an empty ledger; return how many events there are."""
    base, fold = header.after, Fold()
    baseline, base_at = read_baseline(header.extract or {})
    try:
        fold.start_from(base.position, baseline)
    except (CorruptLogError, LookupError, TypeError, ValueError) as error:
        raise BundleError(f"its baseline cannot be read ({error})") from error
    restoration, rechained = Restoration(connection, fold, base), Rechained(base)
    restoration.take(rechained.move(originals))
    last = rechained.last
    if last is None:
        raise BundleError("it has no event")
    opened = ExtractOpened(
        ledger_id=header.ledger_id, through_position=base.position, through_hash=base.hash,
        last_position=last.position, last_hash=last.hash, events=rechained.count, is_whole=rechained.is_whole,
        bundle=bundle, sha256=sha256, baseline_sha256=baseline.sha256,
    )  # fmt: skip
    moment = max(database_now(connection), moment_of(last))
    at_end = rechained.chain(_to_store(opened, fold.version_of(LEDGER_STREAM) + 1, moment))
    restoration.take([at_end])
    connection.execute(
        insert(archives).values(
            through_position=base.position, through_hash=base.hash, through_recorded_at=base_at,
            events=base.position, bundle=f"ledger {header.ledger_id}", sha256=sha256, archived_at=moment,
            event_position=at_end.position, baseline=baseline.packed,
        )
    )  # fmt: skip
    restoration.finish(header)
    return rechained.count


def _to_store(opened: ExtractOpened, version: int, moment: datetime) -> StoredEvent:
    return StoredEvent(
        position=0, stream=LEDGER_STREAM, version=version, type=opened.type, schema_version=opened.schema_version,
        data=canonical_json(to_payload(opened)), recorded_at=moment, actor=ACTOR, correlation_id=opened.sha256,
        command_id=None, hash="",
    )  # fmt: skip
