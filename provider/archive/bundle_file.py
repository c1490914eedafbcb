"""Bundles on disk: gzip, written whole or not at all, read line by line."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from provider.archive.new_file import new_file, refused
from provider.domain.bundles import LONGEST_LINE, BundleHeader, BundleManifest, BundleReader, BundleWriter, LinkedEvent
from provider.domain.errors import BundleError
from provider.domain.seals import SealKey

COMPRESSION = 6
SUFFIX = ".ndjson.gz"


def write_bundle(
    path: Path, header: BundleHeader, events: Iterable[LinkedEvent], key: SealKey | None, *, replace: bool = False
) -> BundleManifest:
    """Write a bundle, durable on return, and return its manifest; nothing is left behind when it fails."""
    writer = BundleWriter(header, key)
    with (
        new_file(path, replace=replace) as stream,
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, compresslevel=COMPRESSION, mtime=0) as packed,
    ):
        for line in writer.lines(events):
            packed.write(line)
    if writer.manifest is None:
        raise AssertionError("the lines of a bundle end with its manifest")
    return writer.manifest


@contextmanager
def open_bundle(path: Path) -> Iterator[BundleReader]:
    """Open a bundle for reading; raise `BundleError`, with its name, for what is wrong with it."""
    with refused(path), path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as packed:
        try:
            yield BundleReader(_lines(packed))
        except BundleError as error:
            raise BundleError(error.reason, position=error.position, bundle=str(path)) from error


def check_bundle(path: Path) -> BundleManifest:
    """Read a bundle to its end, checking every event, and return its manifest."""
    with open_bundle(path) as reader:
        for _ in reader.events():
            pass
    if reader.manifest is None:
        raise AssertionError("a bundle that was read to its end has a manifest")
    return reader.manifest


def file_sha256(path: Path) -> str:
    """Compute what `sha256sum FILE` says."""
    with refused(path), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _lines(packed: gzip.GzipFile) -> Iterator[bytes]:
    try:
        while line := packed.readline(LONGEST_LINE + 1):
            yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BundleError("its compression is damaged, or it was cut off") from error
