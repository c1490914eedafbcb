"""Tokens: only their SHA-256 is known, and a comparison takes as long for a wrong one as for a right one."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from provider.config.settings import TokenSettings


def find_token(tokens: Sequence[TokenSettings], text: str, name: str | None = None) -> TokenSettings | None:
    """Find the token that this text is, of this name when one is given. Every token is compared, always."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    found = None
    for token in tokens:
        same = hmac.compare_digest(digest, token.sha256.lower())
        if same and name in (None, token.name):
            found = token
    return found
