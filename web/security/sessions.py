"""Sessions: a signed cookie that says which token signed in, and when. Only what was signed out of is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from itsdangerous import BadData, URLSafeTimedSerializer

from provider.config.settings import TokenSettings
from web.security.revocations import Revocations

COOKIE = "sandbox_ledger_session"


class Sessions:
    """Makes and reads the cookie. A session ends by signing out, with its lifetime, and when its token is changed."""

    def __init__(
        self, key: bytes, lifetime_seconds: float, tokens: Sequence[TokenSettings], revocations: Revocations
    ) -> None:
        self._key = key
        self.lifetime_seconds = int(lifetime_seconds)
        self._revocations = revocations
        self._tokens = {token.name: token for token in tokens}
        self._serializer = URLSafeTimedSerializer(
            key, salt="sandbox-ledger session", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def issue(self, token: TokenSettings) -> str:
        """Return the cookie of somebody who showed this token."""
        return self._serializer.dumps([token.name, self._mark(token), secrets.token_hex(16)])

    def find(self, cookie: str) -> TokenSettings | None:
        """Return whose cookie this is; None for one that was altered, is over, or whose token is no longer valid."""
        found = self._read(cookie)
        if found is None or found[1] in self._revocations:
            return None
        return found[0]

    def end(self, cookie: str) -> None:
        """End a session for every process that shares the state directory. May raise `OSError`; idempotent."""
        found = self._read(cookie)
        if found is not None:
            self._revocations.add(found[1])

    def _read(self, cookie: str) -> tuple[TokenSettings, str] | None:
        try:
            content = self._serializer.loads(cookie, max_age=self.lifetime_seconds)
        except BadData:
            return None
        if len(content) != 3:  # of a version that could not end sessions
            return None
        name, mark, session_id = content
        token = self._tokens.get(name)
        return (token, session_id) if token is not None and hmac.compare_digest(mark, self._mark(token)) else None

    def _mark(self, token: TokenSettings) -> str:
        """Tie a session to the very token: one that was replaced under the same name ends it."""
        return hmac.new(self._key, token.sha256.lower().encode(), hashlib.sha256).hexdigest()[:32]


def find_token(tokens: Sequence[TokenSettings], text: str, name: str | None = None) -> TokenSettings | None:
    """Return the token that this text is, of this name when one is given. Every token is compared, always."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    found = None
    for token in tokens:
        same = hmac.compare_digest(digest, token.sha256.lower())
        if same and name in (None, token.name):
            found = token
    return found
