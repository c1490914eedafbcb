"""The token that a sandbox's server asks for: made from a key of the ledger, so nobody has to store it."""

from __future__ import annotations

import hashlib
import hmac
import json

from provider.domain.containers import SandboxSpec


def sandbox_token(key: bytes, container_name: str) -> str:
    """Return the token of one generation: HMAC-SHA256 of its container's name, in hex.

    Every worker that may read the ledger's key makes the same one; no two generations share one.
    """
    return hmac.new(key, container_name.encode(), hashlib.sha256).hexdigest()


def identity_environment(spec: SandboxSpec, container_name: str) -> dict[str, str]:
    """Return the variables that tell a server inside a sandbox who it is; none where it asks for no token.

    They hold no secret: a server that knows the token's hash can check it, and who reads the hash cannot ask.
    """
    if spec.token is None:
        return {}
    identity = {
        "token_sha256": hashlib.sha256(spec.token.encode()).hexdigest(),
        "sandbox": spec.sandbox_id,
        "generation": spec.generation,
        "name": container_name,
    }
    return {"SANDBOXD_IDENTITY": json.dumps(identity)}
