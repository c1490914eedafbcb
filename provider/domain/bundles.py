"""Bundles: a part of the log as lines of JSON, with everything that is needed to check it. See docs/archive-format.md.

A header, one line for each row of `events` with its payload as it is stored, and a manifest that closes the file: a
stream cannot know at its beginning how it ends, and a file that was cut off has no manifest. An extract leaves events
out, so that each of its events comes with the hash of the one before it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from provider.domain.chain import AlienContentError, StoredEvent, compute_link, moment_of
from provider.domain.errors import BundleError
from provider.domain.log import MAX_NUMBER, ChainPoint, canonical_json, format_timestamp, parse_timestamp
from provider.domain.seals import Authenticity, SealKey

FORMAT: Final = "sandbox-ledger bundle"
FORMAT_VERSION: Final = 1
LONGEST_LINE: Final = 16 * 2**20
"""A longer line is no event of ours: the file is not read into memory to find that out."""

Field = TypeVar("Field")

_HASH = re.compile(r"[0-9a-f]{64}")
_UNREADABLE = "is no line of a bundle"


class LinkedEvent(NamedTuple):
    """A row of the log with the hash of the event before it."""

    previous_hash: str
    stored: StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleHeader:
    """What a bundle begins with: of which ledger it is, and behind which event it goes on.

    `ledger_created_at` is when the ledger was made. `extract` is what makes a chosen part of a log readable by itself:
    None in a bundle that has every event.
    """

    ledger_id: str
    ledger_created_at: datetime
    made_at: datetime
    after: ChainPoint
    extract: Mapping[str, Any] | None = None

    @property
    def has_gaps(self) -> bool:
        """Whether events may be missing: an extract of some streams."""
        return self.extract is not None and self.extract.get("streams") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleManifest:
    """What a bundle ends with. `sha256` is that of all lines before; the HMAC covers all the other fields."""

    ledger_id: str
    after_position: int
    after_hash: str
    through_position: int
    through_hash: str
    events: int
    sha256: str
    key_id: str | None = None
    hmac: str | None = None

    @property
    def after(self) -> ChainPoint:
        """The event that the bundle goes on from."""
        return ChainPoint(self.after_position, self.after_hash)

    @property
    def through(self) -> ChainPoint:
        """The last event in it."""
        return ChainPoint(self.through_position, self.through_hash)

    @property
    def text(self) -> str:
        """What the HMAC covers: nine lines without a line feed at the end."""
        return (
            f"{FORMAT}\n{FORMAT_VERSION}\n{self.ledger_id}\n{self.after_position}\n{self.after_hash}\n"
            f"{self.through_position}\n{self.through_hash}\n{self.events}\n{self.sha256}"
        )

    def check_authenticity(self, key: SealKey | None) -> Authenticity:
        """Return what the HMAC proves under this key."""
        if self.hmac is None:
            return "unkeyed"
        if key is None:
            return "no_key"
        if self.key_id != key.key_id:
            return "other_key"
        return "genuine" if key.sign(self.text) == self.hmac else "forged"


class BundleWriter:
    """Makes the lines of a bundle; `manifest` is there when `lines` has come to its end."""

    def __init__(self, header: BundleHeader, key: SealKey | None) -> None:
        self._header = header
        self._key = key
        self.manifest: BundleManifest | None = None

    def lines(self, events: Iterable[LinkedEvent]) -> Iterator[bytes]:
        """Write header, events and manifest."""
        header, digest = self._header, hashlib.sha256()
        last, count = header.after, 0
        first = _line(_header_document(header))
        digest.update(first)
        yield first
        for previous_hash, stored in events:
            document = _event_document(stored)
            line = _line(document if header.extract is None else {**document, "previous_hash": previous_hash})
            digest.update(line)
            last, count = ChainPoint(stored.position, stored.hash), count + 1
            yield line
        self.manifest = _signed(_close(header, last, count, digest.hexdigest()), self._key)
        yield _line({"kind": "manifest", **asdict(self.manifest)})


class BundleReader:
    """Reads the lines of a bundle and checks every one; raise `BundleError` for the first that is not right.

    `header` is read at once; `manifest` is there, and the bundle proven whole, when `events` has come to its end.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._digest = hashlib.sha256()
        self._last = ChainPoint(0, "")
        self._count = 0
        self.manifest: BundleManifest | None = None
        first = next(self._lines, b"")
        self._digest.update(first)
        self.header = _read_header(first)

    def events(self) -> Iterator[StoredEvent]:
        """Yield the events in order, each one checked against the one before it."""
        self._last = self.header.after
        for line in self._lines:
            document = _read_line(line, self._last.position + 1)
            if document.get("kind") == "manifest":
                self._finish(document)
                return
            self._digest.update(line)
            previous = document.pop("previous_hash", None) if self.header.extract is not None else self._last.hash
            stored = _read_event(document, self._last.position + 1)
            self._check(stored, previous)
            self._count += 1
            yield stored
        raise BundleError("it ends before its manifest: it was cut off", position=self._last.position)

    def _check(self, stored: StoredEvent, previous_hash: str) -> None:
        before, step = self._last, stored.position - self._last.position
        if step < 1 or (step > 1 and not self.header.has_gaps):
            raise BundleError(f"it follows event {before.position}: events are missing", position=stored.position)
        if step == 1 and previous_hash != before.hash:
            raise BundleError("it does not follow from the event before", position=stored.position)
        try:
            link, _ = compute_link(previous_hash, stored)
        except AlienContentError as error:
            raise BundleError(str(error), position=stored.position) from error
        if link != stored.hash:
            raise BundleError("its hash does not match its content and the event before", position=stored.position)
        self._last = ChainPoint(stored.position, stored.hash)

    def _finish(self, document: Mapping[str, Any]) -> None:
        manifest = _read_manifest(document)
        expected = _close(self.header, self._last, self._count, self._digest.hexdigest())
        if replace(manifest, key_id=None, hmac=None) != expected:
            raise BundleError("its manifest does not match its content: it was altered", position=self._last.position)
        if next(self._lines, None) is not None:
            raise BundleError("something follows its manifest: it was altered", position=self._last.position)
        self.manifest = manifest


def _close(header: BundleHeader, last: ChainPoint, count: int, sha256: str) -> BundleManifest:
    return BundleManifest(
        ledger_id=header.ledger_id, after_position=header.after.position, after_hash=header.after.hash,
        through_position=last.position, through_hash=last.hash, events=count, sha256=sha256,
    )  # fmt: skip


def _signed(manifest: BundleManifest, key: SealKey | None) -> BundleManifest:
    return manifest if key is None else replace(manifest, key_id=key.key_id, hmac=key.sign(manifest.text))


def _line(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def _header_document(header: BundleHeader) -> dict[str, Any]:
    return {
        "kind": "header", "format": FORMAT, "format_version": FORMAT_VERSION, "ledger_id": header.ledger_id,
        "ledger_created_at": format_timestamp(header.ledger_created_at), "made_at": format_timestamp(header.made_at),
        "after_position": header.after.position, "after_hash": header.after.hash, "extract": header.extract,
    }  # fmt: skip


def _event_document(stored: StoredEvent) -> dict[str, Any]:
    return {
        **stored._asdict(),
        "data": json.loads(stored.data),
        "recorded_at": format_timestamp(moment_of(stored)),
    }


def _read_line(line: bytes, position: int | None = None) -> dict[str, Any]:
    if not line.endswith(b"\n") or len(line) > LONGEST_LINE:
        raise BundleError(f"it {_UNREADABLE}: cut off, or too long", position=position)
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise BundleError(f"it {_UNREADABLE}", position=position) from None
    if not isinstance(document, dict):
        raise BundleError(f"it {_UNREADABLE}", position=position)
    return document


def _read_header(line: bytes) -> BundleHeader:
    document = _read_line(line)
    if document.get("format") != FORMAT:
        raise BundleError("it is no bundle of sandbox-ledger")
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"its format version is {version!r}, and {FORMAT_VERSION} is known here: install a later sandbox-ledger"
        )
    return BundleHeader(
        ledger_id=_header_field(document, "ledger_id", _text),
        ledger_created_at=_header_field(document, "ledger_created_at", parse_timestamp),
        made_at=_header_field(document, "made_at", parse_timestamp),
        after=ChainPoint(
            _header_field(document, "after_position", _number), _header_field(document, "after_hash", _hash)
        ),
        extract=_header_field(document, "extract", _object),
    )


def _header_field(document: Mapping[str, Any], name: str, read: Callable[[Any], Field]) -> Field:
    try:
        return read(document[name])
    except (KeyError, TypeError, ValueError):
        raise BundleError(f"its header has no {name} that can be read") from None


def _read_event(document: dict[str, Any], expected: int) -> StoredEvent:
    if document.keys() != set(StoredEvent._fields):
        raise BundleError(f"it {_UNREADABLE}: other fields than an event has", position=expected)
    try:
        position = _number(document["position"])
        values = {**document, "position": position, "data": canonical_json(document["data"])}
        return StoredEvent(**{**values, "version": _number(document["version"]), "hash": _hash(document["hash"])})
    except RecursionError:
        raise BundleError("its content is none of ours (nested too deep)", position=expected) from None
    except (TypeError, ValueError) as error:
        raise BundleError(f"its content is none of ours ({error})", position=expected) from error


def _read_manifest(document: Mapping[str, Any]) -> BundleManifest:
    fields = {name: value for name, value in document.items() if name != "kind"}
    try:
        return BundleManifest(**fields)
    except TypeError:
        raise BundleError("its manifest has other fields than this version knows") from None


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_NUMBER:
        raise ValueError(f"{value!r} is no position")
    return value


def _hash(value: object) -> str:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError("no hash")
    return value


def _object(value: object) -> Mapping[str, Any] | None:
    if value is not None and not isinstance(value, dict):
        raise TypeError(f"{value!r} is no object")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
