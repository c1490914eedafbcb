"""What may leave a container's log: no secret value, no control character, no more than asked for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from provider.domain.containers import LOG_TAIL_BYTES

MASK = "***"
MIN_SECRET_LENGTH = 4  # shorter values ("1", "yes") would mask half of every log

# Read more than is kept: what is cut off then lies in front of the part that is shown.
WINDOW_BYTES = LOG_TAIL_BYTES + 4096

_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NAME = r"[\w.-]{0,40}(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|credential)[\w.-]{0,40}"
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\b([a-z][a-z0-9+.-]{0,20}://)[^\s/@]+@", re.IGNORECASE), rf"\1{MASK}@"),
    (
        re.compile(rf"({_NAME}[\"']?\s{{0,3}}[:=]\s{{0,3}})(\"[^\"]*\"?|'[^']*'?|[^\s,;&]+)", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(?:sk|pk|rk)[-_][\w-]{16,}"), MASK),
    (re.compile(r"\b(?:gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,})"), MASK),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}"), MASK),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), MASK),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace the given values, and whatever looks like a credential, by `***`.

    Values shorter than `MIN_SECRET_LENGTH` are left alone. The longest go first, since one may hold another.
    """
    for secret in _worth_hiding(secrets):
        text = text.replace(secret, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def clean(raw: bytes) -> str:
    """Decode a log; escape sequences are dropped, other control characters become U+FFFD, lines end in a newline."""
    text = raw.decode("utf-8", errors="replace").replace("\r\n", "\n")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _ESCAPE_SEQUENCE.sub("", text))


def log_tail(raw: bytes, secrets: Iterable[str], *, limit: int = LOG_TAIL_BYTES, truncated: bool = False) -> str:
    """Return the last `limit` bytes of a log, cleaned and redacted.

    `raw` is best `WINDOW_BYTES` long. `truncated` says that it does not start where the log starts: a secret cut in
    two there is masked too.
    """
    secrets = list(secrets)
    window = raw[-(limit + WINDOW_BYTES - LOG_TAIL_BYTES) :]
    text = clean(window)
    if truncated or len(window) < len(raw):
        text = _mask_cut_secret(text, secrets)
    encoded = redact(text, secrets).encode()
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
