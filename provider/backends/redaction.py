"""What may leave a container's log: no secret value, no control character, no more than asked for. Pure.

Two kinds of secrets are masked: the configured values, in every spelling that programs print them in, and whatever
looks like a credential by the rules of `credentials`.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from provider.backends.credentials import MASK, mask_credentials
from provider.domain.containers import LOG_TAIL_BYTES

MIN_SECRET_LENGTH = 4  # shorter values ("1", "yes") would mask half of every log
MIN_SPLIT_LENGTH = 8  # a shorter value's letters are found across any two lines
MAX_SPLIT_LENGTH = 512  # a longer value is wrapped into lines that are masked one by one

# Read more than is kept: what is cut off then lies in front of the part that is shown.
WINDOW_BYTES = LOG_TAIL_BYTES + 4096

_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_BREAK = r"""(?:[ \t"'+\\]{0,4}(?:\\n|\r?\n)[ \t"'+|>]{0,16})?"""
"""What programs put between two halves of a long value: a line break, with a continuation or quotes around it."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace the given values in every spelling, and whatever looks like a credential, by `***`.

    Values shorter than `MIN_SECRET_LENGTH` are left alone. The longest go first, since one may hold another.
    """
    return mask_credentials(mask_values(text, secrets))


def mask_values(text: str, secrets: Iterable[str]) -> str:
    """Replace the given values only: plain, in base64, hex, URL or JSON spelling, or broken over lines."""
    for secret in _worth_hiding(secrets):
        for spelling, pattern in _spellings(secret):
            if spelling in text:
                text = text.replace(spelling, MASK)
            if pattern is not None and "\n" in text:
                text = pattern.sub(MASK, text)
    return text


def clean(raw: bytes) -> str:
    """Decode a log; escape sequences are dropped, other control characters become U+FFFD, lines end in a newline."""
    text = raw.decode("utf-8", errors="replace").replace("\r\n", "\n")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _ESCAPE_SEQUENCE.sub("", text))


def log_tail(raw: bytes, secrets: Iterable[str], *, limit: int = LOG_TAIL_BYTES, truncated: bool = False) -> str:
    """Return the last `limit` bytes of a log, cleaned, with the given values masked.

    `raw` is best `WINDOW_BYTES` long. `truncated` says that it does not start where the log starts: a secret cut in
    two there is masked too.
    """
    secrets = list(secrets)
    window = raw[-(limit + WINDOW_BYTES - LOG_TAIL_BYTES) :]
    text = clean(window)
    if truncated or len(window) < len(raw):
        text = _mask_cut_secret(text, secrets)
    encoded = mask_values(text, secrets).encode()
    return encoded[-limit:].decode("utf-8", errors="ignore")


def _mask_cut_secret(text: str, secrets: Iterable[str]) -> str:
    # The cut may have gone through a character, which then decodes to up to three replacement characters.
    text = text.lstrip("\N{REPLACEMENT CHARACTER}")
    for secret in _worth_hiding(secrets):
        for start in range(1, len(secret)):
            if text.startswith(secret[start:]):
                return MASK + text[len(secret) - start :]
    # A token that no list knows: its rest runs up to the first blank.
    return re.sub(r"\A\S{16,4096}", MASK, text)


def _worth_hiding(secrets: Iterable[str]) -> list[str]:
    return sorted({one for one in secrets if len(one) >= MIN_SECRET_LENGTH}, key=len, reverse=True)


@functools.lru_cache(maxsize=512)
def _spellings(secret: str) -> tuple[tuple[str, re.Pattern[str] | None], ...]:
    """List how programs print a value, the longest spelling first, each with the pattern of its broken form."""
    found = {one for one in _spell(secret) if len(one) >= MIN_SECRET_LENGTH}
    return tuple((one, _broken(one)) for one in sorted(found, key=len, reverse=True))


def _spell(secret: str) -> Iterator[str]:
    raw = secret.encode(errors="surrogatepass")
    yield secret
    yield from (quote(raw, safe=""), quote(raw), quote_plus(raw), quote(raw, safe="").lower())
    yield from (
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
    )
    yield from (repr(secret)[1:-1], repr(raw)[2:-1])
    if len(secret) >= MIN_SPLIT_LENGTH:
        yield from (raw.hex(), raw.hex().upper(), raw.hex(" "), raw.hex(":"), raw.hex(":").upper())
        yield from _base64_anywhere(raw)


def _base64_anywhere(raw: bytes) -> Iterator[str]:
    """Spell a value as it stands inside a longer text in base64, whatever is before and behind it there."""
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw).decode().rstrip("=")
        first = (shift * 8 + 5) // 6  # the characters that also hold bits of what is before
        last = len(encoded) - (1 if (shift + len(raw)) % 3 else 0)
        inner = encoded[first:last]
        yield from (inner, inner.replace("+", "-").replace("/", "_"))


def _broken(spelling: str) -> re.Pattern[str] | None:
    if not MIN_SPLIT_LENGTH <= len(spelling) <= MAX_SPLIT_LENGTH:
        return None
    return re.compile(_LINE_BREAK.join(map(re.escape, spelling)))
