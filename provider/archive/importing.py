"""Importing: a log from its bundles, one after the other, into an empty ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from provider.archive.bundle_file import open_bundle
from provider.domain.bundles import BundleHeader, BundleManifest
from provider.domain.chain import StoredEvent
from provider.domain.errors import BundleError
from provider.domain.log import GENESIS, ChainPoint
from provider.domain.seals import SealKey


class ImportTarget(Protocol):
    """An empty ledger that takes over a log."""

    def run(
        self, header: BundleHeader, sources: Iterable[Iterable[StoredEvent]], progress: Callable[[int], None] | None
    ) -> int:
        """Import checked events, all or none; return the last position. Raise `LedgerNotEmpty`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What was imported, and which bundles had no HMAC that could be checked."""

    ledger_id: str
    events: int
    unproven: tuple[str, ...]


def import_log(
    target: ImportTarget,
    paths: Sequence[Path],
    key: SealKey | None,
    *,
    accept_unsigned: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import bundles that follow each other, in whatever order they are given, all or nothing.

    With a key every bundle must carry its HMAC, unless those without are accepted; a wrong one never is.
    """
    headers = sorted(((path, _read_header(path)) for path in paths), key=lambda one: one[1].after.position)
    first = headers[0][1]
    _check_order(headers)
    manifests: list[tuple[Path, BundleManifest]] = []

    def sources() -> Iterator[Iterator[StoredEvent]]:
        end = GENESIS
        for path, header in headers:
            _check_follows(path, header, end)
            yield _events(path, manifests)
            end = manifests[-1][1].through
            _check_signature(path, manifests[-1][1], key, accept_unsigned=accept_unsigned)

    last = target.run(first, sources(), progress)
    unproven = tuple(str(path) for path, manifest in manifests if manifest.check_authenticity(key) != "genuine")
    return ImportReport(ledger_id=first.ledger_id, events=last, unproven=unproven)


def _read_header(path: Path) -> BundleHeader:
    with open_bundle(path) as reader:
        return reader.header


def _check_order(headers: Sequence[tuple[Path, BundleHeader]]) -> None:
    first = headers[0][1]
    for path, header in headers:
        if header.extract is not None:
            raise BundleError("it is an extract, not a whole log: `sandbox-ledger open` shows it", bundle=str(path))
        if header.ledger_id != first.ledger_id:
            told = f"it is of ledger {header.ledger_id}, the one before of {first.ledger_id}"
            raise BundleError(told, bundle=str(path))


def _check_follows(path: Path, header: BundleHeader, end: ChainPoint) -> None:
    if header.after.position != end.position:
        told = f"it goes on behind event {header.after.position}, and those before it end at {end.position}"
        raise BundleError(f"{told}: give the bundle between them, or leave this one out", bundle=str(path))
    if header.after.hash != end.hash:
        raise BundleError("it goes on from another event than the bundle before it ends with", bundle=str(path))


def _events(path: Path, manifests: list[tuple[Path, BundleManifest]]) -> Iterator[StoredEvent]:
    with open_bundle(path) as reader:
        yield from reader.events()
    if reader.manifest is not None:
        manifests.append((path, reader.manifest))


def _check_signature(path: Path, manifest: BundleManifest, key: SealKey | None, *, accept_unsigned: bool) -> None:
    proof = manifest.check_authenticity(key)
    if proof == "forged":
        raise BundleError("its HMAC is not the one that the configured key gives: it was altered", bundle=str(path))
    if key is not None and proof != "genuine" and not accept_unsigned:
        told = "it has no HMAC" if proof == "unkeyed" else "its HMAC is of another key"
        raise BundleError(f"{told}, so nothing proves it: --accept-unsigned takes it nevertheless", bundle=str(path))
