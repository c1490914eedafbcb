"""Identities: how a sandbox gets its id, and which ids are accepted at the boundary."""

from __future__ import annotations

import hashlib
import json
import re
from typing import NewType

from provider.domain.errors import InvalidIdError

SandboxId = NewType("SandboxId", str)
WorkerId = NewType("WorkerId", str)

MAX_NAME_LENGTH = 512
LEDGER_STREAM = "ledger"

_SANDBOX_ID = re.compile(r"[0-9a-f]{16}")
_BEGINNING = re.compile(r"[0-9a-f]{1,16}")


def derive_sandbox_id(user_id: str | None, thread_id: str) -> SandboxId:
    """Derive the id of a thread's sandbox: 16 hex digits of sha256 over the JSON array [user, thread].

    JSON quotes its strings, so no two pairs share an encoding.
    """
    encoded = json.dumps([user_id, thread_id], ensure_ascii=True, separators=(",", ":"))
    return SandboxId(hashlib.sha256(encoded.encode()).hexdigest()[:16])


def is_sandbox_id(text: str) -> bool:
    """Return whether this is a whole sandbox id, known or not."""
    return _SANDBOX_ID.fullmatch(text) is not None


def begins_sandbox_id(text: str) -> bool:
    """Return whether a sandbox id may begin so."""
    return _BEGINNING.fullmatch(text) is not None


def require_text(sandbox_id: object) -> None:
    """Raise `InvalidIdError` for what is no text: a list, say, cannot even be looked up."""
    if not isinstance(sandbox_id, str):
        raise InvalidIdError(f"sandbox id: expected text, got {type(sandbox_id).__name__}")


def parse_sandbox_id(text: object) -> SandboxId:
    """Accept a sandbox id, or raise `InvalidIdError`."""
    require_text(text)
    assert isinstance(text, str)  # noqa: S101 - required
    if not _SANDBOX_ID.fullmatch(text):
        raise InvalidIdError(f"sandbox id {_shorten(text)}: expected 16 hex digits, as `acquire` returns them")
    return SandboxId(text)


def check_name(kind: str, text: object) -> str | None:
    """Accept a user or thread id as given, or raise `InvalidIdError`.

    Any printable text of 1 to `MAX_NAME_LENGTH` characters is accepted, in any script; control characters
    (NUL among them) and lone surrogates are refused, because no database, label or page can carry them safely.
    """
    if text is None:
        return None
    if not isinstance(text, str):
        raise InvalidIdError(f"{kind}: expected text, got {type(text).__name__}")
    if not text.strip():
        raise InvalidIdError(f"{kind}: is empty; give a non-empty id, or None")
    if len(text) > MAX_NAME_LENGTH:
        raise InvalidIdError(f"{kind} {_shorten(text)}: {len(text)} characters; at most {MAX_NAME_LENGTH} are allowed")
    if any(_is_control(character) for character in text):
        raise InvalidIdError(f"{kind} {_shorten(text)}: contains a control character or a lone surrogate")
    return text


def sandbox_stream(sandbox_id: str) -> str:
    """Name the event stream of a sandbox."""
    return f"sandbox:{sandbox_id}"


def worker_stream(worker_id: str) -> str:
    """Name the event stream of a worker."""
    return f"worker:{worker_id}"


def _is_control(character: str) -> bool:
    code = ord(character)
    return code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code <= 0xDFFF


def _shorten(text: str) -> str:
    return ascii(text if len(text) <= 40 else text[:40] + "...")
