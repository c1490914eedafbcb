"""Seals of the log: what a seal says, its canonical text, and how one is made, checked, written down and read back.

A seal is ``(ledger id, position, hash, count)``. With a key its HMAC is ``HMAC-SHA256(key, text)`` in hex, where `text`
is five lines without a line feed at the end: ``sandbox-ledger seal 1``, ledger id, position, hash, count.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from provider.domain.events import LedgerSealed
from provider.domain.log import MAX_NUMBER, ChainPoint

Authenticity = Literal["genuine", "forged", "unkeyed", "other_key", "no_key"]
"""What a seal's HMAC proves under a key: right; wrong; there is none; of another key; no key to check it with."""

MAX_LINE = 4096

_HEX_64 = re.compile(r"[0-9a-f]{64}")
_KEY_ID = re.compile(r"[0-9a-f]{16}")
_LEDGER_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class InvalidSealError(ValueError):
    """A text is no seal."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """The secret that seals are signed with; in no repr. `key_id` names it and does not tell it."""

    secret: bytes

    @classmethod
    def from_text(cls, text: str) -> SealKey:
        """Make the key that the configuration names."""
        return cls(text.encode())

    @property
    def key_id(self) -> str:
        """Sixteen hex digits that are the same for the same key."""
        return self.sign("sandbox-ledger seal key id")[:16]

    def sign(self, text: str) -> str:
        """Compute the HMAC-SHA256 of a text, in hex."""
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return f"SealKey({self.key_id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One statement about the log: up to `position` it has `count` events, and the last one has this `hash`."""

    ledger_id: str
    position: int
    hash: str
    count: int
    key_id: str | None = None
    hmac: str | None = None

    @property
    def point(self) -> ChainPoint:
        """The sealed place in the chain."""
        return ChainPoint(self.position, self.hash)

    @property
    def text(self) -> str:
        """What the HMAC covers."""
        return f"sandbox-ledger seal 1\n{self.ledger_id}\n{self.position}\n{self.hash}\n{self.count}"


def make_seal(ledger_id: str, head: ChainPoint, key: SealKey | None) -> Seal:
    """Seal the log up to its head. Positions are dense from 1 on, so the head's position is the count."""
    bare = Seal(ledger_id=ledger_id, position=head.position, hash=head.hash, count=head.position)
    if key is None:
        return bare
    return Seal(**{**asdict(bare), "key_id": key.key_id, "hmac": key.sign(bare.text)})


def check_authenticity(seal: Seal, key: SealKey | None) -> Authenticity:
    """Return what a seal's HMAC proves under this key."""
    if seal.hmac is None:
        return "unkeyed"
    if key is None:
        return "no_key"
    if seal.key_id != key.key_id:
        return "other_key"
    return "genuine" if hmac.compare_digest(key.sign(seal.text), seal.hmac) else "forged"


def find_breach(seal: Seal, ledger_id: str | None, base: int, found: str | None) -> str | None:
    """Return why a log is not the one that was sealed; None when it goes on from the seal, or its events are archived.

    `base` is the position that the log in the database goes on from, `found` the hash it has at the seal's position.
    """
    if seal.ledger_id != ledger_id:
        return f"this is ledger {ledger_id}, the last seal made on this host is of {seal.ledger_id}"
    if seal.position < base or found == seal.hash:
        return None
    what = "the log ends before it" if found is None else "the log has another event there"
    return f"the log does not go on from the last seal made on this host: {what}, so it was cut off or rewritten"


def is_due(head: ChainPoint, last: Seal | None, key: SealKey | None) -> bool:
    """Return whether a new seal says more than the last one.

    The event behind a sealed position is the seal itself. With a key, the newest seal is one of that key.
    """
    if head.position == 0:
        return False
    if last is None or head.position - last.position > 1:
        return True
    return key is not None and last.key_id != key.key_id


def to_event(seal: Seal) -> LedgerSealed:
    """Turn a seal into the event that records it."""
    return LedgerSealed(**asdict(seal))


def from_event(event: LedgerSealed) -> Seal:
    """Turn a recorded event back into the seal."""
    return Seal(
        ledger_id=event.ledger_id, position=event.position, hash=event.hash, count=event.count, key_id=event.key_id,
        hmac=event.hmac,
    )  # fmt: skip


def format_seal(seal: Seal) -> str:
    """Write a seal as one line of JSON, to be kept outside the database."""
    return json.dumps(asdict(seal), sort_keys=True, separators=(",", ":"))


def parse_seals(text: str) -> list[Seal]:
    """Read kept seals, one a line, blank lines left out; raise `InvalidSealError` for anything else, or for none."""
    seals = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                seals.append(parse_seal(line.strip()))
            except InvalidSealError as error:
                raise InvalidSealError(f"line {number} {error}") from None
    if not seals:
        raise InvalidSealError("there is no seal in it")
    return seals


def parse_seal(line: str) -> Seal:
    """Read what `format_seal` wrote; raise `InvalidSealError` for everything else."""
    if len(line) > MAX_LINE:
        raise InvalidSealError(f"is longer than {MAX_LINE} characters")
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidSealError("is not JSON") from None
    if not isinstance(document, Mapping):
        raise InvalidSealError("is not a JSON object")
    names = set(Seal.__dataclass_fields__)
    if document.keys() != names:
        raise InvalidSealError(f"has unexpected or missing fields: {', '.join(sorted(document.keys() ^ names))}")
    for name, value in document.items():
        _check_field(name, value, keyed=document["hmac"] is not None)
    return Seal(**document)


def _check_field(name: str, value: Any, *, keyed: bool) -> None:
    if name in ("position", "count"):
        fits = isinstance(value, int) and not isinstance(value, bool) and 0 < value < MAX_NUMBER
    elif name in ("hmac", "key_id") and not keyed:
        fits = value is None
    else:
        form = {"ledger_id": _LEDGER_ID, "key_id": _KEY_ID}.get(name, _HEX_64)
        fits = isinstance(value, str) and form.fullmatch(value) is not None
    if not fits:
        raise InvalidSealError(f"has no valid {name}")
